"""Events in a timeline: each is drawn once in a process, because it never changes."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from django import template
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from workflows.services.records import EventRecord

register = template.Library()

TEMPLATE = "workflows/threads/_event.html"
REMEMBERED = 4_096
# Longer ones are drawn each time: a custom event may be as large as its author likes.
LONGEST = 4_000


@register.simple_tag
def timeline_event(event: EventRecord) -> SafeString:
    """One event as a list item."""
    try:
        content = msgspec.json.encode(event)
    except (TypeError, ValueError):
        content = b""
    if not 0 < len(content) <= LONGEST:
        return _drawn(event)
    # What else the drawing depends on: where the site stands, and how it tells the time.
    around = (
        get_script_prefix(),
        translation.get_language(),
        timezone.get_current_timezone_name(),
    )
    return _kept(_Same(event, content), around)


class _Same:
    """An event that is equal to any other of the same content."""

    __slots__ = ("content", "event")

    def __init__(self, event: EventRecord, content: bytes) -> None:
        self.event = event
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.content == self.content

    def __hash__(self) -> int:
        return hash(self.content)


@lru_cache(maxsize=REMEMBERED)
def _kept(same: _Same, around: tuple[str, str | None, str]) -> SafeString:
    return _drawn(same.event)


def _drawn(event: EventRecord) -> SafeString:
    # The template escapes what it is given.
    return mark_safe(render_to_string(TEMPLATE, {"event": event}))  # noqa: S308
