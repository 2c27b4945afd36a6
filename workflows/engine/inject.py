"""Which parameters of an author's function are filled in by name (R1.4)."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from workflows.engine.errors import NodeError

NAMES = ("config", "runtime", "store", "writer", "previous")
_SCALARS = (int, str, float, bool, bytes, list, tuple, set)


def is_coroutine_function(fn: Any) -> bool:
    """Say whether calling `fn` gives a coroutine; looks into partials and callables."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
        getattr(fn, "__call__", None)  # noqa: B004 - the method, not whether it is there
    )


def is_runnable(given: Any) -> bool:
    """Say whether it is run by its `invoke`: a compiled graph, or a runnable of another library.

    What can be called is called, whatever methods it has besides (a mock has all), unless its class is a Runnable.
    """
    if not hasattr(given, "invoke"):
        return False
    return not callable(given) or any(
        base.__name__ == "Runnable" for base in type(given).__mro__
    )


def is_generator_function(fn: Any) -> bool:
    """Say whether calling `fn` gives a generator."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)


def name_of(fn: Any) -> str:
    """Of what is run the name that it has; else `__name__`, else the name of the class (R1.2)."""
    if is_runnable(fn):
        name = fn.get_name() if hasattr(fn, "get_name") else getattr(fn, "name", None)
        return name or type(fn).__name__
    return getattr(fn, "__name__", None) or type(fn).__name__


def hints_of(fn: Any) -> dict[str, Any]:
    """The resolved annotations of a callable; empty where they cannot be resolved."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    target = fn
    if not inspect.isroutine(fn) and not inspect.isclass(fn):
        target = getattr(type(fn), "__call__", fn)  # noqa: B004 - the method itself
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that only the checker sees
        return dict(getattr(target, "__annotations__", {}))


def parameters_of(fn: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters, or None for a callable that does not tell them."""
    try:
        return list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return None


def first_annotation(fn: Any) -> Any:
    """The annotation of the first positional parameter, or None."""
    parameters = parameters_of(fn)
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return None
    return hints_of(fn).get(parameters[0].name)


def injections(
    fn: Any, what: str, *, skip: int = 1, strict: bool = True
) -> tuple[tuple[str, ...], str | None]:
    """The names to fill in, and the parameter that takes a NodeError.

    `skip` positional parameters are the caller's. With `strict` a required parameter that
    nothing fills is a TypeError.
    """
    parameters = parameters_of(fn)
    if parameters is None:
        return (), None
    hints = hints_of(fn) if len(parameters) > skip else {}
    found: list[str] = []
    error: str | None = None
    for number, parameter in enumerate(parameters):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        positional = parameter.kind != parameter.KEYWORD_ONLY
        hint = hints.get(parameter.name, parameter.annotation)
        if positional and number < skip:
            continue
        if hint is NodeError or hint == "NodeError":
            error = parameter.name
        elif _fits(parameter.name, hint):
            found.append(parameter.name)
        elif strict and parameter.default is parameter.empty:
            raise TypeError(
                f"{what}: parameter {parameter.name!r} is filled by nothing; besides the "
                f"first parameter only {', '.join(NAMES)} are given by name, and to an "
                "error handler what is annotated NodeError; give it a default"
            )
    return tuple(found), error


def _fits(name: str, hint: Any) -> bool:
    if name not in NAMES:
        return False
    if name in ("runtime", "previous"):
        return True
    bare = typing.get_origin(hint) or hint
    return not (isinstance(bare, type) and issubclass(bare, _SCALARS))
