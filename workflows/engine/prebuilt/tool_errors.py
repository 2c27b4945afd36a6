"""Which errors of a tool are told to the model, and in which words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

from langchain_core.tools import ToolException
from pydantic import ValidationError

from workflows.engine.errors import (
    ConcurrencyError,
    GraphBubbleUp,
    InterruptSwallowedError,
    NonDeterminismError,
)
from workflows.engine.inject import hints_of
from workflows.engine.kinds import refused
from workflows.engine.response_schemas import is_refused

Handling: TypeAlias = (
    bool | str | type[Exception] | tuple[type[Exception], ...] | Callable[..., str]
)


_OF_THE_ENGINE = (
    GraphBubbleUp,
    ConcurrencyError,
    InterruptSwallowedError,
    NonDeterminismError,
)
"""What stops a run, asks, or goes elsewhere: no model is told, whatever is to be handled."""


class ToolInvocationError(ToolException):
    """The model called a tool with arguments that do not fit; its text tells the model which.

    `source` is pydantic's error, `filtered_errors` those of its parts that the model can mend.
    """

    def __init__(
        self,
        tool_name: str,
        source: ValidationError,
        tool_kwargs: dict[str, Any],
        filtered_errors: list[Any] | None = None,
    ) -> None:
        parts = source.errors() if filtered_errors is None else filtered_errors
        said = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in parts)
        self.message = (
            f"Error: tool {tool_name!r} does not take {tool_kwargs}: {said}. "
            "Call it again with arguments that fit."
        )
        self.tool_name = tool_name
        self.tool_kwargs = tool_kwargs
        self.source = source
        self.filtered_errors = filtered_errors
        super().__init__(self.message)


def _place(parts: Collection[Any]) -> str:
    return ".".join(map(str, parts)) or "the arguments"


def misfit(
    call: Mapping[str, Any], error: ValidationError, given_here: Collection[str]
) -> ToolInvocationError:
    """What was wrong with the model's arguments; what the graph itself gave is not its affair."""
    mine = []
    for each in error.errors():
        if each["loc"] and each["loc"][0] in given_here:
            continue
        seen: dict[str, Any] = {**each}
        if isinstance(seen.get("input"), dict):
            kept = seen["input"].items()
            seen["input"] = {k: v for k, v in kept if k not in given_here}
        mine.append(seen)
    return ToolInvocationError(call["name"], error, call["args"], mine)


def told_of_misfits(error: Exception) -> str:
    """Tell the model of arguments that do not fit; any other error is raised. The default."""
    if isinstance(error, ToolInvocationError):
        return error.message
    raise error


def checked(handling: Any, node: str) -> Handling:
    """Raises TypeError for what is no way to handle errors, or a handler annotated with no exception."""
    if isinstance(handling, bool | str) or _is_error(handling):
        return handling  # type: ignore[no-any-return]
    if isinstance(handling, tuple) and all(map(_is_error, handling)):
        return handling
    if not callable(handling):
        wanted = (
            "True, False, a text, an exception class, a tuple of these, or a function"
        )
        raise refused(node, "handle_tool_errors", handling, wanted)
    _taken_by(handling, node)
    return handling  # type: ignore[no-any-return]


def _is_error(given: Any) -> bool:
    return isinstance(given, type) and issubclass(given, Exception)


def _taken_by(handler: Callable[..., str], node: str = "") -> tuple[type, ...]:
    """The exceptions that a handler's first parameter is annotated with; all, where it is not."""
    try:
        names = [
            name for name in inspect.signature(handler).parameters if name != "self"
        ]
    except (TypeError, ValueError):
        return (Exception,)
    hint = hints_of(handler).get(names[0]) if names else None
    if hint is None:
        return (Exception,)
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if not all(map(_is_error, kinds)):
        raise refused(
            node, "the error that handle_tool_errors takes", hint, "exception classes"
        )
    return tuple(kinds)


def words_for(error: Exception, handling: Handling) -> str:
    """What the model is told. Raises the error itself where it is not to be told.

    An answer of a person that does not fit its question is not: it is asked again.
    """
    if isinstance(error, _OF_THE_ENGINE) or is_refused(error) or not handling:
        raise error
    if isinstance(handling, type | tuple):
        if not isinstance(error, handling):
            raise error
    elif callable(handling):
        if not isinstance(error, _taken_by(handling)):
            raise error
        return handling(error)
    elif isinstance(handling, str):
        return handling
    return f"Error: {error!r}\nPlease mend the call, or do without it."
