"""What workers do when the instant of a schedule has come (RB.10).

One conditional update moves the row to its next instant, and what becomes of this one is written in the same transaction: of
several workers one does it, and one that dies in the midst of it has done nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from workflows.models import Schedule, Tick
from workflows.services.schedules import declared
from workflows.services.schedules.declared import Declared
from workflows.services.schedules.rows import rows_of
from workflows.services.schedules.starting import (
    carry_out,
    give,
    start_queued,
    waiting_schedules,
)
from workflows.storage.clock import database_now

GRACE = timedelta(seconds=60)
"""An instant that is late by less has not been missed: a worker was started anew, or was busy."""
AT_ONCE = 100
MOST_COUNTED = 1_000
"""So many that were passed over, and more are not told apart."""


def tick_schedules() -> int:
    """Start what is due, and what has waited for a former one to end; returns how many runs.

    Where one schedule fails the others have their turn before it raises.
    """
    items = declared.all()
    if not items:
        return 0
    now, started = database_now(), 0
    failed: Exception | None = None
    rows, waiting = rows_of(items, now), waiting_schedules()
    for item, row in zip(items, rows, strict=True):
        if row is None or row.paused_at is not None:
            continue
        try:
            started += _tick(item, row.next_at, now, AT_ONCE - started)
            if item.name in waiting:
                started += start_queued(item, AT_ONCE - started)
        except Exception as error:  # noqa: BLE001 - raised when all have had their turn
            failed = failed or error
    if failed is not None:
        raise failed
    return started


def _tick(item: Declared, at: datetime, now: datetime, most: int) -> int:
    """Take the instants of one schedule that are due, from `at` on; returns how many runs were started."""
    if at < since(item, now):
        moved_to = _pass_over(item, at, now)
        if moved_to is None:
            return 0
        at = moved_to
    started = 0
    while started < most and item.due(at) <= now:
        following = item.cron.after(at)
        tick = _take(item, at, following)
        if tick is None:
            break
        started += tick.status == Tick.Status.STARTED
        at = following
    return started


def since(item: Declared, now: datetime) -> datetime:
    """From when on instants are made up for that nobody took; those before are passed over."""
    return now - max(item.catch_up, GRACE) - timedelta(seconds=item.jitter)


def _pass_over(item: Declared, at: datetime, now: datetime) -> datetime | None:
    """Leave out what has come too long ago; returns the next instant, None where somebody else has moved the row."""
    just_before = since(item, now) - timedelta.resolution
    count = sum(1 for _ in islice(item.cron.between(at, just_before), MOST_COUNTED))
    next_at = item.cron.after(just_before)
    with transaction.atomic():
        if not _move(item, at, next_at):
            return None
        Tick.objects.create(
            schedule_id=item.name, at=at, status=Tick.Status.MISSED, count=count
        )
    return next_at


def _take(item: Declared, at: datetime, following: datetime) -> Tick | None:
    """Do what is due at `at`; None where somebody else does."""
    given = give(item, at)  # the author's code, which may take its time
    with transaction.atomic():
        return carry_out(item, at, given) if _move(item, at, following) else None


def _move(item: Declared, at: datetime, next_at: datetime) -> bool:
    """Move the row on from `at`, and hold it until the transaction ends; whether it still stood there."""
    row = Schedule.objects.filter(pk=item.name, next_at=at, paused_at=None)
    return bool(row.update(next_at=next_at, due_at=item.due(next_at)))
