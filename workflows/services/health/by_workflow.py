"""What waits and what is at work, workflow by workflow: for those who draw curves of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from workflows.models import Interrupt, Run
from workflows.services.access import Rights
from workflows.services.queueing import UNFINISHED


@dataclass(frozen=True)
class OpenQuestions:
    """The open questions of one workflow, and those of them that are past their time."""

    graph: str
    count: int
    overdue: int


@dataclass(frozen=True)
class LiveRuns:
    """The runs of one workflow that wait to begin or are at work (`status`)."""

    graph: str
    status: str
    count: int


def open_questions(rights: Rights, now: datetime) -> Iterator[OpenQuestions]:
    """Of each workflow that the person may see and that asks something now."""
    rows = rights.limit(Interrupt.objects.filter(status=Interrupt.Status.PENDING))
    counted = rows.values("graph").annotate(
        count=Count("id"), overdue=Count("id", filter=Q(due_order__lt=now))
    )
    for row in counted.order_by("graph"):
        yield OpenQuestions(row["graph"], row["count"], row["overdue"])


def live_runs(rights: Rights) -> Iterator[LiveRuns]:
    """Of each workflow that the person may see and that has such runs."""
    rows = rights.limit(Run.objects.filter(status__in=UNFINISHED))
    counted = rows.values("graph", "status").annotate(count=Count("id"))
    for row in counted.order_by("graph", "status"):
        yield LiveRuns(row["graph"], row["status"], row["count"])
