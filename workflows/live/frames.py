"""Event rows -> the JSON text that goes to browsers, rendered once per process.

A frame is `{"seq": n, "html": "..."}`: fragments of the same templates that the pages are
made of, each element with the id by which the browser finds its place. Lists add `gone`
(element id -> why the row no longer waits), `count` and `waiting`. Nothing here knows who is
watching; events carry no secret values, and lists are kept apart by graph for the consumers
to choose.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html

from workflows.live import rows
from workflows.live.feed import News
from workflows.live.hub import ListFrame, ListPart, ThreadFrame
from workflows.services.records import EventRecord
from workflows.services.review_queue import count_shown

logger = logging.getLogger(__name__)

EVENTS_PER_FRAME = 100
REMEMBERED_FRAGMENTS = 4096


# What changes more than the timeline and the status: labels stand on steps that were drawn
# before, signals lie in the mailbox, and who looks may see the thread that was started. The
# page is asked for them.
SHOWN_ELSEWHERE = frozenset({"label", "signal", "child"})


class Fragments:
    """Fragments of events: many sockets that reconnect ask for the same.

    By thread, number and time: a thread that was deleted may begin anew.
    """

    def __init__(self, size: int = REMEMBERED_FRAGMENTS) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[str, int, datetime], str] = OrderedDict()
        self._lock = Lock()

    def of(self, event: EventRecord) -> str:
        """The rendered event; an event never changes, so neither does its fragment."""
        key = (event.thread_id, event.seq, event.at)
        with self._lock:
            html = self._kept.get(key)
            if html is not None:
                self._kept.move_to_end(key)
                return html
        html = _render(event)
        with self._lock:
            self._kept[key] = html
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return html


def _render(event: EventRecord) -> str:
    try:
        return render_to_string("workflows/threads/_event.html", {"event": event})
    except Exception:
        # One event that cannot be drawn must not keep all later ones from being seen.
        logger.exception("event %s of thread %s", event.seq, event.thread_id)
        return format_html(
            '<li id="event-{}" class="event">Event {} cannot be shown</li>',
            event.seq,
            event.seq,
        )


_fragments = Fragments()


def encode(**parts: Any) -> str:
    """One frame's text; what is None is left out."""
    named = {name: value for name, value in parts.items() if value is not None}
    return json.dumps(named, separators=(",", ":"), ensure_ascii=False)


# The thread was deleted, and one of the same name has begun: its numbers begin at 1 again.
BEGUN_ANEW = encode(seq=0, refresh=True)


def thread_status(thread_id: str) -> str:
    """The fragment that says what the thread is doing now."""
    thread = rows.thread_now(thread_id)
    if thread is None:
        return ""
    context = {"thread": thread, "now": rows.due_nodes(thread_id)}
    return render_to_string("workflows/threads/_status.html", context)


def thread_frames(
    thread_id: str, events: Sequence[EventRecord], begun: datetime | None = None
) -> list[ThreadFrame]:
    """Frames of at most EVENTS_PER_FRAME events; the last one also tells the status."""
    made = []
    for start in range(0, len(events), EVENTS_PER_FRAME):
        part = events[start : start + EVENTS_PER_FRAME]
        html = "".join(_fragments.of(event) for event in part)
        is_newest = start + EVENTS_PER_FRAME >= len(events)
        if is_newest:
            html += thread_status(thread_id)
        last = part[-1].seq
        is_elsewhere = any(event.kind in SHOWN_ELSEWHERE for event in part)
        text = encode(seq=last, html=html, refresh=is_elsewhere or None)
        made.append(ThreadFrame(part[0].seq, last, text, is_newest, begun))
    return made


# What the desk does to a question that changes its row, but not which lists it is in.
CLAIMS = frozenset({"claimed", "taken_over", "released"})
# Rows of these are drawn as they are now, and are new to lists that do not have them.
ITEM_KINDS = frozenset({"interrupt", "decision", "desk"})


@dataclass(slots=True)
class Changes:
    """What happened since lists were last updated: runs, questions, the newest event id.

    `claims` are questions of which only who is at it has changed.
    """

    runs: set[int] = field(default_factory=set)
    items: set[int] = field(default_factory=set)
    claims: set[int] = field(default_factory=set)
    newest: int = 0

    def add(self, news: News) -> None:
        """Take note of what this news is about."""
        self.newest = max(self.newest, news.newest)
        for events in news.threads.values():
            for event in events:
                if event.run is not None:
                    self.runs.add(event.run)
                number = event.data.get("interrupt")
                if event.kind in ITEM_KINDS and isinstance(number, int):
                    is_claim = event.data.get("action") in CLAIMS
                    (self.claims if is_claim else self.items).add(number)

    def merge(self, other: "Changes") -> None:
        """Add what the other one knows."""
        self.runs |= other.runs
        self.items |= other.items
        self.claims |= other.claims
        self.newest = max(self.newest, other.newest)


def queue_frame(changes: Changes) -> ListFrame:
    """Open questions as rows, closed ones by how they ended, and how many wait."""
    change = rows.queue_change(changes.items | changes.claims)
    parts: dict[str, ListPart] = {}
    for item in change.open_items:
        part = parts.setdefault(item.graph, ListPart())
        context = {"item": item, "is_no_news": item.number not in changes.items}
        part.html.append(render_to_string("workflows/queue/_row.html", context))
    for number, (graph, words) in change.closed.items():
        parts.setdefault(graph, ListPart()).gone[f"item-{number}"] = words
    return ListFrame(changes.newest, parts, change.counts)


def runs_frame(changes: Changes) -> ListFrame:
    """The rows of the runs that moved."""
    parts: dict[str, ListPart] = {}
    for run in rows.runs_by_id(changes.runs):
        part = parts.setdefault(run.graph, ListPart())
        part.html.append(render_to_string("workflows/runs/_run_row.html", {"run": run}))
    return ListFrame(changes.newest, parts)


def list_text(
    frame: ListFrame, seq: int, can_see: Callable[[str], bool], only: str = ""
) -> str | None:
    """The frame for someone who sees these graphs; None when it has nothing for them.

    `only` is the one workflow that the page shows. `count` is then of that workflow, and
    `waiting` of everything the person may see.
    """
    seen = [
        part
        for graph, part in frame.parts.items()
        if can_see(graph) and only in ("", graph)
    ]
    count: int | str | None = None
    waiting: int | str | None = None
    if frame.counts is not None:
        visible = {graph: n for graph, n in frame.counts.items() if can_see(graph)}
        waiting = count_shown(sum(visible.values()))
        count = count_shown(visible.get(only, 0)) if only else waiting
    elif not seen:
        return None
    gone = {name: words for part in seen for name, words in part.gone.items()}
    html = "".join(text for part in seen for text in part.html)
    return encode(
        seq=seq, html=html or None, gone=gone or None, count=count, waiting=waiting
    )
