"""The writes of tasks <-> rows.

What a task wrote into a channel is often, text by text, what the step's checkpoint keeps of
that channel: the value, or the tail of a list. When both are saved together it is written
once: the pair then says where in the checkpoint's value row it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import is_
from typing import Any, NamedTuple

from workflows.engine.checkpoint.base import PendingWrite, TaskWrites
from workflows.engine.constants import (
    CALL,
    ERROR,
    INTERRUPT,
    RESUME,
    RETURN,
    RUNS,
)
from workflows.engine.errors import DamagedValueError, SerializationError
from workflows.engine.ids import digest
from workflows.engine.serde.plain import encode_plain
from workflows.storage.channels import INLINE
from workflows.storage.texts import clean
from workflows.storage.values import ValueRow, verify

_SLOTS = {
    INTERRUPT: "interrupt",
    RESUME: "resume",
    ERROR: "error",
    RETURN: "return",
    CALL: "return",
    RUNS: "runs",
}

_PLAIN = "writes"

Values = Mapping[tuple[str, str], Sequence[str]]


class WriteRow(NamedTuple):
    """A row of `PendingWrite` without thread, namespace and checkpoint.

    A pair of `payload` is [channel, value]; or [channel], or [channel, start, end] for a part
    of a list, where the value is that of the channel's row written by checkpoint `values_at`.
    """

    task: str
    slot: str
    path: str
    digest: str
    payload: str
    values_at: str


def in_order(row: WriteRow) -> tuple[str, str, str]:
    """R4.6; sorted by us, since databases do not collate alike."""
    return row.path, row.task, row.slot


class Written:
    """What one checkpoint holds, to be found again in what tasks wrote.

    `texts` are the values that stand in its channel map, each with its text.
    """

    __slots__ = ("_places", "_whole", "texts", "writer")

    def __init__(self, writer: str) -> None:
        self.writer = writer
        self.texts: dict[str, tuple[Any, str]] = {}
        self._whole: dict[str, Any] = {}
        self._places: dict[str, dict[int, int]] = {}

    def add(self, row: ValueRow, whole: Any) -> None:
        """Note that `row` holds `whole`, the value or the tail of the list."""
        if len(row.payload) > INLINE:
            self._whole[row.channel] = whole

    def pair(self, channel: str, value: Any) -> list[Any]:
        """The pair as it is to be stored: by its place where the value stands in a row.

        Objects are compared by identity: they are the same, so their text is.
        """
        if channel not in self._whole:
            return [channel, value]
        whole = self._whole[channel]
        if value is whole:
            return [channel]
        if type(value) is not list or type(whole) is not list or not value:
            return [channel, value]
        places = self._places.get(channel)
        if places is None:
            places = {id(item): place for place, item in enumerate(whole)}
            self._places[channel] = places
        start = places.get(id(value[0]), -1)
        end = start + len(value)
        if start < 0 or end > len(whole) or not all(map(is_, value, whole[start:end])):
            return [channel, value]
        return [channel] if end - start == len(whole) else [channel, start, end]

    def text(self, pairs: Sequence[tuple[str, Any]]) -> str | None:
        """The text of `pairs` where all their values stand in the map; else None.

        None of these is encoded again: the same object has the same text.
        """
        texts = self.texts
        parts = []
        for channel, value in pairs:
            known = texts.get(channel)
            if known is None or known[0] is not value:
                return None
            parts.append(f"[{_name(channel)},{known[1]}]")
        return f"[{','.join(parts)}]"


@lru_cache(maxsize=1024)
def _name(channel: str) -> str:
    """The name of a channel as JSON."""
    return encode_plain(channel).decode()


def write_rows(serde: Any, task: TaskWrites, written: Written | None) -> list[WriteRow]:
    """What one task saves as rows, one a slot."""
    task_id, path = task.task_id, clean(task.path)[:600]
    slots: dict[str, list[tuple[str, Any]]] = {}
    for pair in task.writes:
        slot = _SLOTS.get(pair[0], _PLAIN)
        if slot in slots:
            slots[slot].append(pair)
        else:
            slots[slot] = [pair]
    rows = []
    for slot, pairs in slots.items():
        values_at = ""
        if slot is not _PLAIN or written is None:
            text = _text(serde, [[*pair] for pair in pairs])
        else:
            known = written.text(pairs)
            if known is None:
                placed = [written.pair(channel, value) for channel, value in pairs]
                if any(len(pair) != 2 for pair in placed):
                    values_at = written.writer
                text = _text(serde, placed)
            else:
                text = known
        rows.append(WriteRow(task_id, slot, path, digest(text), text, values_at))
    return rows


def _text(serde: Any, pairs: list[list[Any]]) -> str:
    try:
        return serde.dumps(pairs)  # type: ignore[no-any-return]
    except SerializationError:
        # Say which channel it is, not which place in our own list of pairs.
        for channel, *value in pairs:
            serde.dumps(value[0] if value else None, f"$.{channel}")
        raise


class Read(NamedTuple):
    """A row whose payload was decoded; `of` names its thread and checkpoint in errors."""

    row: WriteRow
    pairs: list[Any]
    of: tuple[str, str]

    @property
    def where(self) -> str:
        """The place of the row, for people."""
        thread_id, checkpoint = self.of
        row = self.row
        return (
            f"thread {thread_id!r}, checkpoint {checkpoint}: {row.slot} of {row.task}"
        )


def read_rows(
    serde: Any, rows: Iterable[WriteRow], thread_id: str, checkpoint: str
) -> list[Read]:
    """Check and decode the writes of a checkpoint. Raises DamagedValueError."""
    of = (thread_id, checkpoint)
    found = []
    for row in rows:
        if digest(row.payload) != row.digest:
            verify(row.payload, row.digest, Read(row, [], of).where)  # raises
        found.append(Read(row, serde.loads(row.payload), of))
    return found


def places_of(read: Iterable[Read]) -> set[tuple[str, str]]:
    """The value rows, by channel and writer, that pairs refer to."""
    return {
        (pair[0], row.values_at)
        for row, pairs, _ in read
        if row.values_at
        for pair in pairs
        if len(pair) != 2
    }


def pending_writes(
    serde: Any, read: Iterable[Read], values: Values
) -> list[PendingWrite]:
    """(task, channel, value) of all pairs; `values` are the rows they refer to."""
    found: list[PendingWrite] = []
    for each in read:
        row = each.row
        for pair in each.pairs:
            value = (
                pair[1]
                if len(pair) == 2
                else _placed(serde, pair, row.values_at, values, each.where)
            )
            found.append((row.task, pair[0], value))
    return found


def _placed(
    serde: Any, pair: list[Any], writer: str, values: Values, where: str
) -> Any:
    channel, *part = pair
    stored = values.get((channel, writer))
    if stored is None:
        raise DamagedValueError(
            f"{where}: its write to {channel!r} stands in a value row written by {writer}, "
            "which is not there; restore it from a backup"
        )
    _, _, checksum, payload = stored
    verify(payload, checksum, f"{where}: channel {channel!r} written by {writer}")
    value = serde.loads(payload)
    return value[part[0] : part[1]] if part else value
