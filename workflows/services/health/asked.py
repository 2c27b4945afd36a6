"""What waits for people, and how fast they decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Func, IntegerField, QuerySet, Value

from workflows.models import Decision, Interrupt
from workflows.services.access import Rights
from workflows.services.desk.queue_view import SOON

HOURS = 24
MEDIAN_DAYS = 7
# The median is that of the newest so many: beyond, it hardly moves.
MEDIAN_OF = 1_000


@dataclass(frozen=True)
class Asked:
    """Open questions that nobody has put off, when the first was asked, and how many are due."""

    count: int
    oldest: datetime | None
    oldest_number: int | None
    soon: int
    overdue: int


@dataclass(frozen=True)
class Hour:
    """The decisions of one hour, which begins at `start`."""

    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True)
class Pace:
    """Decisions by hour, the oldest first, and how long a decision takes; None without one."""

    hours: tuple[Hour, ...]
    median: timedelta | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(hour.count for hour in self.hours)

    @property
    def most(self) -> int:
        """Those of the fullest hour."""
        return max(hour.count for hour in self.hours)


def asked(rights: Rights, now: datetime) -> Asked:
    """The open questions that the person may see."""
    rows = rights.limit(Interrupt.objects.filter(status=Interrupt.Status.PENDING))
    # What is put off has a small index of its own; to leave it out, every row were to be read.
    put_off = rows.filter(snoozed_until__gt=now)
    shown = rows.exclude(snoozed_until__gt=now)
    first = shown.order_by("asked_at", "id").values_list("id", "asked_at")[:1]
    number, oldest = next(iter(first), (None, None))
    return Asked(
        rows.count() - put_off.count(),
        oldest,
        number,
        shown.filter(due_order__gte=now, due_order__lt=now + SOON).count(),
        shown.filter(due_order__lt=now).count(),
    )


def pace(rights: Rights, now: datetime) -> Pace:
    """The decisions of the last hours on questions that the person may see."""
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=HOURS - 1)
    rows = rights.limit(Decision.objects.all(), "interrupt__graph")
    made = rows.filter(created_at__gte=first, created_at__lt=now)
    counted: dict[int, int] = dict(
        made.annotate(
            hour=_HoursSince(_Epoch("created_at"), Value(int(first.timestamp())))
        )
        .values_list("hour")
        .annotate(Count("id"))
        .order_by()
    )
    hours = tuple(
        Hour(start, start + timedelta(hours=1), counted.get(number, 0))
        for number, start in (
            (each, first + timedelta(hours=each)) for each in range(HOURS)
        )
    )
    return Pace(hours, _median(rows, now))


class _HoursSince(Func):
    """How many whole hours the first moment is after the second, which is given in seconds of the epoch."""

    output_field = IntegerField()
    arg_joiner = " - "
    template = "CAST(floor((%(expressions)s) / 3600) AS integer)"


class _Epoch(Func):
    """A moment in seconds of the epoch."""

    output_field = IntegerField()
    template = "extract(epoch FROM %(expressions)s)"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS integer)"
        return self.as_sql(compiler, connection, template=template, **extra)


def _median(rows: QuerySet[Decision], now: datetime) -> timedelta | None:
    """Half of the decisions took no longer, from when the question was asked."""
    recent = rows.filter(created_at__gte=now - timedelta(days=MEDIAN_DAYS))
    by_people = recent.exclude(channel=Decision.Channel.TIMEOUT)
    pairs = by_people.order_by("-created_at").values_list(
        "created_at", "interrupt__asked_at"
    )
    took = sorted(made - first for made, first in pairs[:MEDIAN_OF] if made >= first)
    return took[len(took) // 2] if took else None
