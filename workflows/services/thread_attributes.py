"""The attributes of a thread as its page shows them, each with a way to threads that have the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.services.where import quoted, written
from workflows.storage.attributes import attributes_of

SHOWN_ITEMS = 8
_SHOWN_TEXT = 80
_LONGEST_SEARCH = 300


@dataclass(frozen=True)
class AttributePart:
    """A value, or one item of a list: `text` or `moment`; `where` finds it, "" where it is too long."""

    text: str
    where: str
    moment: datetime | None = None


@dataclass(frozen=True)
class AttributeRecord:
    """An attribute: its parts, and how many more a long list has."""

    name: str
    parts: tuple[AttributePart, ...]
    more: int = 0


def thread_attributes(thread_id: str) -> tuple[AttributeRecord, ...]:
    """The attributes of a thread, by name. Asks nobody's rights: the caller has found the thread."""
    found = attributes_of("default", thread_id)
    return tuple(_record(name, value) for name, value in found.items())


def attribute_values(thread_id: str) -> dict[str, Any]:
    """The same as values: texts, numbers, bools, instants and lists of texts."""
    return attributes_of("default", thread_id)


def _record(name: str, value: Any) -> AttributeRecord:
    if isinstance(value, list):
        items = [_part(item, f"{name} has {quoted(item)}") for item in value]
        more = max(0, len(items) - SHOWN_ITEMS)
        return AttributeRecord(name, tuple(items[:SHOWN_ITEMS]), more)
    if isinstance(value, datetime):
        where = written(name, value.isoformat())
        return AttributeRecord(name, (AttributePart("", where, value),))
    text = value if isinstance(value, str) else written("", value).removeprefix(" = ")
    return AttributeRecord(name, (_part(text, written(name, value)),))


def _part(text: str, where: str) -> AttributePart:
    short = text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}…"
    return AttributePart(short, where if len(where) <= _LONGEST_SEARCH else "")
