"""Events in a timeline: each is drawn once in a process, because it never changes (but for labels).

Tasks of one node that ended alike one after another make a run, which a page folds into one
line; so do the threads that a node starts. A page that is open folds by static/js/timeline.js, with the same words and the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from django import template
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from workflows.services.asleep import Alike, awaits_of, by_kind
from workflows.services.records import EventRecord, LabelRecord
from workflows.services.relatives import Others, OtherThread
from workflows.services.thread_family import named_in
from workflows.templatetags.threads import other

register = template.Library()

TEMPLATE = "workflows/threads/_event.html"
REMEMBERED = 4_096
# Longer ones are drawn each time: a custom event may be as large as its author likes.
LONGEST = 4_000
# Fewer than these are no trouble to read; timeline.js has the same number.
FEWEST = 4


Labels = dict[tuple[str, str], list[LabelRecord]]


class Run(NamedTuple):
    """Events in order; with `alike` they are told in one line, which opens."""

    alike: str
    events: list[EventRecord]


@register.filter
def alike(event: EventRecord) -> str:
    """What events must share to be told in one line; empty for those that stand alone.

    Only ends of tasks are alike, and only those without anything of their own to say. Of tasks
    that wait those are that wait for the same, or for a thread each, until the same minute. And so
    are starts of threads in one node.
    """
    data = event.data
    if event.kind == "child":
        return f"child/{data.get('node', '')}"
    if event.kind != "task" or data.get("runs") or data.get("error"):
        return ""
    shared = [data.get(name, "") for name in ("status", "node", "namespace")]
    awaits = awaits_of(data)
    if all(each.kind == "child" for each in awaits):
        shared += ["child"] if awaits else []
    else:
        shared += [repr(tuple(each)) for each in awaits]
    if data.get("until"):
        shared.append(str(data["until"])[: len("2026-11-24T08:49")])
    return "/".join(map(str, shared))


@register.filter
def awaited(task: Mapping[str, Any]) -> tuple[Alike, ...]:
    """What a task waits for, by what is told of its end."""
    return by_kind(awaits_of(task))


@register.filter
def in_runs(events: Iterable[EventRecord]) -> Iterator[Run]:
    """The events in order, those that are alike and next to each other together."""
    for shared, found in groupby(events, alike):
        part = list(found)
        yield Run(shared if len(part) >= FEWEST else "", part)


@register.filter
def by_place(labels: Iterable[LabelRecord]) -> Labels:
    """The labels of a thread by checkpoint and namespace."""
    found: Labels = {}
    for each in labels or ():
        found.setdefault((each.checkpoint, each.namespace), []).append(each)
    return found


@register.simple_tag
def timeline_event(
    event: EventRecord, labels: Labels | str = "", others: Others | str = ""
) -> SafeString:
    """One event as a list item; a step with those of its thread's `labels` that are its own.

    Of `others` the threads are named that the event tells of.
    """
    own = _labels_of(event, labels) if isinstance(labels, dict) else ()
    if own:
        return _drawn(event, own)  # labels come and go
    try:
        content = msgspec.json.encode(event)
    except (TypeError, ValueError):
        content = b""
    if not 0 < len(content) <= LONGEST:
        return _drawn(event, named=_named(event, others))
    # What else the drawing depends on: where the site stands, and how it tells the time.
    around = (
        get_script_prefix(),
        translation.get_language(),
        timezone.get_current_timezone_name(),
    )
    return _kept(_Same(event, content), around, _named(event, others))


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
def _kept(
    same: _Same, around: tuple[str, str | None, str], named: tuple[OtherThread, ...]
) -> SafeString:
    return _drawn(same.event, named=named)


def _named(event: EventRecord, others: Others | str) -> tuple[OtherThread, ...]:
    """Those of the others that the event tells of."""
    found = (other(others, each) for each in named_in([event])) if others else ()
    return tuple(each for each in found if each is not None)


def _labels_of(event: EventRecord, labels: Labels) -> Sequence[LabelRecord]:
    if event.kind != "step":
        return ()
    place = (event.data.get("checkpoint", ""), event.data.get("namespace", ""))
    return labels.get(place, ())


def _drawn(
    event: EventRecord,
    labels: Sequence[LabelRecord] = (),
    named: Iterable[OtherThread] = (),
) -> SafeString:
    # The template escapes what it is given.
    others = {each.id: each for each in named}
    context = {"event": event, "labels": labels, "others": others}
    return mark_safe(render_to_string(TEMPLATE, context))  # noqa: S308
