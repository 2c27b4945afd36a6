"""Runs that are due and wait for nothing but a worker.

One of a queue may wait for a slot of it, and is left out: `due_runs` tells those that would be let in.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from workflows.models import Run


def waiting_for_worker(
    rows: QuerySet[Run], now: datetime | Now | None = None
) -> QuerySet[Run]:
    """Those of the runs that are due and whose threads have none at work: the others wait their turn."""
    at_work = Run.objects.filter(thread=OuterRef("thread"), status=Run.Status.RUNNING)
    due = rows.filter(
        status=Run.Status.PENDING, due_at__lte=now or Now(), queued_at=None
    )
    return due.filter(~Exists(at_work))
