"""Schedules as pages and programs read them (RB.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, OuterRef, Subquery

from workflows.models import Schedule, Thread, Tick
from workflows.services import registry
from workflows.services.access import Person, Rights, name_of
from workflows.services.review_queue import graph_title
from workflows.services.schedules.declared import Declared
from workflows.services.schedules.finding import Found, find_schedule, find_schedules
from workflows.services.schedules.rows import is_said_by
from workflows.services.standing import standing_of, with_last_run
from workflows.storage.clock import database_now

AHEAD = 3
MOST_TICKS = 50
LATE = timedelta(seconds=30)
"""A sweep comes every second or two."""


@dataclass(frozen=True)
class ScheduleTick:
    """An instant of a schedule that has come, or that somebody has asked for.

    `status` is "started", "queued" (it waits until a former one has ended), "skipped", "missed" or "refused", and
    `text` says why. A missed one stands for `count`, of which it is the first. `thread_status` is that of the thread
    now, "" where none is there.
    """

    number: int
    at: datetime
    status: str
    count: int = 1
    text: str = ""
    thread_id: str = ""
    thread_status: str = ""
    by: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True)
class ScheduleSummary:
    """A schedule, and where it stands.

    `upcoming` are the next instants, none where it is paused or the code declares it no more. `last` is what came last,
    `last_start` the last of it that was started, `queued` how many wait their turn. `fault` says why it cannot start
    anything, "" where it can.
    """

    name: str
    graph: str
    graph_title: str
    cron: str
    tz: str
    overlap: str = ""
    catch_up: timedelta = timedelta(0)
    jitter: float = 0.0
    is_declared: bool = True
    upcoming: tuple[datetime, ...] = ()
    paused_at: datetime | None = None
    paused_by: str = ""
    is_late: bool = False
    queued: int = 0
    last: ScheduleTick | None = None
    last_start: ScheduleTick | None = None
    fault: str = ""


def schedules() -> list[ScheduleSummary]:
    """Every schedule, by name; last those that the code declares no more (RB.10)."""
    return _summaries(find_schedules(None), None)


def schedule_list(person: Person | None) -> list[ScheduleSummary]:
    """The schedules that this person may see."""
    rights = Rights(person)
    return _summaries(find_schedules(rights), rights)


def schedule_detail(person: Person | None, name: str) -> ScheduleSummary:
    """One schedule, where this person may see it."""
    rights = Rights(person)
    return _summaries([find_schedule(rights, name)], rights)[0]


def ticks_of(
    person: Person | None, name: str, before: int | None = None
) -> list[ScheduleTick]:
    """What came last of a schedule that this person may see, newest first; `before` is the number of a tick."""
    rights = Rights(person)
    rows = Tick.objects.filter(schedule=find_schedule(rights, name).name)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    newest = rows.select_related("person").order_by("-id")[:MOST_TICKS]
    return _read(list(newest), rights)


def _summaries(found: Sequence[Found], rights: Rights | None) -> list[ScheduleSummary]:
    names = [each.name for each in found]
    now = database_now()
    last = _last_of(names)
    ids = {key for pair in last.values() for key in pair if key is not None}
    rows = Tick.objects.filter(pk__in=ids).select_related("person")
    ticks = {tick.number: tick for tick in _read(list(rows), rights)}
    waiting = Tick.objects.filter(schedule__in=names, status=Tick.Status.QUEUED)
    queued = dict(waiting.order_by().values_list("schedule").annotate(Count("id")))
    summaries = []
    for each in found:
        newest, started = last.get(each.name, (None, None))
        summaries.append(
            _summary(
                each,
                now,
                queued=queued.get(each.name, 0),
                last=ticks.get(newest or 0),
                last_start=ticks.get(started or 0),
            )
        )
    return summaries


def _last_of(names: Sequence[str]) -> dict[str, tuple[int | None, int | None]]:
    """For each the numbers of its last tick, and of the last that was started."""
    ticks = Tick.objects.filter(schedule=OuterRef("pk")).order_by("-id").values("pk")
    started = ticks.filter(status=Tick.Status.STARTED)
    rows = Schedule.objects.filter(pk__in=names).annotate(
        newest=Subquery(ticks[:1]), started=Subquery(started[:1])
    )
    return {
        name: (newest, last)
        for name, newest, last in rows.values_list("pk", "newest", "started")
    }


def _summary(found: Found, now: datetime, **more: Any) -> ScheduleSummary:
    item, row = found.item, found.row
    if row is not None:
        more |= {"paused_at": row.paused_at}
        more["paused_by"] = name_of(row.paused_by) if row.paused_at else ""
    if item is None:
        cron, zone = (row.cron, row.tz) if row is not None else ("", "")
        title = graph_title(found.graph)
        return ScheduleSummary(
            found.name, found.graph, title, cron, zone, is_declared=False, **more
        )
    more["upcoming"] = _upcoming(item, row, now)
    return ScheduleSummary(
        found.name,
        item.graph,
        graph_title(item.graph),
        item.cron.text,
        item.cron.zone,
        item.overlap,
        item.catch_up,
        item.jitter,
        is_late=is_late(row, now),
        fault=fault_of(item),
        **more,
    )


def is_late(row: Schedule | None, now: datetime, by: timedelta = LATE) -> bool:
    """Whether the next run was to be started some time ago, and nobody has."""
    return row is not None and row.paused_at is None and row.due_at < now - by


def fault_of(item: Declared) -> str:
    """Why nothing can be started; "" where it can."""
    if registry.find(item.graph) is not None:
        return ""
    return f"No workflow named {item.graph} is registered."


def _upcoming(
    item: Declared, row: Schedule | None, now: datetime
) -> tuple[datetime, ...]:
    if row is not None and row.paused_at is not None:
        return ()
    if row is None or not is_said_by(row, item):
        return tuple(islice(item.cron.following(now), AHEAD))
    return (row.next_at, *islice(item.cron.following(row.next_at), AHEAD - 1))


def _read(ticks: Sequence[Tick], rights: Rights | None) -> list[ScheduleTick]:
    threads = Thread.objects.filter(pk__in={tick.thread_id for tick in ticks})
    if rights is not None:
        threads = rights.limit(threads)
    standing = {row.pk: standing_of(row) for row in with_last_run(threads)}
    return [
        ScheduleTick(
            number=tick.pk,
            at=tick.at,
            status=tick.status,
            count=tick.count,
            text=tick.text,
            thread_id=tick.thread_id,
            thread_status=standing.get(tick.thread_id, ""),
            by=name_of(tick.person) if tick.person_id is not None else "",
            made_at=tick.made_at,
        )
        for tick in ticks
    ]
