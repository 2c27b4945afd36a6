"""One field of the proposal, changed for some questions of a bulk order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from workflows.services.answers import proposed_form
from workflows.services.shapes import BATCH, EDIT, PLAIN, SCHEMA, Shape

# What frames a question, and what the buttons and the reason box say.
_FRAMING = frozenset(("title", "question", "prompt", "hint"))
_SAID = frozenset(
    (
        *("decision", "action", "verdict", "approved", "approve", "accepted"),
        *("reason", "comment"),
    )
)
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
Scalar = str | bool | int | float | Decimal


def values_of(shape: Shape) -> Mapping[str, Any]:
    """What a person may change of a question as it is proposed; {} where nothing is."""
    if EDIT not in shape.kinds or shape.name == BATCH:
        return {}
    found = proposed_form(shape) if shape.name == SCHEMA else shape.proposed
    return found if isinstance(found, Mapping) else {}


def fields_of(shape: Shape) -> dict[str, Scalar]:
    """The fields of the proposal that one box can change, with their values."""
    hidden = {PLAIN: _FRAMING, SCHEMA: _SAID}.get(shape.name, frozenset())
    return {
        name: value
        for name, value in values_of(shape).items()
        if isinstance(name, str)
        and name not in hidden
        and not (shape.name == PLAIN and value == shape.question)
        and isinstance(value, str | bool | int | float | Decimal)
    }


def changed(shape: Shape, field: str, value: Scalar) -> dict[str, Any]:
    """The proposal with that field changed, as a decision of kind edit takes it."""
    return {**values_of(shape), field: value}


def as_text(value: Scalar) -> str:
    """A value as its box shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read_like(text: str, old: Scalar) -> Scalar:
    """What somebody typed, as a value of the type that was there; raises ValueError."""
    if isinstance(old, str):
        return text
    text = text.strip()
    if isinstance(old, bool):
        if text.lower() not in _TRUTH:
            raise ValueError("true or false")
        return _TRUTH[text.lower()]
    if len(text) > 100:
        raise ValueError("a number of at most 100 characters")
    try:
        if isinstance(old, Decimal):
            number = Decimal(text)
            if not number.is_finite():
                raise ValueError("a number")
            return number
        if isinstance(old, int):
            return int(text)
        found = float(text)
    except (ValueError, InvalidOperation) as error:
        words = "a whole number" if type(old) is int else "a number"
        raise ValueError(words) from error
    if not math.isfinite(found):
        raise ValueError("a number")
    return found
