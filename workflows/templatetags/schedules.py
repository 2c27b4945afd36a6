"""Schedules in words: what became of an instant, how long a time is."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.safestring import SafeString

from workflows.services.schedules.reading import ScheduleTick
from workflows.templatetags.formatting import badge, status

register = template.Library()
TICKS = {
    "started": ("quiet", "play", "Started"),
    "queued": ("pending", "clock", "Waits its turn"),
    "skipped": ("quiet", "stop", "Left out"),
    "missed": ("waiting", "alert", "Missed"),
    "refused": ("error", "alert", "Not started"),
}
OVERLAPS = {
    "skip": "an instant is left out while a thread of it has not ended",
    "queue": "an instant waits until the threads before it have ended",
    "allow": "threads run side by side",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@register.simple_tag
def tick_badge(tick: ScheduleTick) -> SafeString:
    """What became of an instant; of one that was started how its thread stands."""
    if tick.status == "started" and tick.thread_status:
        return status(tick.thread_status)
    return badge(*TICKS.get(tick.status, ("quiet", "dot", tick.status)))


@register.filter
def overlap_words(word: str) -> str:
    """What becomes of an instant when a thread before it has not ended."""
    return OVERLAPS.get(word, word)


@register.filter
def span(length: timedelta | float) -> str:
    """A length of time: `1 d 6 h`."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    left, parts = int(seconds), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
