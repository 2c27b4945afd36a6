"""Channels that hold one value as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.channels.base import (
    BARE,
    MISSING,
    Channel,
    unwrap_overwrite,
)
from workflows.engine.errors import EmptyChannelError, InvalidUpdateError


class _Single(Channel):
    __slots__ = ("value",)

    def __init__(self, typ: Any = Any, key: str = "") -> None:
        super().__init__(typ, key)
        self.value: Any = MISSING

    def clear(self) -> None:
        self.value = MISSING

    def load(self, saved: Any) -> None:
        self.value = saved

    def checkpoint(self) -> Any:
        return self.value

    def get(self) -> Any:
        if self.value is MISSING:
            raise EmptyChannelError(self.key)
        return self.value

    def is_available(self) -> bool:
        return self.value is not MISSING

    peek = checkpoint

    def _refuse_many(self) -> InvalidUpdateError:
        return InvalidUpdateError(
            f"key {self.key!r} got more than one value in one step; it keeps the last "
            "value only. Write it from one node a step, or give it a reducer: "
            f"Annotated[..., reducer]"
        )


class LastValue(_Single):
    """Keeps the last write; two in one step are an error (R2.2)."""

    __slots__ = ()

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        if len(values) != 1:
            raise self._refuse_many()
        value = values[0]
        self.value = value if type(value) in BARE else unwrap_overwrite(value)[1]
        return True


class AnyValue(_Single):
    """Keeps the last of many equal writes, until a step that writes none."""

    __slots__ = ()
    volatile = True

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            changed = self.value is not MISSING
            self.value = MISSING
            return changed
        self.value = values[-1]
        return True


class EphemeralValue(_Single):
    """Lives for the next step only; with `guard` takes one write a step."""

    __slots__ = ("guard",)
    volatile = True

    def __init__(self, typ: Any = Any, guard: bool = True) -> None:
        super().__init__(typ)
        self.guard = guard

    def traits(self) -> tuple[Any, ...]:
        return (self.typ, self.guard)

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            changed = self.value is not MISSING
            self.value = MISSING
            return changed
        if len(values) != 1 and self.guard:
            raise self._refuse_many()
        self.value = values[-1]
        return True


class UntrackedValue(_Single):
    """Lives as long as the run and is never saved."""

    __slots__ = ("guard",)
    tracked = False

    def __init__(self, typ: Any = Any, guard: bool = True) -> None:
        super().__init__(typ)
        self.guard = guard

    def traits(self) -> tuple[Any, ...]:
        return (self.typ, self.guard)

    def load(self, saved: Any) -> None:
        self.value = MISSING

    def checkpoint(self) -> Any:
        return MISSING

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        if len(values) != 1 and self.guard:
            raise self._refuse_many()
        self.value = values[-1]
        return True
