"""A channel that is saved as what was written to it, with whole values in between (R2.8).

What it hands to savers is a *journal*: a list of one whole value and what followed. It grows at its
end alone, and savers store such a list as what was added. A batch of writes follows as the list
of them, to be given to the reducer again; where the reducer has made items of its own (a message
got its id), these follow as `{"items": [...]}`, so that nothing is made up twice.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

from workflows.engine.channels.base import MISSING, Channel
from workflows.engine.channels.reducer import BinaryOperatorAggregate, starting_value

LONGEST_STEPS = 5_000
"""So many steps after a whole value what was written since is saved as one again, whatever the frequency."""
MARK = "__delta__"
_SMALL = frozenset({bool, int, float, type(None)})


class DeltaChannel(BinaryOperatorAggregate):
    """Folds all writes of a step at once: `f(value or None, [writes]) -> value` (R2.8).

    Savers are given what was written, and a whole value every `snapshot_frequency` updates.
    `f` is called again with the same batches when a thread is read, so it must be a function of
    what it is given.
    """

    __slots__ = ("journal", "snapshot_frequency")

    def __init__(
        self,
        reducer: Callable[[Any, list[Any]], Any],
        typ: Any = Any,
        *,
        snapshot_frequency: int = 100,
    ) -> None:
        if type(snapshot_frequency) is not int or snapshot_frequency <= 0:
            raise ValueError(
                f"snapshot_frequency must be a positive int, not {snapshot_frequency!r}"
            )
        super().__init__(typ, reducer)
        self.snapshot_frequency = snapshot_frequency
        self.journal: list[Any] | None = None

    def clear(self) -> None:
        super().clear()
        self.journal = None

    def load(self, saved: Any) -> None:
        self.appended = True
        self.journal = None
        self.value = saved
        if is_journal(saved):
            self.journal = saved
            # The journal stays as it was read; a reducer may well change what it is given.
            self.value = self._folded(copy.deepcopy(saved))

    def checkpoint(self) -> Any:
        return self.value if self.journal is None else self.journal

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        found, replacement = self._overwritten(values)
        if found:
            empty = starting_value(self.typ) if replacement is None else MISSING
            self.value = replacement if empty is MISSING else empty
            self._begin()
            return True
        known: Any = None if self.value is MISSING else self.value
        written = _copied(values)
        # The reducer gets a container of its own: it may well add to what it is given, and other
        # copies of this channel hold the same one.
        given = known.copy() if type(known) in (list, dict, set) else known
        self.value = self.operator(given, list(values))
        self._note(known, values, written)
        return True

    def _note(self, known: Any, values: Sequence[Any], written: Any) -> None:
        """Put the update into the journal, or begin a new one with the whole value."""
        entry = None
        journal = self.journal
        if journal is not None and len(journal) < self.snapshot_frequency:
            entry = _entry(known, self.value, values, written)
        if journal is None or entry is None:
            self._begin()
        else:
            self.journal = [*journal, entry]

    def _begin(self) -> None:
        """Have the whole value saved, and what comes now on top of it."""
        self.appended = False
        self.journal = None
        often = self.snapshot_frequency == 1 or type(self.value) in _SMALL
        if not often or is_journal(self.value):
            whole = _copied(self.value)
            if whole is not MISSING:
                self.journal = [{MARK: None, "value": whole}]

    def reach(self, step: int) -> bool:
        """Be told in which step the next saving is; True where an old journal ends there, to be saved as a whole value."""
        journal = self.journal
        if journal is None:
            return False
        if journal[0][MARK] is None:
            journal[0][MARK] = step
            return False
        if len(journal) == 1 or step - journal[0][MARK] < LONGEST_STEPS:
            return False
        self._begin()
        self.reach(step)
        return True

    def _folded(self, journal: list[Any]) -> Any:
        value = journal[0]["value"]
        for entry in journal[1:]:
            if type(entry) is dict:
                value = [*value, *entry["items"]]
            else:
                value = self.operator(value, entry)
        return value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DeltaChannel)
            and super().__eq__(other)
            and self.snapshot_frequency == other.snapshot_frequency
        )

    __hash__ = Channel.__hash__


def is_journal(saved: Any) -> bool:
    """Say whether a saved value is the journal of a delta channel."""
    return (
        type(saved) is list
        and bool(saved)
        and type(saved[0]) is dict
        and saved[0].keys() == {MARK, "value"}
    )


def settled(journal: Any) -> Any:
    """The value of a journal where no reducer is needed to tell it, else MISSING."""
    value, rest = journal[0]["value"], journal[1:]
    if not all(type(entry) is dict for entry in rest):
        return MISSING
    return [*value, *(i for e in rest for i in e["items"])] if rest else value


def unfolded(saved: Any) -> Any:
    """What a saved value says to those who do not know its reducer."""
    if not is_journal(saved):
        return saved
    value = settled(saved)
    if value is not MISSING:
        return value
    return {"snapshot": saved[0]["value"], "written since": saved[1:]}


def _entry(known: Any, value: Any, values: Sequence[Any], written: Any) -> Any:
    """What is noted of an update; None where the whole value has to be saved."""
    as_given = _is_same(written, values)
    if type(value) is not list:
        return written if as_given else None
    before = known if type(known) is list else []
    if as_given:
        given = {*map(id, before), *map(id, _items(values))}
        if all(id(item) in given for item in value):
            return written
    if len(value) >= len(before) and all(map(is_, before, value)):
        items = _copied(value[len(before) :])
        return None if items is MISSING else {"items": items}
    return None


def _is_same(written: Any, values: Sequence[Any]) -> bool:
    """Say whether the reducer has left the writes as they were."""
    try:
        return written is not MISSING and bool(written == list(values))
    except Exception:  # noqa: BLE001 - the comparison is a class of the author's
        return False


def _items(values: Sequence[Any]) -> itertools.chain[Any]:
    """Each write, and what is in it where it is a list of items."""
    return itertools.chain(
        values,
        *(write for write in values if isinstance(write, list | tuple)),
        *(write.values() for write in values if isinstance(write, dict)),
    )


def _copied(value: Any) -> Any:
    """A copy that nobody else holds; MISSING where there is none."""
    try:
        return copy.deepcopy(list(value) if type(value) is tuple else value)
    except Exception:  # noqa: BLE001 - a class of the author may refuse to be copied
        return MISSING
