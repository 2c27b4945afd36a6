"""Ids for the messages that are written to a delta channel, before they are saved (R2.8)."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import suppress
from operator import is_
from typing import Any

from workflows.engine.channels.base import unwrap_overwrite
from workflows.engine.graph.message import convert_to_messages, has_parts, new_id
from workflows.engine.loop.program import Writes

_ROLES = frozenset({"user", "human", "assistant", "ai", "tool", "system", "function"})
_TYPES = frozenset({"human", "ai", "tool", "system", "function", "remove"})


def with_ids(
    write: Callable[..., Writes], deltas: Container[str]
) -> Callable[..., Writes]:
    """`write`, with an id for each message that goes to one of `deltas`.

    Their reducer is called again with what was saved, so an id that it makes would be another each time.
    """

    def write_with_ids(result: Any, *said: str) -> Writes:
        return [
            (key, _identified(value) if key in deltas else value)
            for key, value in write(result, *said)
        ]

    return write_with_ids


def _identified(value: Any) -> Any:
    """A write whose messages have ids; the caller's list and dicts stay as they are."""
    replaces, inner = unwrap_overwrite(value)
    if replaces:
        for item in inner if isinstance(inner, list | tuple) else ():
            _name(item)
        return value
    if isinstance(value, list):
        items = [_item(each) for each in value]
        return value if all(map(is_, items, value)) else items
    if _is_of_a_message(value):
        return value if value.get("id") else {**value, "id": new_id()}
    _name(value)
    return value


def _item(item: Any) -> Any:
    if _is_of_a_message(item) and "content" in item:
        (item,) = convert_to_messages(item)
        item.id = item.id or None
    _name(item)
    return item


def _name(item: Any) -> None:
    if has_parts(item) and item.id is None:
        with suppress(AttributeError, TypeError, ValueError):  # a frozen class
            item.id = new_id()


def _is_of_a_message(value: Any) -> bool:
    """Say whether a dict is what a message is written as, and not somebody's own data."""
    if not isinstance(value, dict):
        return False
    role, kind = value.get("role"), value.get("type")
    return (isinstance(role, str) and role in _ROLES) or (
        isinstance(kind, str) and kind in _TYPES
    )
