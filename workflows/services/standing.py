"""How threads stand, for lists: as their last run ended, while nothing goes on in them."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery

from workflows.models import Run, Thread
from workflows.models.run import BESIDE


def with_last_run(rows: QuerySet[Thread]) -> QuerySet[Thread]:
    """The rows with the status of their last run, for `standing_of`."""
    runs = Run.objects.filter(thread=OuterRef("pk")).exclude(kind__in=BESIDE)
    return rows.annotate(last=Subquery(runs.order_by("-id").values("status")[:1]))


def standing_of(row: Thread) -> str:
    """The status that a list shows of a row of `with_last_run`."""
    last: str | None = getattr(row, "last", None)
    return last if last and row.status == Thread.Status.IDLE else row.status
