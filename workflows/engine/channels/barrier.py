"""A channel that waits until every expected name has arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from workflows.engine.channels.base import MISSING, Channel
from workflows.engine.errors import EmptyChannelError, InvalidUpdateError
from workflows.engine.kinds import several


class NamedBarrierValue(Channel):
    """Remembers who arrived; ready when all of `names` have, empty again after `consume`."""

    __slots__ = ("names", "seen")

    def __init__(self, typ: Any, names: Iterable[str]) -> None:
        super().__init__(typ)
        wanted = "the names that it waits for"
        self.names = frozenset(several(names, "NamedBarrierValue", "names", wanted))
        self.seen: set[str] = set()

    def traits(self) -> tuple[Any, ...]:
        return (self.typ, self.names)

    def clear(self) -> None:
        self.seen = set()

    def load(self, saved: Any) -> None:
        self.seen = set(saved) & self.names

    def checkpoint(self) -> Any:
        return sorted(self.seen) if self.seen else MISSING

    def update(self, values: Sequence[Any]) -> bool:
        changed = False
        for value in values:
            if value not in self.names:
                raise InvalidUpdateError(
                    f"{value!r} is not among the expected {sorted(self.names)} of {self.key!r}"
                )
            if value not in self.seen:
                self.seen.add(value)
                changed = True
        return changed

    def is_complete(self) -> bool:
        """Say whether everybody has arrived."""
        return self.seen == self.names

    def consume(self) -> bool:
        """Empty a complete barrier; say whether it was complete."""
        if not self.is_complete():
            return False
        self.seen = set()
        return True

    def get(self) -> Any:
        if not self.is_complete():
            raise EmptyChannelError(self.key)
        return None

    def is_available(self) -> bool:
        return self.is_complete()
