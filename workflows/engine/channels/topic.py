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
