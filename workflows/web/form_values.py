"""One control's text to one value and back; exact, or an error that says what to do."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from workflows.services import strict_json
from workflows.web.schema import MISSING, Schema, Shape

_WHOLE = re.compile(r"[+-]?\d+\Z", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+\Z")
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?"
# What the browser's own controls for dates and times take; any other text they drop.
_PICKERS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII),
    "time": re.compile(_CLOCK + r"\Z", re.ASCII),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT" + _CLOCK + r"\Z", re.ASCII),
}


class Unreadable(ValueError):
    """The text in a control is not a value of its kind."""


def to_raw(shape: Shape, value: Any) -> str:
    """Write a value as the text of its control."""
    if value is MISSING or (value is None and shape.kind != "json"):
        return ""
    if shape.kind == "json":
        return strict_json.dump(value)
    if shape.kind == "datetime" and isinstance(value, str):
        return _local_text(value)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return strict_json.dump(value)


def from_raw(shape: Shape, raw: str) -> Any:
    """Read a control's text; raises Unreadable. Empty text is the caller's affair."""
    if shape.kind != "json":
        fault = strict_json.text_fault(raw)
        if fault:
            raise Unreadable(f"This text {fault}. Remove it.")
    return _READERS[shape.kind](raw)


def is_showable(shape: Shape, value: str) -> bool:
    """Whether a control for dates and times can show this text; else it would be lost."""
    pattern = _PICKERS.get(shape.kind)
    return not value or pattern is None or bool(pattern.match(_raw_text(shape, value)))


def _raw_text(shape: Shape, value: str) -> str:
    return _local_text(value) if shape.kind == "datetime" else value


def check(shape: Shape, value: Any) -> str:
    """Tell which rule of the schema a value breaks; empty when none."""
    schema = shape.schema
    if isinstance(value, str):
        return _check_text(schema, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _check_number(schema, value)
    if isinstance(value, list):
        return _check_list(schema, value)
    return ""


def _check_text(schema: Schema, value: str) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if low is not None and len(value) < low:
        return f"Write at least {low} characters; this has {len(value)}."
    if high is not None and len(value) > high:
        return f"Write at most {high} characters; this has {len(value)}."
    if "pattern" in schema and not _has_form(schema["pattern"], value[:10_000]):
        return f"This does not have the expected form: {schema['pattern']}"
    wanted = schema.get("format")
    if wanted == "email" and not _EMAIL.match(value):
        return "Write an e-mail address, such as name@example.org."
    if wanted in {"uri", "url"} and not _ADDRESS.match(value):
        return "Write a full address, such as https://example.org/page."
    return ""


def _has_form(pattern: Any, value: str) -> bool:
    """Whether a text has the form; a pattern that Python cannot read lets it pass."""
    try:
        return re.search(pattern, value) is not None
    except (re.error, TypeError):
        return True


def _check_number(schema: Schema, value: float) -> str:
    rules: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("minimum", lambda limit: value >= limit, "at least"),
        ("maximum", lambda limit: value <= limit, "at most"),
        ("exclusiveMinimum", lambda limit: value > limit, "more than"),
        ("exclusiveMaximum", lambda limit: value < limit, "less than"),
    )
    for word, holds, text in rules:
        if word in schema and not holds(schema[word]):
            return f"Enter a number of {text} {schema[word]}."
    step = schema.get("multipleOf")
    if step and Decimal(repr(value)) % Decimal(repr(step)):
        return f"Enter a multiple of {step}."
    return ""


def _check_list(schema: Schema, value: list[Any]) -> str:
    low, high = schema.get("minItems"), schema.get("maxItems")
    if low is not None and len(value) < low:
        return f"Give at least {low} entries; there are {len(value)}."
    if high is not None and len(value) > high:
        return f"Give at most {high} entries; there are {len(value)}."
    if schema.get("uniqueItems"):
        seen = [strict_json.dump(item) for item in value]
        if len(set(seen)) < len(seen):
            return "Each entry may occur once."
    return ""


def _read_integer(raw: str) -> int:
    text = raw.strip()
    if not _WHOLE.match(text):
        raise Unreadable("Enter a whole number, such as 42.")
    if len(text) > strict_json.MAX_DIGITS:
        raise Unreadable(f"Enter at most {strict_json.MAX_DIGITS} digits.")
    return int(text)


def _read_number(raw: str) -> int | float:
    text = raw.strip()
    if _WHOLE.match(text):
        return _read_integer(text)
    try:
        exact = Decimal(text) if len(text) <= strict_json.MAX_DIGITS else Decimal("NaN")
    except InvalidOperation as problem:
        hint = " Use a point, not a comma." if "," in text else ""
        raise Unreadable(f"Enter a number, such as 12.50.{hint}") from problem
    if not exact.is_finite():
        raise Unreadable("Enter a finite number, such as 12.50.")
    value = float(exact)
    if value in (float("inf"), float("-inf")):
        raise Unreadable("This number is too large to be kept.")
    if Decimal(repr(value)) != exact:
        raise Unreadable(
            f"This number has more digits than can be kept; the nearest is {value!r}."
        )
    return value


def _read_date(raw: str) -> str:
    try:
        return date.fromisoformat(raw.strip()).isoformat()
    except ValueError as problem:
        raise Unreadable("Enter a date as year-month-day: 2026-03-31.") from problem


def _read_time(raw: str) -> str:
    try:
        return time.fromisoformat(raw.strip()).isoformat()
    except ValueError as problem:
        raise Unreadable("Enter a time of day, such as 14:30.") from problem


def _read_datetime(raw: str) -> str:
    try:
        moment = datetime.fromisoformat(raw.strip())
    except ValueError as problem:
        raise Unreadable(
            "Enter a date and time, such as 2026-03-31T14:30."
        ) from problem
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.isoformat()


def _read_json(raw: str) -> Any:
    try:
        return strict_json.parse(raw)
    except strict_json.JsonProblem as problem:
        raise Unreadable(
            f"Not valid JSON at {problem.place}: {problem.text}."
        ) from problem


def _local_text(value: str) -> str:
    """A moment as a datetime-local control takes it, in UTC; other text as it is."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(
        timespec="milliseconds" if moment.microsecond else "seconds"
    )


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "long": str,
    "file": str,
    "integer": _read_integer,
    "number": _read_number,
    "date": _read_date,
    "time": _read_time,
    "datetime": _read_datetime,
    "json": _read_json,
}
