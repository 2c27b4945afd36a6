"""From the annotations of a state schema to channels (R2.1 to R2.7, R2.19)."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Annotated, Any, NotRequired, Required

from workflows.engine.channels import (
    MISSING,
    BinaryOperatorAggregate,
    Channel,
    DeltaChannel,
    LastValue,
)
from workflows.engine.constants import ROOT
from workflows.engine.inject import hints_of
from workflows.engine.managed import ManagedValue


def is_model(schema: Any) -> bool:
    """Say whether `schema` is a pydantic model class."""
    return isinstance(schema, type) and hasattr(schema, "model_validate")


def is_typeddict(schema: Any) -> bool:
    """Say whether `schema` is a TypedDict, of typing or typing_extensions."""
    return (
        isinstance(schema, type)
        and issubclass(schema, dict)
        and hasattr(schema, "__total__")
        and hasattr(schema, "__annotations__")
    )


def has_keys(schema: Any) -> bool:
    """Say whether `schema` describes keys; otherwise it is one root channel (R2.19)."""
    return (
        is_typeddict(schema)
        or (isinstance(schema, type) and dataclasses.is_dataclass(schema))
        or is_model(schema)
    )


def is_bare_value(keys: Iterable[str]) -> bool:
    """Say whether these are the keys of a state that is one value; a dict may have the same key among others."""
    return [*keys] == [ROOT]


def keys_of(schema: Any) -> dict[str, Any]:
    """Key -> annotation with its extras."""
    if not has_keys(schema):
        return {ROOT: schema}
    hints = typing.get_type_hints(schema, include_extras=True)
    if is_model(schema):
        return {
            k: _model_hint(schema, k, hints.get(k, Any)) for k in schema.model_fields
        }
    if dataclasses.is_dataclass(schema):
        return {f.name: hints.get(f.name, Any) for f in dataclasses.fields(schema)}
    return hints


def _model_hint(schema: Any, key: str, hint: Any) -> Any:
    return hint


def channels_of(
    schema: Any,
) -> tuple[dict[str, Channel], dict[str, type[ManagedValue]]]:
    """The channels and the managed values of a schema.

    Raises ValueError for a reducer with a wrong number of parameters (R2.4).
    """
    channels: dict[str, Channel] = {}
    managed: dict[str, type[ManagedValue]] = {}
    for key, hint in keys_of(schema).items():
        bare = _without_required(hint)
        found = _from_annotation(key, bare)
        if isinstance(found, Channel):
            found.key = key
            channels[key] = found
        else:
            managed[key] = found
    return channels, managed


def _without_required(hint: Any) -> Any:
    while True:
        origin = typing.get_origin(hint)
        if origin in (Required, NotRequired) or getattr(origin, "_name", "") in (
            "Required",
            "NotRequired",
            "ReadOnly",
        ):
            hint = typing.get_args(hint)[0]
        else:
            return hint


def _from_annotation(key: str, hint: Any) -> Channel | type[ManagedValue]:
    if typing.get_origin(hint) is not Annotated:
        return LastValue(hint)
    typ = hint.__origin__
    last = hint.__metadata__[-1]
    if isinstance(last, type) and issubclass(last, ManagedValue):
        return last
    for note in hint.__metadata__:  # beside notes for others, wherever it stands
        if isinstance(note, Channel):
            made = note.fresh()
            if isinstance(made, DeltaChannel) and made.typ is Any:
                made.typ = _without_required(typ)  # where it begins (R2.8)
                made.clear()
            return made
        if isinstance(note, type) and issubclass(note, Channel):
            return note(typ)
    if callable(last) and not isinstance(last, type):
        _check_reducer(key, last)
        return BinaryOperatorAggregate(_without_required(typ), last)
    return LastValue(typ)


def _check_reducer(key: str, reducer: Callable[..., Any]) -> None:
    try:
        parameters = _parameters_of(reducer)
    except (TypeError, ValueError):
        return
    positional = [
        p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    required = [p for p in positional if p.default is p.empty]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return
    if len(positional) < 2 or len(required) > 2:
        raise ValueError(
            f"the reducer of key {key!r} must take two values, (left, right); "
            f"{reducer!r} takes {len(positional)}"
        )


def _parameters_of(reducer: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    if isinstance(getattr(reducer, "__self__", None), ModuleType):
        return _parameters_of_builtin(reducer)
    return tuple(inspect.signature(reducer).parameters.values())


@cache
def _parameters_of_builtin(
    reducer: Callable[..., Any],
) -> tuple[inspect.Parameter, ...]:
    # Python reads the signature of operator.add out of a text, in 0.2 ms each time.
    return tuple(inspect.signature(reducer).parameters.values())


def merge_channel(known: Channel, other: Channel, key: str) -> Channel:
    """One channel for a key that two schemas declare (R2.6).

    Raises ValueError for two different reducers.
    """
    if isinstance(other, LastValue) and not isinstance(known, LastValue):
        return known
    if isinstance(known, LastValue):
        return other if not isinstance(other, LastValue) else known
    if type(known) is not type(other) or known != other:
        raise ValueError(
            f"key {key!r} is declared with two different reducers; declare it once"
        )
    return known


def reader(
    schema: Any, channels: Mapping[str, Channel], managed: Mapping[str, Any]
) -> Callable[[Any, int], Any]:
    """A function that reads what a node with this schema sees (R1.8, R2.9)."""
    wanted = keys_of(schema)
    if is_bare_value(wanted):

        def root(live: Any, remaining: int) -> Any:
            value = live[ROOT].peek()
            return None if value is MISSING else value

        return root
    keys = tuple(k for k in wanted if k in channels)
    filled = tuple((k, managed[k]) for k in wanted if k in managed)

    def read(live: Any, remaining: int) -> dict[str, Any]:
        found = {}
        for key in keys:
            value = live[key].peek()
            if value is not MISSING:
                found[key] = value
        for key, each in filled:
            found[key] = each.read(remaining)
        return found

    return read


def mapper(schema: Any) -> Callable[[dict[str, Any]], Any] | None:
    """Makes the instance a node with a dataclass or model gets; None for a dict."""
    if is_typeddict(schema) or not has_keys(schema):
        return None

    def build(values: dict[str, Any]) -> Any:
        return schema(**values)

    return build


def as_update(value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass or model instance as an update, else None (R1.10).

    A model's field that was not given and is None by default is no part of it.
    """
    if isinstance(value, dict):
        return value
    kind = type(value)
    if is_model(kind):
        given = value.model_fields_set
        return {
            k: getattr(value, k)
            for k, f in kind.model_fields.items()
            if getattr(value, k) is not None or k in given or f.default is not None
        }
    if dataclasses.is_dataclass(kind):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(kind)}
    return None


def annotation_schema(fn: Any, parameter: str | None, otherwise: Any) -> Any:
    """The schema named by the annotation of a parameter, else `otherwise` (R1.8)."""
    hint = hints_of(fn).get(parameter) if parameter else None
    return hint if has_keys(hint) else otherwise
