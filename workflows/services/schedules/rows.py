"""The row of a schedule follows what the code says, and the newest code wins (RB.10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from workflows.models import Schedule
from workflows.services.schedules.declared import Declared

FORSAKEN = timedelta(seconds=60)
"""A row that is overdue by so much belongs to nobody's code any more."""

_said: set[Declared] = set()


def rows_of(declared: Sequence[Declared], now: datetime) -> list[Schedule | None]:
    """The row of each, brought up to date; None for one that newer code, at work elsewhere, says otherwise.

    A process says once what its code says: as long as processes with two versions of it are at work, that of the
    one that was started last holds, unless nobody acts on it.
    """
    rows = Schedule.objects.in_bulk([item.name for item in declared])
    return [_brought_up(item, rows.get(item.name), now) for item in declared]


def row_of(item: Declared, now: datetime) -> Schedule:
    """The row of one, which is made where there is none yet."""
    return Schedule.objects.filter(pk=item.name).first() or _made(item, now)


def is_said_by(row: Schedule, item: Declared) -> bool:
    """Whether the row's next instant is the one of this code."""
    return (row.graph, row.cron, row.tz) == (item.graph, item.cron.text, item.cron.zone)


def _brought_up(item: Declared, row: Schedule | None, now: datetime) -> Schedule | None:
    is_first = item not in _said
    if row is None:
        found: Schedule | None = _made(item, now)
    elif is_said_by(row, item) and not (
        is_first and row.due_at != item.due(row.next_at)
    ):
        found = row
    elif is_first or row.due_at <= now - FORSAKEN:
        found = _changed(item, row, now)
    else:
        return None
    if found is not None:
        _said.add(item)
    return found


def _made(item: Declared, now: datetime) -> Schedule:
    row, _ = Schedule.objects.get_or_create(pk=item.name, defaults=_said_by(item, now))
    return row


def _changed(item: Declared, row: Schedule, now: datetime) -> Schedule | None:
    """The row as this code says it; instants that other code left behind are not made up for."""
    is_same_time = (row.cron, row.tz) == (item.cron.text, item.cron.zone)
    fresh = _said_by(item, now)
    if is_same_time:
        fresh |= {"next_at": row.next_at, "due_at": item.due(row.next_at)}
    seen = Schedule.objects.filter(pk=row.pk, next_at=row.next_at, due_at=row.due_at)
    if not seen.update(**fresh):
        return None  # somebody else is at it; the next sweep looks again
    return Schedule.objects.get(pk=row.pk)


def _said_by(item: Declared, now: datetime) -> dict[str, object]:
    next_at = item.cron.after(now)
    return {
        "graph": item.graph,
        "cron": item.cron.text,
        "tz": item.cron.zone,
        "next_at": next_at,
        "due_at": item.due(next_at),
    }
