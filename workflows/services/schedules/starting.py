"""One instant of a schedule becomes a run, or waits for a former one to end, or is left out (RB.10).

Called in the transaction that holds the row of the schedule.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from workflows.models import Schedule, Thread, Tick
from workflows.services.access import Person, row_of
from workflows.services.one_line import one_line
from workflows.services.schedules.declared import Declared
from workflows.services.start_run import StartByCode, encode_input
from workflows.storage.children import going_on
from workflows.storage.outage import is_away

log = logging.getLogger(__name__)

MOST_QUEUED = 1_000
_LOOKED_AT = 100
"""So many of its last threads are asked whether they have ended."""
_LONGEST_TEXT = 2_000
BUSY = "a thread that it has started before has not ended"
FULL = f"{MOST_QUEUED:,} instants wait already"


@dataclass(frozen=True)
class Given:
    """What a run is to be given, or why there is nothing to give."""

    input: object = None
    fault: str = ""


def give(item: Declared, at: datetime) -> Given:
    """The input for an instant; what the author's function raises is told on the schedule's page."""
    try:
        found = item.input_at(at)
        encode_input(found)
    except Exception as error:
        log.warning("schedule %s has no input for %s", item.name, at, exc_info=True)
        return Given(fault=f"its input: {_said(error)}")
    return Given(found)


def carry_out(item: Declared, at: datetime, given: Given) -> Tick | None:
    """What becomes of an instant that has come; None where it was started before, by a backfill."""
    if is_taken(item.name, at):
        return None
    tick = _tick(item, at)
    if given.fault:
        _refuse(tick, given.fault)
    elif item.overlap == "allow" or not is_busy(item.name):
        start(item, tick, given)
    elif item.overlap == "skip":
        tick.status, tick.text = Tick.Status.SKIPPED, BUSY
    elif _queued(item.name).count() >= MOST_QUEUED:
        tick.status, tick.text = Tick.Status.SKIPPED, FULL
    else:
        tick.status = Tick.Status.QUEUED
    tick.save()
    return tick


def queue(
    item: Declared, instants: list[datetime], person: Person | None
) -> list[Tick]:
    """Let these instants, in order, wait their turn where they were not started before; the sweep starts them."""
    if not instants:
        return []
    among = _taken(item.name).filter(at__range=(instants[0], instants[-1]))
    taken = set(among.values_list("at", flat=True))
    ticks = [_tick(item, at, person) for at in instants if at not in taken]
    return Tick.objects.bulk_create(ticks)


def waiting_schedules() -> frozenset[str]:
    """The names of schedules of which something waits its turn."""
    rows = Tick.objects.filter(status=Tick.Status.QUEUED).order_by("schedule")
    return frozenset(rows.values_list("schedule", flat=True).distinct())


def start_queued(item: Declared, most: int) -> int:
    """Start what waits its turn and may start now, the oldest first; returns how many were tried."""
    tried = 0
    while tried < most and _start_next(item):
        tried += 1
    return tried


def _start_next(item: Declared) -> bool:
    """Start the oldest that waits, or say why it cannot be; whether there may be another."""
    if item.overlap != "allow" and has_open_thread(item.name):
        return False
    tick = _queued(item.name).order_by("id").first()
    if tick is None:
        return False
    given = give(item, tick.at)
    with transaction.atomic():
        row = hold(item.name)
        is_there = _queued(item.name).filter(pk=tick.pk).exists()
        if row is None or row.paused_at is not None or not is_there:
            return False
        if item.overlap != "allow" and has_open_thread(item.name):
            return False
        if given.fault:
            _refuse(tick, given.fault)
        else:
            start(item, tick, given)
        tick.save()
    return True


def start(item: Declared, tick: Tick, given: Given) -> None:
    """Start the run of an instant; where it is refused the tick says why."""
    local = item.cron.local(tick.at)
    try:
        with transaction.atomic():
            run = StartByCode(
                # An instant is the clock's, whoever made up for it: its run is known by its key alone.
                tick.person if tick.key else None,
                item.graph,
                given.input,
                thread_id=tick.thread_id,
                title=f"{item.name}, {local:%Y-%m-%d %H:%M}",
                idempotency_key=tick.thread_id,
                queue=item.queue,
            ).execute()
    except Exception as error:
        if is_away(error):
            raise  # the next sweep does it
        log.warning(
            "schedule %s: the instant %s was refused", item.name, tick.at, exc_info=True
        )
        _refuse(tick, _said(error))
    else:
        tick.status, tick.run_id = Tick.Status.STARTED, run.pk
        tick.thread_id = run.thread_id


def is_busy(name: str) -> bool:
    """Whether a thread of the schedule has not ended, or an instant waits for one."""
    return has_open_thread(name) or _queued(name).exists()


def has_open_thread(name: str) -> bool:
    """Whether something is at work, due or asked on one of the threads that the schedule has started last."""
    started = Tick.objects.filter(schedule=name, status=Tick.Status.STARTED)
    last = list(
        started.order_by("-id").values_list("thread_id", flat=True)[:_LOOKED_AT]
    )
    return going_on(Thread.objects.filter(pk__in=last)).exists()


def is_taken(name: str, at: datetime) -> bool:
    """Whether the instant was started, or waits its turn."""
    return _taken(name).filter(at=at).exists()


def hold(name: str) -> Schedule | None:
    """The row of the schedule, held until the transaction ends."""
    return Schedule.objects.select_for_update().filter(pk=name).first()


def _tick(item: Declared, at: datetime, person: Person | None = None) -> Tick:
    return Tick(
        schedule_id=item.name,
        at=at,
        status=Tick.Status.QUEUED,
        thread_id=item.key(at),
        person=row_of(person),
    )


def _taken(name: str) -> QuerySet[Tick]:
    done = (Tick.Status.STARTED, Tick.Status.QUEUED)
    return Tick.objects.filter(schedule=name, status__in=done)


def _queued(name: str) -> QuerySet[Tick]:
    return Tick.objects.filter(schedule=name, status=Tick.Status.QUEUED)


def _refuse(tick: Tick, text: str) -> None:
    tick.status, tick.text = Tick.Status.REFUSED, text


def _said(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", _LONGEST_TEXT)
