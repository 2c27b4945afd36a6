"""Runs of queues that nobody declares, and lines that have not moved for long (`doctor.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Min, QuerySet

from workflows.models import Run
from workflows.services import queues
from workflows.services.findings import Finding, Look
from workflows.services.outbound.events import address
from workflows.storage import admission
from workflows.storage.admission import Line, live_runs

LONG_SECONDS = 3600.0


class StuckQueues(Look):
    """What each look for them finds."""

    def unknown_queues(self) -> Iterator[Finding]:
        """Queues that runs wait in and the code does not declare."""
        rows = self._in_line(60.0).exclude(queue__in=queues.names())
        counted = rows.values("queue").annotate(count=Count("id"), first=Min("id"))
        for row in counted.order_by("queue"):
            name, count = row["queue"], row["count"]
            yield Finding(
                "unknown_queue",
                f"runs that wait in the queue {name!r}, which is not declared: {count}",
                f"declare it again, Queue({name!r}) without limits lets them go on; or cancel them",
                address("run", row["first"]),
                {"queue": name, "run": row["first"], "count": count},
            )

    def slow_queues(self) -> Iterator[Finding]:
        """Lines whose first has been due for an hour: each partition by itself, the oldest first."""
        rows = self._in_line(0.0).filter(queue__in=queues.names())
        counted = rows.values("queue", "partition").annotate(
            count=Count("id"), since=Min("due_at"), first=Min("id")
        )
        for row in counted.filter(since__lt=self._ago(LONG_SECONDS)).order_by("since"):
            line = Line(row["queue"], row["partition"])
            limits = admission.known[line.queue]
            part = f", partition {line.partition!r}," if line.partition else ""
            slots = f" of {limits.concurrency}" if limits.concurrency else ""
            yield Finding(
                "slow_queue",
                f"queue {line.queue!r}{part} has {row['count']} runs waiting, one for {self._since(row['since'])}; "
                f"{live_runs(DEFAULT_DB_ALIAS, line)}{slots} are at work",
                "nothing where so many were to be expected; else look at what is at work, or raise the limits",
                address("run", row["first"]),
                {**line._asdict(), "run": row["first"], "count": row["count"]},
            )

    def _in_line(self, seconds: float) -> QuerySet[Run]:
        """Runs that have been due for so long and that a queue does not let in."""
        return Run.objects.filter(
            status=Run.Status.PENDING,
            queued_at__isnull=False,
            due_at__lt=self._ago(seconds),
        )
