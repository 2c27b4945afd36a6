"""What a builder collects of updates: functions by which a living thread may be changed (RB.16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from workflows.engine.channels import Channel, DeltaChannel
from workflows.engine.constants import ROOT
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.graph.message_ids import with_ids
from workflows.engine.graph.schema import as_update, is_bare_value, mapper, reader
from workflows.engine.handlers import Handler, arguments_of, handler_of
from workflows.engine.inject import is_generator_function
from workflows.engine.kinds import check_line, refused

F = TypeVar("F", bound=Callable[..., Any])
LONGEST_NAME = 100
"""Characters."""
_NAME = "a short name, such as 'set_limit'"


class UpdateSpec(Struct, eq=False):
    """An update as it was declared; `schema` is what its handler sees of the state."""

    name: str
    fn: Callable[..., Any]
    schema: Any


class TakesUpdates:
    """What a builder offers to those who declare updates."""

    updates: dict[str, UpdateSpec]

    def update(
        self, name: str | None = None, *, input_schema: Any = None
    ) -> Callable[[F], F]:
        """Declare what may be done to a living thread from outside, and answered at once (RB.16).

        The function is given the state, as a node would be, and the arguments of the update by name, checked
        against their annotations. It returns new values by key of the state, an `Update(values, result)`, or None,
        and raises `UpdateRefused(why)` where it will not; then nothing is written. It runs between two steps, or while
        the thread waits; what is due and what is asked stays. It may be called again where its result was not saved,
        so it changes nothing else. `name` is the function's own where none is given.

        Raises TypeError for a function whose arguments cannot be named, ValueError for a name that is taken or none.
        """

        def declare(fn: F) -> F:
            given = getattr(fn, "__name__", None) if name is None else name
            check_line(given, "update", "name", _NAME, LONGEST_NAME)
            if not given:
                raise refused("update", "name", given, _NAME, ValueError)
            if given in self.updates:
                raise ValueError(f"there is already an update {given!r}")
            if not callable(fn) or is_generator_function(fn):
                wanted = (
                    "a function, or a coroutine function, of the state and of arguments"
                )
                raise refused(f"update {given!r}", "the function", fn, wanted)
            arguments_of(given, fn)
            self._note_change()
            spec = UpdateSpec(given, fn, self._schema_of(fn, input_schema))
            self._add_schema(spec.schema)
            self.updates[given] = spec
            return fn

        return declare

    # what the builder has for its nodes

    def _note_change(self) -> None:
        raise NotImplementedError

    def _schema_of(self, fn: Any, given: Any) -> Any:
        raise NotImplementedError

    def _add_schema(self, schema: Any) -> None:
        raise NotImplementedError


def handlers(
    graph: Any, channels: Mapping[str, Channel], keys: tuple[str, ...]
) -> dict[str, Handler]:
    """The handlers that a builder has collected, by name; `keys` are those of the state."""
    if not graph.updates:
        return {}
    write = _writer(channels, keys)
    return {
        spec.name: handler_of(
            spec.name, spec.fn, _reader(spec.schema, channels, graph.managed), write
        )
        for spec in graph.updates.values()
    }


def _reader(
    schema: Any, channels: Mapping[str, Channel], managed: Mapping[str, Any]
) -> Callable[[Any, int], Any]:
    read, make = reader(schema, channels, managed), mapper(schema)
    if make is None:
        return read
    return lambda live, remaining: make(read(live, remaining))


def _writer(
    channels: Mapping[str, Channel], keys: tuple[str, ...]
) -> Callable[[Any], list[tuple[str, Any]]]:
    """Unlike what a node returns, a key that is none is refused: somebody waits for the answer."""
    root = is_bare_value(channels)

    def write(values: Any) -> list[tuple[str, Any]]:
        if root:
            return [(ROOT, values)]
        found = as_update(values)
        if found is None:
            raise InvalidUpdateError(
                f"its handler returned {type(values).__name__} ({str(values)[:80]}), which is no update; give a dict "
                "of new values by key, an Update(values, result), or None"
            )
        if unknown := [key for key in found if key not in keys]:
            raise InvalidUpdateError(
                f"its handler returned {', '.join(map(repr, unknown))}, which is no key of the state; it has "
                f"{', '.join(keys)}"
            )
        return [*found.items()]

    deltas = {key for key, each in channels.items() if isinstance(each, DeltaChannel)}
    return with_ids(write, deltas) if deltas else write
