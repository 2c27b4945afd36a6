"""Python types as JSON Schema, for forms and for the answers of people (`answers.py` checks those).

msgspec describes what it knows, pydantic describes its own models (it is asked only where a model is
met, never imported here). What neither can describe becomes `{}`, for that key alone.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Union

import msgspec

from workflows.engine.serde.classes import is_model

Schema = dict[str, Any]
_REFS = "#/$defs/{name}"
_WRAPPERS = (typing.Required, typing.NotRequired)
_NO_DEFAULT = object()


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of an object: its annotation, and whether it must be there."""

    name: str
    hint: Any
    required: bool = True
    default: Any = _NO_DEFAULT
    factory: Callable[[], Any] | None = None


def json_schema(hint: Any, *, made: bool = False) -> Schema:
    """The JSON Schema of a TypedDict, dataclass, model, Annotated or built-in type.

    Reducers and channels in `Annotated` are left out; `msgspec.Meta` counts, and a dict there is
    laid over the schema: `Annotated[str, {"contentMediaType": "text/csv"}]`. With `made` a dataclass
    shows what the functions make that give its defaults, where they make the same each time.
    """
    hint = stripped(hint)
    if is_model(hint):
        return typing.cast(Schema, hint.model_json_schema())
    keys = keys_of(hint)
    if keys is not None:
        if made:
            keys = [_with_made(key) for key in keys]
        return object_schema(keys, title=hint.__name__, description=_doc(hint))
    defs: Schema = {}
    schema = _schemas([hint], defs)[0]
    return _with_defs(schema, defs)


def object_schema(
    keys: Iterable[Key], *, title: str = "", description: str = ""
) -> Schema:
    """The schema of an object with these keys."""
    keys = list(keys)
    defs: Schema = {}
    properties = {}
    for key, schema in zip(keys, _schemas([k.hint for k in keys], defs), strict=True):
        if key.default is not _NO_DEFAULT:
            schema = {**schema, **_default(key.default)}
        properties[key.name] = schema
    out: Schema = {"type": "object", "properties": properties}
    if title:
        out["title"] = title
    if description:
        out["description"] = description
    required = [key.name for key in keys if key.required]
    if required:
        out["required"] = required
    return _with_defs(out, defs)


def keys_of(hint: Any) -> list[Key] | None:
    """The keys of a TypedDict or dataclass, or None for another type."""
    if typing.is_typeddict(hint) or _is_foreign_typeddict(hint):
        hints = _hints(hint)
        required = getattr(hint, "__required_keys__", frozenset(hints))
        return [
            Key(name, stripped(of), _is_required(of, name in required))
            for name, of in hints.items()
        ]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = _hints(hint)
        return [_key_of_field(f, hints) for f in dataclasses.fields(hint) if f.init]
    return None


def _schemas(hints: Sequence[Any], defs: Schema) -> list[Schema]:
    try:
        return _described(hints, defs)
    except (TypeError, ValueError, RecursionError):
        pass
    schemas = []
    for hint in hints:
        own: Schema = {}
        try:
            schemas += _described([hint], own)
        except (TypeError, ValueError, RecursionError):
            schemas.append({})
        else:
            defs.update(own)
    return schemas


def _described(hints: Sequence[Any], defs: Schema) -> list[Schema]:
    found: Schema = {}

    def foreign(cls: Any) -> Schema:
        if not is_model(cls):
            return {}
        schema = cls.model_json_schema(ref_template="#/$defs/{model}")
        for name, part in schema.pop("$defs", {}).items():
            if found.setdefault(name, part) != part:
                raise ValueError(f"two different types are called {name}")
        return typing.cast(Schema, schema)

    schemas, components = msgspec.json.schema_components(
        list(hints), schema_hook=foreign, ref_template=_REFS
    )
    orders = {_as_set(order): order for order in _choices(hints, set())}
    for name, part in {**found, **_tidied(components, orders)}.items():
        if defs.setdefault(name, part) != part:
            raise ValueError(f"two different types are called {name}")
    return [_tidied(schema, orders) for schema in schemas]


def _tidied(part: Any, orders: Mapping[Any, list[Any]]) -> Any:
    """What msgspec says, with choices in the order of the author, and without empty lists of required keys."""
    if isinstance(part, list):
        return [_tidied(item, orders) for item in part]
    if not isinstance(part, dict):
        return part
    tidied = {key: _tidied(item, orders) for key, item in part.items()}
    if isinstance(tidied.get("enum"), list):
        tidied["enum"] = orders.get(_as_set(tidied["enum"]), tidied["enum"])
    if tidied.get("required") == []:
        del tidied["required"]
    return tidied


