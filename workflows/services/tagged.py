"""Values that JSON cannot say, on their way through a form.

A page shows a date or an object of the author as `{"$t": tag, "v": ...}`. The plain ones
among them (numbers with exact decimals, dates, ids) are edited as the text they hold.
Otherwise a node that comes back as it went out is the value it was, and one that somebody
typed stays plain data: nobody can have a type built by writing its tag.
"""

import uuid
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from workflows.engine import serde
from workflows.services import strict_json

# Tag -> (the format of its control, what reads its text).
TEXTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Decimal": ("decimal", Decimal),
    "datetime": ("date-time", datetime.fromisoformat),
    "date": ("date", date.fromisoformat),
    "time": ("time", time.fromisoformat),
    "UUID": ("uuid", uuid.UUID),
}

EXAMPLES = {
    "Decimal": "12.50",
    "datetime": "2026-03-31T14:30:00+00:00",
    "date": "2026-03-31",
    "time": "14:30",
    "UUID": "1544c54d-98cd-4830-92b2-989e88a3ae27",
}


def text_tag(value: Any) -> str:
    """The tag of a value that is edited as text; empty for any other value."""
    if not isinstance(value, dict) or value.keys() != {"$t", "v"}:
        return ""
    tag = value["$t"]
    return tag if tag in TEXTS and isinstance(value["v"], str) else ""


def is_readable(tag: str, text: str) -> bool:
    """Whether a text is a value of this tag."""
    try:
        value = TEXTS[tag][1](text)
    except (ValueError, ArithmeticError):
        return False
    return not isinstance(value, Decimal) or value.is_finite()


def restore(value: Any, shown: Any) -> Any:
    """`value` with the tagged nodes of `shown` as the values they stand for."""
    if isinstance(shown, dict) and "$t" in shown:
        is_same = value == shown or (
            text_tag(value) and text_tag(value) == text_tag(shown)
        )
        return serde.loads(strict_json.dump(value)) if is_same else value
    if isinstance(value, dict) and isinstance(shown, dict):
        return {key: restore(item, shown.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(shown, list):
        return [
            restore(item, shown[at] if at < len(shown) else None)
            for at, item in enumerate(value)
        ]
    return value
