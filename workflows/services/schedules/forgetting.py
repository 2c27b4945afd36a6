"""What became of the instants of schedules is forgotten after TICKS_KEEP_DAYS."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Max, QuerySet

from workflows.models import Tick
from workflows.storage.clock import machine_now


def forget_ticks() -> int:
    """Forget what is older, save what waits its turn; returns how many rows went."""
    if not settings.TICKS_KEEP_DAYS:
        return 0
    before = machine_now() - timedelta(days=settings.TICKS_KEEP_DAYS)
    old = Tick.objects.filter(made_at__lt=before).exclude(status=Tick.Status.QUEUED)
    # The page shows them, and what has not ended keeps another from beginning.
    started = Tick.objects.filter(status=Tick.Status.STARTED)
    for newest in (_newest(Tick.objects.all()), _newest(started)):
        old = old.exclude(pk__in=newest)
    gone, _ = old.delete()
    return gone


def _newest(rows: QuerySet[Tick]) -> list[int]:
    by_schedule = rows.order_by().values("schedule").annotate(newest=Max("id"))
    return list(by_schedule.values_list("newest", flat=True))
