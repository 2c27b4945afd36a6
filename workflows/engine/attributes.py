"""What an attribute of a thread may be: its name, its value, and how many there may be (RB.11)."""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from workflows.engine.kinds import refused

Attributes = Mapping[str, Any]
"""Name to value, in a change also to None: the attribute goes."""

LONGEST_NAME = 60
LONGEST_TEXT = 1_000
MOST_ITEMS = 100
MOST = 32
GREATEST_INT = 2**53
WORDS = frozenset({"and", "or", "not", "in", "has", "contains", "true", "false"})
"""What the language of `list_threads` reads as words of its own, in capitals too."""
FIELDS = frozenset({"status", "graph", "created_at", "updated_at"})
"""What every thread has, asked for by the same language."""

_WHERE = "set_attributes()"
_KINDS = "a text, a number, True or False, a datetime with a timezone, a list of texts, or None to remove it"


def checked(given: Attributes) -> dict[str, Any]:
    """The change as it is kept: instants in UTC, lists as lists of their own.

    Raises TypeError for a value of another kind, ValueError for what is too long or too much.
    """
    found = {}
    for name, value in given.items():
        check_name(name)
        found[name] = _checked_value(name, value)
    check_number(found)
    return found


def check_name(name: str) -> None:
    """Refuse a name that the language of `list_threads` could not ask for."""
    if not name.isidentifier() or len(name) > LONGEST_NAME:
        wanted = f"a Python identifier of at most {LONGEST_NAME} characters"
        raise refused(_WHERE, "a name", name, wanted, ValueError)
    if name.lower() in WORDS or keyword.iskeyword(name) or name in FIELDS:
        wanted = "another name: this one means something else in list_threads(where=)"
        raise refused(_WHERE, "a name", name, wanted, ValueError)


def check_number(
    change: Attributes, known: Iterable[str] = (), where: str = ""
) -> None:
    """Refuse a change that leaves a thread with more than MOST attributes; `known` are its names."""
    names = {*known, *(n for n, v in change.items() if v is not None)}
    names -= {n for n, v in change.items() if v is None}
    if len(names) > MOST:
        raise ValueError(
            f"{_WHERE}: {where or 'a thread'} would have {len(names)} attributes "
            f"({', '.join(sorted(names))}); at most {MOST} fit, remove some with name=None"
        )


def merged(earlier: Attributes | None, later: Attributes | None) -> Attributes | None:
    """Two changes as one; the later one has the last word."""
    if not earlier or not later:
        return earlier or later
    return {**earlier, **later}


def changed_by(attributes: dict[str, Any], change: Attributes) -> None:
    """Make `change` to a thread's attributes."""
    for name, value in change.items():
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value


def _checked_value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > GREATEST_INT:
            wanted = "a whole number from -2**53 to 2**53, or a text"
            raise refused(_WHERE, name, value, wanted, ValueError)
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise refused(_WHERE, name, value, "a finite number", ValueError)
        return float(value)
    if isinstance(value, str):
        return _checked_text(name, value)
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise refused(_WHERE, name, value, "a datetime with a timezone", ValueError)
        return value.astimezone(UTC)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        if len(value) > MOST_ITEMS:
            wanted = f"a list of at most {MOST_ITEMS} texts, not {len(value)}"
            raise refused(_WHERE, name, value, wanted, ValueError)
        return [_checked_text(name, item) for item in value]
    raise refused(_WHERE, name, value, _KINDS)


def _checked_text(name: str, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        wanted = f"at most {LONGEST_TEXT} characters, not {len(value)}"
        raise refused(_WHERE, name, value, wanted, ValueError)
    if "\0" in value or _is_torn(value):
        wanted = "a text without NUL and lone surrogates"
        raise refused(_WHERE, name, value, wanted, ValueError)
    return str(value)


def _is_torn(value: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in value)
