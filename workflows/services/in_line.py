"""Why a run that waits is not begun: it is not due yet, or its queue does not let it in (RB.9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, Subquery

from workflows.models import Run
from workflows.services import queues, registry
from workflows.services.access import Rights
from workflows.services.queueing import HELD
from workflows.storage import admission
from workflows.storage.admission import Line, live_runs, next_start
from workflows.storage.clock import database_now, machine_now


@dataclass(frozen=True)
class LineRecord:
    """Where a run stands in the line of a queue, and what that waits for.

    `busy` of `slots` are at work; `slots` is None where there is no such limit. `opens` is when its rate lets a start begin again, where it lets
    none now. `before` are the runs that come first. `is_known`: the code declares the queue.
    """

    queue: str
    partition: str = ""
    is_known: bool = True
    slots: int | None = None
    busy: int = 0
    before: int = 0
    opens: datetime | None = None

    @property
    def is_full(self) -> bool:
        """Whether no slot is free."""
        return self.slots is not None and self.busy >= self.slots


def not_before(row: Run) -> datetime | None:
    """When a start is due that was to wait; None for one that is due, and for what is not begun."""
    waits = row.status == Run.Status.PENDING and row.kind == Run.Kind.START
    if not waits or row.due_at == HELD:
        return None
    # By the clock of this machine: a list shows many.
    return row.due_at if row.due_at > machine_now() else None


def line_of(row: Run, rights: Rights) -> LineRecord | None:
    """Where a run stands in line; None for one that waits for no queue.

    The partition is made of the input: who may not see all of that is not told it.
    """
    found = _line_of(row)
    item = registry.find(row.graph)
    hides = item is None or bool(item.secret)
    if found is None or not hides or rights.can_see_secret(row.graph):
        return found
    return replace(found, partition="")


def queues_seen(rights: Rights) -> list[str]:
    """The names of the queues in which the person may see runs, or could: a name may tell of a workflow that is hidden."""
    graphs = rights.visible_graphs()
    if graphs is None or len(graphs) == len(registry.names()):
        return queues.names()
    named = {registry.get(name).queue for name in graphs}
    runs = rights.limit(Run.objects.all())
    return [
        name
        for name in queues.names()
        if name in named or runs.filter(queue=name).exists()
    ]


def _line_of(row: Run) -> LineRecord | None:
    if row.status != Run.Status.PENDING or not row.queue or row.due_at > database_now():
        return None
    limits = admission.known.get(row.queue)
    if limits is None:
        return LineRecord(row.queue, row.partition, is_known=False)
    line = Line(row.queue, row.partition)
    is_new = row.kind == Run.Kind.START and row.admitted_at is None
    return LineRecord(
        *line,
        slots=limits.concurrency,
        busy=live_runs("default", line),
        before=_before(row),
        opens=next_start("default", line) if is_new else None,
    )


def _before(row: Run) -> int:
    # Compared where both stand: SQLite's Now() has milliseconds, as text, and a parameter microseconds.
    at = Subquery(Run.objects.filter(pk=row.pk).values("queued_at"))
    sooner = Q(queued_at=at, pk__lt=row.pk) | Q(queued_at__lt=at)
    waiting = Run.objects.filter(
        Q(priority__lt=row.priority) | Q(sooner, priority=row.priority),
        status=Run.Status.PENDING,
        queue=row.queue,
        partition=row.partition,
        due_at__lte=database_now(),
    )
    return waiting.count()
