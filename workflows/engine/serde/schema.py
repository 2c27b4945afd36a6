"""Which storable classes an annotation mentions, so that a fresh process can read them (R10.5)."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import Any

from workflows.engine.serde.classes import form_of, is_model
from workflows.engine.serde.codec import Serde


def register_reachable(serde: Serde, *hints: Any) -> None:
    """Register every dataclass, model, enum and the like that `hints` lead to.

    A hint is a type, an annotation, or a function (its parameters and result count).
    Annotations that cannot be resolved are passed over: the class is then registered when the first
    value of it is written.
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
    if isinstance(hint, type) or _is_function(hint):
        yield from _annotations(hint).values()


def _annotations(owner: Any) -> dict[str, Any]:
    has_fields = (
        _is_function(owner)
        or dataclasses.is_dataclass(owner)
        or is_model(owner)
        or hasattr(owner, "__annotations__")
    )
    if not has_fields:
        return {}
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def _is_function(hint: Any) -> bool:
    return isinstance(hint, Callable) and hasattr(hint, "__code__")  # type: ignore[arg-type]
