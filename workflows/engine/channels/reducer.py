"""Channels that fold their writes into a value."""

from __future__ import annotations

import collections.abc
import copy
import operator as operators
import typing
from collections.abc import Callable, Sequence
from typing import Any, Self

from workflows.engine.channels.base import (
    MISSING,
    Channel,
    unwrap_overwrite,
)
from workflows.engine.errors import EmptyChannelError, InvalidUpdateError
from workflows.engine.kinds import check_callable

_CONCRETE = {
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
}


# `left + right` and nothing else; of a function of ours `tell_of` says so.
_APPENDING = (operators.add, operators.concat, operators.iadd, operators.iconcat)
# By what it is, never by an attribute: a reducer of the author's may have any of its own.
_told: list[tuple[Any, bool, Callable[[Any], Any] | None]] = []


def tell_of(
    reducer: Any, *, keeps_left: bool, settle: Callable[[Any], Any] | None
) -> None:
    """Tell the channels what a reducer of the engine's own does beside folding.

    `keeps_left`: as long as both together, its result is left and then right. `settle` makes of a value that was
    put in whole what the reducer would have made of it.
    """
    _told.append((reducer, keeps_left, settle))


def starting_value(typ: Any) -> Any:
    """`typ()` where the type can be built without arguments, else MISSING (R2.3)."""
    origin = typing.get_origin(typ) or typ
    if origin in (typing.Required, typing.NotRequired):
        return starting_value(typing.get_args(typ)[0])
    origin = _CONCRETE.get(origin, origin)
    if not isinstance(origin, type):
        return MISSING
    try:
        return origin()
    except Exception:  # noqa: BLE001 - any class may refuse to be built bare
        return MISSING


class BinaryOperatorAggregate(Channel):
    """`value = operator(value, write)` for each write, in task order (R2.3).

    `appended` stays true while a list has only been added to since it was loaded or saved: a
    saver then need not look at what it begins with.
    """

    __slots__ = ("appended", "keeps_left", "operator", "settle", "start", "value")

    def __init__(self, typ: Any, operator: Callable[[Any, Any], Any]) -> None:
        super().__init__(typ)
        wanted = "a function that folds writes into the value"
        check_callable(operator, type(self).__name__, "the reducer", wanted)
        self.operator = operator
        self.start = typ
        told = (each[1:] for each in _told if each[0] is operator)
        keeps_left, self.settle = next(told, (False, None))
        self.keeps_left = keeps_left or operator in _APPENDING
        self.appended = True
        self.value: Any = starting_value(typ)

    def clear(self) -> None:
        self.value = starting_value(self.typ)

    def load(self, saved: Any) -> None:
        self.value = saved
        self.appended = True

    def twin(self) -> Self:
        new = copy.copy(self)
        # The reducer may well add to the very container that it is given.
        if type(self.value) in (list, dict, set):
            new.value = self.value.copy()
        elif self.value is not MISSING:
            new.value = copy.copy(self.value)
        return new

    def checkpoint(self) -> Any:
        return self.value

    def get(self) -> Any:
        if self.value is MISSING:
            raise EmptyChannelError(self.key)
        return self.value

    def is_available(self) -> bool:
        return self.value is not MISSING

    def peek(self) -> Any:
        return self.value

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        found, replacement = self._overwritten(values)
        if found:
            settle = self.settle
            self.value = replacement if settle is None else settle(replacement)
            self.appended = False
            return True
        value = self.value
        for write in values:
            before = len(value) if type(value) is list else None
            value = write if value is MISSING else self.operator(value, write)
            self.appended = self.appended and self._is_appended(before, write, value)
        self.value = value
        return True

    def _is_appended(self, before: int | None, write: Any, value: Any) -> bool:
        if not self.keeps_left or before is None or type(value) is not list:
            return False
        return len(value) == before + (len(write) if type(write) is list else 1)

    def _overwritten(self, values: Sequence[Any]) -> tuple[bool, Any]:
        found = False
        replacement: Any = None
        for write in values:
            is_overwrite, inner = unwrap_overwrite(write)
            if is_overwrite:
                if found:
                    raise InvalidUpdateError(
                        f"key {self.key!r} got more than one Overwrite in one step"
                    )
                found, replacement = True, inner
        return found, replacement

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _same_function(
            self.operator, other.operator
        )

    __hash__ = Channel.__hash__


def _same_function(one: Any, other: Any) -> bool:
    if one is other:
        return True
    name = getattr(one, "__name__", None)
    return name == "<lambda>" and getattr(other, "__name__", None) == "<lambda>"
