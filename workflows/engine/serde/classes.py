"""How classes of the author are taken apart: dataclass, pydantic model, enum, NamedTuple, msgspec Struct.

The class is asked for its shape; pydantic is never imported here.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import msgspec

from workflows.engine.serde.registry import Form

logger = logging.getLogger(__name__)


def form_of(cls: type) -> Form | None:
    """How instances of `cls` are stored, or None where its shape is not one we know."""
    if issubclass(cls, Enum):
        return Form(lambda value: value.value, lambda value, _: _member(cls, value))
    if is_model(cls):
        return _model(cls)
    if dataclasses.is_dataclass(cls):
        return _dataclass(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(cls)
    if issubclass(cls, msgspec.Struct):
        return _struct(cls)
    return None


def is_model(cls: Any) -> bool:
    """Say whether `cls` is a pydantic model (of pydantic 2)."""
    return (
        isinstance(cls, type)
        and hasattr(cls, "__pydantic_core_schema__")
        and hasattr(cls, "model_fields")
    )


def default_tag(cls: type) -> str:
    """The tag of a class that nobody has named."""
    return f"{cls.__module__}:{cls.__qualname__}"


def _member(cls: Any, value: Any) -> Any:
    return cls(value)


def _dataclass(cls: Any) -> Form:
    fields = dataclasses.fields(cls)
    names = [f.name for f in fields]
    by_init = [f.name for f in fields if f.init]
    # `__init__` is run so that `__post_init__` can make what is derived; then every field gets
    # the very value that was stored. Arguments that are no fields are not stored, so there
    # the instance is made without it.
    runs_init = cls.__dataclass_params__.init and not any(
        f._field_type is dataclasses._FIELD_INITVAR  # type: ignore[attr-defined]
        for f in cls.__dataclass_fields__.values()
    )
    needs_setting = (
        not runs_init
        or len(by_init) != len(names)
        or hasattr(cls, "__post_init__")
        or hasattr(cls, "__pydantic_validator__")
    )
    defaults = {f.name: _default_of(f) for f in fields}

    def pack(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names if hasattr(value, name)}

    def quick_pack(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names}

    def unpack(parts: dict[str, Any], _: Mapping[str, Any]) -> Any:
        parts = _fit(cls, parts, defaults)
        if runs_init:
            value = cls(**{name: parts[name] for name in by_init if name in parts})
        else:
            value = cls.__new__(cls)
        if needs_setting:
            for name, part in parts.items():
                object.__setattr__(value, name, part)
        return value

    return Form(pack if needs_setting else quick_pack, unpack)


def _default_of(f: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if f.default_factory is not dataclasses.MISSING:
        return f.default_factory
    if f.default is not dataclasses.MISSING:
        return _constant(f.default)
    if not f.init:
        return _nothing
    return None


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _nothing() -> Any:
    return _nothing


def _fit(
    cls: type,
    parts: dict[str, Any],
    defaults: Mapping[str, Callable[[], Any] | None],
) -> dict[str, Any]:
    """Stored fields against those the class has now: new ones get their default."""
    if parts.keys() == defaults.keys():
        return parts
    fitting = {}
    for name, default in defaults.items():
        if name in parts:
            fitting[name] = parts[name]
        elif default is None:
            raise TypeError(f"field {name!r} of {cls.__qualname__} was not stored")
        elif default is not _nothing:
            fitting[name] = default()
    gone = [name for name in parts if name not in defaults]
    if gone:
        logger.warning(
            "stored fields %s are gone from %s and were left out; "
            "register_type(..., version=, upgrade=) can carry them over",
            gone,
            default_tag(cls),
        )
    return fitting


def _named_tuple(cls: Any) -> Form:
    names = cls._fields
    given = cls._field_defaults
    defaults = {
        name: _constant(given[name]) if name in given else None for name in names
    }

    def unpack(parts: dict[str, Any], _: Mapping[str, Any]) -> Any:
        fitting = _fit(cls, parts, defaults)
        return cls._make([fitting[name] for name in names])

    return Form(lambda value: dict(zip(names, value, strict=True)), unpack)


def _struct(cls: Any) -> Form:
    names = cls.__struct_fields__
    return Form(
        lambda value: {name: getattr(value, name) for name in names},
        lambda parts, _: cls(**parts),
    )


def _model(cls: Any) -> Form:
    # Defaults may be looked up only now and then: a model's fields can still be completed.
    def default_of(name: str) -> Callable[[], Any] | None:
        info = cls.model_fields[name]
        if info.is_required():
            return None
        return lambda: info.get_default(call_default_factory=True)

    def pack(value: Any) -> dict[str, Any]:
        return dict(value.__dict__)

    def also(value: Any) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        if value.__pydantic_extra__:
            parts["extra"] = value.__pydantic_extra__
        if value.__pydantic_private__:
            parts["private"] = value.__pydantic_private__
        given = value.__pydantic_fields_set__
        if len(given) != len(value.__dict__):
            parts["given"] = sorted(given)
        return parts

    def unpack(parts: dict[str, Any], rest: Mapping[str, Any]) -> Any:
        names = cls.model_fields
        if parts.keys() != names.keys():
            parts = _fit(cls, parts, {name: default_of(name) for name in names})
        value = cls.__new__(cls)
        private = {
            name: attribute.get_default()
            for name, attribute in cls.__private_attributes__.items()
        }
        private.update(rest.get("private", {}))
        extra = rest.get("extra", {})
        allows_extra = cls.model_config.get("extra") == "allow"
        value.__setstate__(
            {
                "__dict__": parts,
                "__pydantic_extra__": extra if allows_extra else None,
                "__pydantic_fields_set__": set(rest.get("given", parts)),
                "__pydantic_private__": private if cls.__private_attributes__ else None,
            }
        )
        return value

    return Form(pack, unpack, also, unhashed=frozenset({"given"}))
