"""Cancel a run: one that waits is cancelled at once, one that runs is asked to stop."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F
from django.db.models.functions import Now

from workflows.models import Decision, Interrupt, Run
from workflows.services.access import Person, Rights, find_run, name_of, require
from workflows.services.action import NotPending
from workflows.services.queueing import lock_thread, wake
from workflows.storage.claims import due_runs
from workflows.storage.events import append_events

CANCELLED_ANSWER = "The run that carried the answer was cancelled."


@dataclass(frozen=True)
class CancelRun:
    """Stop a run. A running one stops after its present step."""

    person: Person
    run_id: int
    reason: str = ""

    def check(self) -> Run:
        """The run, where this person may cancel it and it has not ended."""
        run = find_run(self.person, self.run_id)
        require(
            Rights(self.person).can_operate(run.thread.graph),
            "You may see this run but not cancel it.",
        )
        if run.status not in (Run.Status.PENDING, Run.Status.RUNNING):
            raise NotPending(f"Run {run.pk} has ended: {run.status}.", kind=run.status)
        return run

    def execute(self) -> Run:
        """Cancel it, or leave the request for the worker that holds it."""
        with transaction.atomic():
            run = find_run(self.person, self.run_id)
            lock_thread(run.thread_id)
            run = self.check()
            told = {
                "run": run.pk,
                "kind": run.kind,
                "by": name_of(self.person),
                "status": Run.Status.CANCELLED.value,
            }
            if self._cancel_pending(run):
                self._reopen(run)
            else:
                Run.objects.filter(pk=run.pk).update(
                    cancel_requested_at=Now(), reason=self.reason[:40]
                )
                told |= {"status": run.status, "cancel_requested": True}
            append_events(DEFAULT_DB_ALIAS, run.thread_id, run.pk, [("run", told)])
        run.refresh_from_db()
        return run

    def _cancel_pending(self, run: Run) -> bool:
        cancelled = Run.objects.filter(pk=run.pk, status=Run.Status.PENDING).update(
            status=Run.Status.CANCELLED,
            reason=self.reason[:40],
            finished_at=Now(),
        )
        return bool(cancelled)

    def _reopen(self, run: Run) -> None:
        """Open the questions whose answers will not be handed over; let the next run go."""
        for decision in Decision.objects.filter(run=run).select_related("interrupt"):
            Interrupt.objects.filter(
                pk=decision.interrupt_id,
                status=Interrupt.Status.DECIDED,
                round=decision.round,
            ).update(
                status=Interrupt.Status.PENDING,
                reason=CANCELLED_ANSWER,
                version=F("version") + 1,
                round=F("round") + 1,
            )
            row = decision.interrupt
            told = {
                "interrupt": row.pk,
                "node": row.node,
                "title": row.title,
                "status": Interrupt.Status.PENDING.value,
                "round": decision.round + 1,
            }
            append_events(
                DEFAULT_DB_ALIAS, run.thread_id, run.pk, [("interrupt", told)]
            )
        waiting = Run.objects.filter(thread_id=run.thread_id, pk__in=due_runs())
        for run_id in waiting.values_list("pk", flat=True):
            wake(run_id)
