"""Which graph a function calls: what is told by its code, without running it (R7.9, R7.11)."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, TypeVar

T = TypeVar("T")
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


def the_only(kind: type[T], fn: Any) -> T | None:
    """The one object of `kind` that `fn` names: captured, global, or an attribute of such a one.

    None where there is none, and where there are several: nobody can tell then which one was called.
    """
    found = {id(each): each for each in _named(fn) if isinstance(each, kind)}
    return next(iter(found.values())) if len(found) == 1 else None


def _named(fn: Any) -> Iterator[Any]:
    while isinstance(fn, functools.partial):
        fn = fn.func
    fn = inspect.unwrap(getattr(fn, "__func__", fn))
    fn = getattr(fn, "__func__", fn)
    if not isinstance(fn, FunctionType):
        return
    captured = dict(_captured(fn))
    yield from captured.values()
    for code in _codes(fn.__code__):
        yield from _loaded(code, captured, fn.__globals__)


def _captured(fn: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        try:
            yield name, _owner(cell.cell_contents)
        except ValueError:  # not bound yet
            continue


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _loaded(
    code: CodeType, captured: Mapping[str, Any], names: Mapping[str, Any]
) -> Iterator[Any]:
    value: Any = None
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            value = names.get(step.argval)
        elif step.opname == "LOAD_DEREF":
            value = captured.get(step.argval)
        elif step.opname in _ATTRIBUTES and value is not None:
            # No attribute is computed: a property is the author's code.
            value = inspect.getattr_static(value, step.argval, None)
        else:
            value = None
        yield _owner(value)


def _owner(value: Any) -> Any:
    """What a method is bound to: `call = graph.invoke` names the graph."""
    return value.__self__ if inspect.ismethod(value) else value


__all__ = ["the_only"]