def _as_set(choices: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted(map(repr, choices)))


def _choices(hints: Iterable[Any], seen: set[Any]) -> Iterator[list[Any]]:
    """What each Literal and Enum in these annotations lists, in the order in which it does."""
    for hint in hints:
        if isinstance(hint, type) and issubclass(hint, Enum):
            yield [member.value for member in hint]
        elif typing.get_origin(hint) is typing.Literal:
            yield [*typing.get_args(hint)]
        elif isinstance(hint, type) and hint not in seen:
            seen.add(hint)
            yield from _choices([key.hint for key in keys_of(hint) or ()], seen)
        else:
            yield from _choices(typing.get_args(hint), seen)


def _with_defs(schema: Schema, defs: Schema) -> Schema:
    return {**schema, "$defs": defs} if defs else schema


def _default(value: Any) -> Schema:
    try:
        return {"default": msgspec.to_builtins(value, enc_hook=_of_model)}
    except TypeError:
        return {}


def _of_model(value: Any) -> Any:
    if not is_model(type(value)):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return value.model_dump(mode="json")


def _with_made(key: Key) -> Key:
    """The key with what its factory makes; a new id or the present time is no default that a form could show."""
    if key.factory is None or key.default is not _NO_DEFAULT:
        return key
    try:
        default, again = key.factory(), key.factory()
        return dataclasses.replace(key, default=default) if default == again else key
    except Exception:  # noqa: BLE001 - the author's function, and what it compares
        return key


def _key_of_field(f: dataclasses.Field[Any], hints: Mapping[str, Any]) -> Key:
    default: Any = _NO_DEFAULT
    if f.default is not dataclasses.MISSING:
        default = f.default
    factory = None if f.default_factory is dataclasses.MISSING else f.default_factory
    if factory in (list, dict, set):
        default = factory()
    required = f.default is dataclasses.MISSING and factory is None
    return Key(f.name, stripped(hints.get(f.name, Any)), required, default, factory)


def _hints(owner: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {name: _hint_of(owner, of) for name, of in owner.__annotations__.items()}


def _hint_of(owner: Any, annotation: Any) -> Any:
    """One annotation alone: a name that only a type checker sees costs its own key only."""
    alone = type("Alone", (), {"__annotations__": {"key": annotation}})
    names = vars(sys.modules.get(owner.__module__, typing))
    try:
        return typing.get_type_hints(alone, names, include_extras=True)["key"]
    except (NameError, TypeError, AttributeError):
        return Any


def _is_required(hint: Any, otherwise: bool) -> bool:
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _is_required(typing.get_args(hint)[0], otherwise)
    if origin in _WRAPPERS:
        return origin is typing.Required
    return otherwise


def stripped(hint: Any) -> Any:
    """The type without what only the engine reads: reducers, channels, Required."""
    origin = typing.get_origin(hint)
    if origin in _WRAPPERS:
        return stripped(typing.get_args(hint)[0])
    if origin is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        metas = [meta for meta in map(_meta, notes) if meta is not None]
        return _annotated(stripped(inner), metas)
    if hint is datetime:
        return _annotated(datetime, [_DATE_TIME])
    if origin in (Union, types.UnionType) and datetime in typing.get_args(hint):
        return Union[tuple(stripped(part) for part in typing.get_args(hint))]  # noqa: UP007
    return hint


_DATE_TIME = msgspec.Meta(extra_json_schema={"format": "date-time"})


def _meta(note: Any) -> msgspec.Meta | None:
    if isinstance(note, msgspec.Meta):
        return note
    if isinstance(note, dict):
        return msgspec.Meta(extra_json_schema=note)
    return None


def _annotated(hint: Any, metas: Sequence[msgspec.Meta]) -> Any:
    for meta in metas:
        hint = typing.Annotated[hint, meta]
    return hint


def _is_foreign_typeddict(hint: Any) -> bool:
    # typing_extensions has a TypedDict of its own, which typing does not know.
    return (
        isinstance(hint, type)
        and hasattr(hint, "__required_keys__")
        and hasattr(hint, "__total__")
    )


def _doc(hint: Any) -> str:
    doc: str = hint.__doc__ or ""
    # A dataclass without a docstring is given one that repeats its signature.
    return "" if doc.startswith(f"{hint.__name__}(") else doc.strip().split("\n\n")[0]


__all__ = [
    "Key",
    "Schema",
    "json_schema",
    "keys_of",
    "object_schema",
    "stripped",
]
