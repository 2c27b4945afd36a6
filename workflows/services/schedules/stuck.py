"""Schedules that are overdue, or whose last start was refused (`doctor.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.models import Schedule, Tick
from workflows.services.findings import Finding, Look
from workflows.services.outbound.events import address
from workflows.services.schedules import declared
from workflows.services.schedules.reading import fault_of

LATE_SECONDS = 180.0


class StuckSchedules(Look):
    """What each look for them finds."""

    def late_schedules(self) -> Iterator[Finding]:
        """Schedules whose next run was due some minutes ago."""
        names = [item.name for item in declared.all()]
        rows = Schedule.objects.filter(
            pk__in=names, paused_at=None, due_at__lt=self._ago(LATE_SECONDS)
        )
        for row in rows.order_by("due_at", "pk"):
            what = f"schedule {row.pk!r} was to start {row.graph} {self._since(row.due_at)} ago, and has not"
            yield _of_schedule(
                "late_schedule", row.pk, row.graph, what, self._do_for_worker()
            )

    def refused_schedules(self) -> Iterator[Finding]:
        """Schedules whose last start was refused, and those that can start nothing."""
        for item in declared.all():
            fault = fault_of(item)
            last = Tick.objects.filter(schedule=item.name).order_by("-id").first()
            if fault:
                what = f"schedule {item.name!r} can start nothing: {fault}"
                do = "deploy the workflow again under this name, or name another in schedule()"
            elif last is not None and last.status == Tick.Status.REFUSED:
                what = f"schedule {item.name!r} started nothing {self._since(last.made_at)} ago: {last.text}"
                do = "mend it, then make up for the instant on the schedule's page"
            else:
                continue
            yield _of_schedule("refused_schedule", item.name, item.graph, what, do)


def _of_schedule(kind: str, name: str, graph: str, what: str, do: str) -> Finding:
    return Finding(
        kind, what, do, address("schedule", name), {"schedule": name, "graph": graph}
    )
