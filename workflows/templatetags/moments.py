"""Moments and lengths of time as pages tell them, in the time zone of the site."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.storage.clock import machine_now
from workflows.templatetags.visible import visible


def moment(value: Any) -> SafeString:
    """A moment as people say it ("3 min ago"), with the exact time behind it."""
    return _drawn(value, ago, " data-since")


def clock(value: Any) -> SafeString:
    """A moment as a time of day, with the date behind it."""
    return _drawn(value, lambda local: date_format(local, "H:i:s"))


def instant(value: Any) -> SafeString:
    """A moment as date and time of day, to the minute; also one that is written in ISO form."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    return _drawn(value, lambda local: date_format(local, "j M Y, H:i"))


def elapsed(start: datetime | None, end: datetime | None) -> str:
    """How long something took, or has taken until now."""
    if start is None:
        return ""
    return length((end or machine_now()) - start)


def ago(value: datetime) -> str:
    """How long since a moment, in one unit."""
    now = machine_now() if timezone.is_aware(value) else datetime.now()  # noqa: DTZ005
    passed = now - value
    if passed < timedelta(seconds=-1):
        return f"in {length(-passed)}"
    if passed < timedelta(seconds=10):
        return "just now"
    return f"{length(passed)} ago"


def length(passed: timedelta) -> str:
    seconds = passed.total_seconds()
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _drawn(value: Any, words: Callable[[datetime], str], mark: str = "") -> SafeString:
    if not isinstance(value, datetime):
        return visible("" if value is None else value)
    local = _local(value)
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        local.isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S %Z}".strip(),
        mark,
        words(local),
    )


def _local(value: datetime) -> datetime:
    if not timezone.is_aware(value):
        return value
    try:
        return timezone.localtime(value)
    except OverflowError:  # the last hours of the year 9999
        return value
