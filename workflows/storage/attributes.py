"""Attributes of threads <-> rows, and which names a thread has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from workflows.engine.attributes import Attributes, check_number
from workflows.models import ThreadAttribute
from workflows.storage.connections import connection_of, read
from workflows.storage.values import ThreadMemory

Kind = ThreadAttribute.Kind


class AttributeRow(NamedTuple):
    """A row of `ThreadAttribute` without its thread; `number` is None or a float."""

    name: str
    position: int
    kind: str
    text: str | None
    key: str | None
    number: float | None


def rows_of(change: Attributes) -> list[AttributeRow]:
    """The rows that a change puts in the place of those of its names."""
    return [
        row
        for name, value in change.items()
        if value is not None
        for row in _rows(name, value)
    ]


def instant_text(value: datetime) -> str:
    """An instant in UTC as it is kept: texts sort as instants do."""
    return value.replace(tzinfo=None).isoformat(timespec="microseconds")


def key_of(text: str) -> str:
    """How a text begins, as the index has it."""
    return text[: ThreadAttribute.KEY_LENGTH]


def _rows(name: str, value: Any) -> list[AttributeRow]:
    if isinstance(value, bool):
        return [_text(name, Kind.BOOL, "true" if value else "false")]
    if isinstance(value, int | float):
        kind = Kind.INT if isinstance(value, int) else Kind.FLOAT
        return [AttributeRow(name, 0, kind.value, None, None, float(value))]
    if isinstance(value, datetime):
        return [_text(name, Kind.INSTANT, instant_text(value))]
    if isinstance(value, str):
        return [_text(name, Kind.TEXT, value)]
    if not value:
        return [AttributeRow(name, 0, Kind.LIST.value, None, None, None)]
    return [_text(name, Kind.LIST, text, n) for n, text in enumerate(value)]


def _text(name: str, kind: Kind, text: str, position: int = 0) -> AttributeRow:
    return AttributeRow(name, position, kind.value, text, key_of(text), None)


def admit(using: str, memory: ThreadMemory, thread_id: str, change: Attributes) -> None:
    """Raise ValueError for one attribute too many; the names a thread has are read once a run."""
    known = memory.attributes
    if known is None:
        found = read(
            connection_of(using),
            "SELECT DISTINCT name FROM workflows_threadattribute WHERE thread_id = %s",
            (thread_id,),
        )
        known = {name for (name,) in found}
    check_number(change, known, f"thread {thread_id!r}")
    gone = {name for name, value in change.items() if value is None}
    memory.attributes = (known | change.keys()) - gone


def attributes_of(using: str, thread_id: str) -> dict[str, Any]:
    """The attributes of a thread, by name."""
    return attributes_of_threads([thread_id], using).get(thread_id, {})


def attributes_of_threads(
    thread_ids: Iterable[str], using: str = "default"
) -> dict[str, dict[str, Any]]:
    """The attributes of several threads, each sorted by name; nothing of those that have none."""
    rows = (
        ThreadAttribute.objects.using(using)
        .filter(thread__in=list(thread_ids))
        .order_by("thread", "name", "position")
        .values_list("thread_id", "name", "kind", "text", "number")
    )
    found: dict[str, dict[str, Any]] = {}
    for thread_id, name, *stored in rows:
        _add(found.setdefault(thread_id, {}), name, stored)
    return found


def _add(attributes: dict[str, Any], name: str, stored: Sequence[Any]) -> None:
    kind, text, number = stored
    if kind == Kind.LIST:
        items = attributes.setdefault(name, [])
        if text is not None:
            items.append(text)
    elif kind == Kind.INT:
        attributes[name] = int(number)
    elif kind == Kind.FLOAT:
        attributes[name] = float(number)
    elif kind == Kind.BOOL:
        attributes[name] = text == "true"
    elif kind == Kind.INSTANT:
        attributes[name] = datetime.fromisoformat(f"{text}+00:00")
    else:
        attributes[name] = text
