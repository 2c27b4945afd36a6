"""Answers of people, checked against the class that describes them."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from workflows.engine.jsonschema import keys_of, stripped
from workflows.engine.serde.classes import is_model

_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")


def validate_answer(schema: Any, value: Any) -> Any:
    """`value` as an instance of `schema`: a model, dataclass, TypedDict (then a dict) or other type.

    A JSON Schema dict, or None, checks nothing. A bad answer raises pydantic's ValidationError,
    whatever the schema is, as programs expect; where pydantic is not loaded, nobody can expect it, and
    msgspec's is raised. Both are a ValueError, and `answer_errors` reads them.
    """
    if schema is None or isinstance(schema, Mapping):
        return value
    try:
        return _convert(stripped(schema), value)
    except msgspec.ValidationError as error:
        raise _marked(_as_pydantic(error, schema, value)) from error
    except ValueError as error:
        _marked(error)
        raise


def _marked(error: ValueError) -> ValueError:
    # pydantic's class is final, so the mark is what tells an answer's error from the author's own.
    error.durableweb_answer = True  # type: ignore[attr-defined]
    return error


def _as_pydantic(error: msgspec.ValidationError, schema: Any, value: Any) -> ValueError:
    pydantic = sys.modules.get("pydantic_core")
    if pydantic is None:
        return typing.cast(ValueError, error)
    details = [
        {
            "type": pydantic.PydanticCustomError(
                "invalid_answer", "{text}", {"text": text}
            ),
            "loc": _location(place),
            "input": value,
        }
        for place, text in answer_errors(error).items()
    ]
    title = getattr(schema, "__name__", str(schema))
    made: ValueError = pydantic.ValidationError.from_exception_data(title, details)
    return made


def _location(place: str) -> tuple[str | int, ...]:
    """`$.lines[0].count` as ("lines", 0, "count")."""
    steps = _STEP.findall(place)
    return tuple(
        int(index) if index.isdecimal() else name or index for name, index in steps
    )


def is_invalid_answer(error: BaseException) -> bool:
    """Say whether `error` is that of an answer which does not fit its question (R5.9)."""
    return getattr(error, "durableweb_answer", False) is True


def answer_errors(error: Exception) -> dict[str, str]:
    """What is wrong with an answer, by place: `$` is the whole, `$.lines[0].count` a part."""
    details = getattr(error, "errors", None)
    if callable(details):
        return {_place(item["loc"]): item["msg"] for item in details()}
    text, _, place = str(error).partition(" - at `")
    return {place.rstrip("`") or "$": text}


def _place(location: Sequence[str | int]) -> str:
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in location
    )


def _convert(hint: Any, value: Any) -> Any:
    if is_model(hint):
        return value if isinstance(value, hint) else hint.model_validate(value)
    if (
        isinstance(hint, type)
        and dataclasses.is_dataclass(hint)
        and isinstance(value, hint)
    ):
        return value
    try:
        return msgspec.convert(value, hint, dec_hook=_foreign)
    except msgspec.ValidationError:
        # Forms and scripts may give numbers as text; what is right as it is comes first.
        return msgspec.convert(value, hint, strict=False, dec_hook=_foreign)
    except TypeError:
        return _convert_keys(hint, value)


def _convert_keys(hint: Any, value: Any) -> Any:
    """Key by key, for a class of which msgspec cannot take some annotation."""
    keys = keys_of(hint)
    if keys is None:
        return value
    if not isinstance(value, Mapping):
        raise msgspec.ValidationError(
            f"Expected `object`, got `{type(value).__name__}`"
        )
    parts = {}
    for key in keys:
        if key.name in value:
            try:
                parts[key.name] = _convert(key.hint, value[key.name])
            except msgspec.ValidationError as error:
                (place, text), *_ = answer_errors(error).items()
                raise msgspec.ValidationError(
                    f"{text} - at `$.{key.name}{place[1:]}`"
                ) from error
        elif key.required:
            raise msgspec.ValidationError(f"Object missing required field `{key.name}`")
    make: Any = hint if dataclasses.is_dataclass(hint) else dict
    return make(**parts)


def _foreign(cls: type, value: Any) -> Any:
    if isinstance(value, cls):
        return value
    if is_model(cls):
        return cls.model_validate(value)  # type: ignore[attr-defined]
    raise ValueError(f"Expected `{cls.__name__}`, got `{type(value).__name__}`")


__all__ = ["answer_errors", "is_invalid_answer", "validate_answer"]
