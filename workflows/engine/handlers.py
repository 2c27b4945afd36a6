"""Handlers of updates: functions by which an author lets a living thread be changed (RB.16)."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from workflows.engine.answers import answer_errors, validate_answer
from workflows.engine.inject import hints_of, is_coroutine_function, parameters_of
from workflows.engine.jsonschema import Key, Schema, object_schema, stripped
from workflows.engine.update_errors import UpdateRefused

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
_OPEN = {
    inspect.Parameter.VAR_POSITIONAL: "takes any number of arguments",
    inspect.Parameter.VAR_KEYWORD: "takes arguments of any name",
    inspect.Parameter.POSITIONAL_ONLY: "takes an argument by its place alone",
}


class Update(Struct, frozen=True):
    """What a handler returns that has an answer to give: new `values` by key of the state, and the `result`.

    `values` may be None or empty: then nothing changes but the history, which has the update. `result` is
    anything a state may hold.
    """

    values: Any = None
    result: Any = None


class Handler(Struct, eq=False):
    """A function that carries out an update, of the state, as `read`, and of arguments by name."""

    name: str
    fn: Callable[..., Any]
    is_async: bool
    read: Callable[[Any, int], Any]
    write: Callable[[Any], list[tuple[str, Any]]]
    keys: tuple[Key, ...]
    hint: Any
    description: str = ""

    def schema(self) -> Schema:
        """The JSON Schema of the arguments."""
        return object_schema(self.keys, title=self.name, description=self.description)

    def arguments(self, given: Any) -> dict[str, Any]:
        """What is given, as the function takes it; UpdateRefused with what is wrong, by name."""
        if not isinstance(given, Mapping):
            kind = type(given).__name__
            raise UpdateRefused(
                f"update {self.name!r} takes its arguments as a dict by name, not as {kind}"
            )
        names = [key.name for key in self.keys]
        wrong = {str(name): "is no argument" for name in given if name not in names}
        for key in self.keys:
            if key.required and key.name not in given:
                wrong[key.name] = "is needed"
        if not wrong:
            try:
                found: dict[str, Any] = validate_answer(self.hint, dict(given))
                return found
            except ValueError as error:
                wrong = {
                    place.removeprefix("$.").removeprefix("$"): text
                    for place, text in answer_errors(error).items()
                }
        said = "; ".join(
            f"{name}: {text}" if name else text for name, text in wrong.items()
        )
        takes = ", ".join(names) or "none"
        raise UpdateRefused(
            f"update {self.name!r}: {said} (its arguments: {takes})", wrong
        )

    def outcome(self, returned: Any) -> tuple[list[tuple[str, Any]], Any]:
        """What a call has returned, as writes and the result. Raises InvalidUpdateError for what the state cannot take."""
        update = returned if isinstance(returned, Update) else Update(returned)
        writes = [] if update.values is None else self.write(update.values)
        return writes, update.result


def handler_of(
    name: str,
    fn: Callable[..., Any],
    read: Callable[[Any, int], Any],
    write: Callable[[Any], list[tuple[str, Any]]],
) -> Handler:
    """The handler that `fn` is. Raises TypeError where its parameters cannot be a form's."""
    keys = arguments_of(name, fn)
    fields = {
        key.name: key.hint if key.required else typing.NotRequired[key.hint]
        for key in keys
    }
    make: Any = typing.TypedDict
    text = inspect.getdoc(fn) or ""
    return Handler(
        name,
        fn,
        is_coroutine_function(fn),
        read,
        write,
        keys,
        make(name, fields),
        text.split("\n\n")[0].replace("\n", " "),
    )


def arguments_of(name: str, fn: Callable[..., Any]) -> tuple[Key, ...]:
    """The arguments of a handler, which come after the state; TypeError for what has no state, or no names."""
    where = f"update {name!r}"
    parameters = parameters_of(fn) or []
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise TypeError(
            f"{where}: {fn!r} takes no state; its first parameter is the state, those after it "
            "are the arguments of the update"
        )
    hints = hints_of(fn)
    keys = []
    for each in parameters[1:]:
        if each.kind in _OPEN:
            raise TypeError(
                f"{where}: {fn!r} {_OPEN[each.kind]} ({each}); name each argument, so that what is "
                "sent can be checked and a form drawn"
            )
        hint = stripped(hints.get(each.name, Any))
        if each.default is each.empty:
            keys.append(Key(each.name, hint))
        else:
            keys.append(Key(each.name, hint, False, each.default))
    return tuple(keys)
