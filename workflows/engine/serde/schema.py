"""Which storable classes an annotation mentions, so that a fresh process can read them (R10.5)."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from workflows.engine.serde.classes import form_of, is_model
from workflows.engine.serde.codec import Serde


def register_reachable(serde: Serde, *hints: Any) -> None:
    """Register every dataclass, model, enum and the like that `hints` lead to.

    A hint is a type, an annotation, or a callable (its parameters and result count). An
    annotation that cannot be resolved is passed over, the others beside it are not: its class is then
    registered when the first value of it is written.
    """
    seen: set[int] = set()
    waiting = list(hints)
    while waiting:
        hint = waiting.pop()
        if id(hint) in seen:
            continue
        seen.add(id(hint))
        if isinstance(hint, type) and form_of(hint) is not None:
            serde.find(hint)
        waiting.extend(_next(hint))


def _next(hint: Any) -> Iterator[Any]:
    yield from typing.get_args(hint)
    if isinstance(hint, Enum):
        yield type(hint)  # Literal[Color.RED]
    elif isinstance(hint, typing.TypeVar):
        yield from (hint.__bound__, *hint.__constraints__)
    elif hasattr(hint, "__supertype__"):
        yield hint.__supertype__  # NewType
    elif isinstance(hint, functools.partial):
        yield hint.func
    elif is_model(hint):
        # The package has resolved them already, with names that only it knew.
        yield from (each.annotation for each in hint.model_fields.values())
    elif isinstance(hint, type) or inspect.isroutine(hint):
        yield from _annotations(hint)
    elif callable(hint) and typing.get_origin(hint) is None:
        yield from _annotations(getattr(type(hint), "__call__", None))  # noqa: B004


def _annotations(owner: Any) -> Iterator[Any]:
    owner = inspect.unwrap(owner) if inspect.isroutine(owner) else owner
    try:
        yield from typing.get_type_hints(owner, include_extras=True).values()
    except Exception:  # noqa: BLE001 - a name that only the checker sees: one by one
        for each in owner.__mro__ if isinstance(owner, type) else (owner,):
            yield from _one_by_one(each)


def _one_by_one(owner: Any) -> Iterator[Any]:
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    for hint in getattr(owner, "__annotations__", {}).values():
        probe = type("probe", (), {"__annotations__": {"hint": hint}})
        try:
            yield from typing.get_type_hints(
                probe, dict(vars(module)) if module else {}, include_extras=True
            ).values()
        except Exception:  # noqa: BLE001, S112 - this one alone is passed over
            continue
