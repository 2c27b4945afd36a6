"""A channel that collects what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.channels.base import MISSING, Channel
from workflows.engine.errors import EmptyChannelError


class Topic(Channel):
    """All writes of a step as a list; a written list is spread. `accumulate` keeps growing."""

    __slots__ = ("accumulate", "values")
    volatile = True

    def __init__(self, typ: Any, accumulate: bool = False) -> None:
        super().__init__(typ)
        self.accumulate = accumulate
        self.values: list[Any] = []

    @property
    def ValueType(self) -> Any:
        """A sequence of what is collected."""
        return Sequence[self.typ]  # type: ignore[name-defined]

    @property
    def UpdateType(self) -> Any:
        """What is collected, or a list of it."""
        return self.typ | list[self.typ]  # type: ignore[name-defined]

    def traits(self) -> tuple[Any, ...]:
        return (self.typ, self.accumulate)

    def clear(self) -> None:
        self.values = []

    def load(self, saved: Any) -> None:
        self.values = list(saved)

    def checkpoint(self) -> Any:
        return self.values if self.values else MISSING

    def update(self, values: Sequence[Any]) -> bool:
        spread: list[Any] = []
        for value in values:
            spread.extend(value) if isinstance(value, list) else spread.append(value)
        before = self.values
        self.values = [*before, *spread] if self.accumulate else spread
        return bool(spread) or (not self.accumulate and bool(before))

    def get(self) -> Any:
        if not self.values:
            raise EmptyChannelError(self.key)
        return list(self.values)
