"""Tell the queue once more of a run that is due and that no worker has begun."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from workflows.models import Run
from workflows.services.access import Person, Rights, find_run, require
from workflows.services.action import NotPending
from workflows.services.queueing import wake
from workflows.storage.claims import due_runs


@dataclass(frozen=True)
class NudgeRun:
    """A worker is woken for the run. It is begun once however often this is said."""

    person: Person
    run_id: int

    def check(self) -> Run:
        """The run, where this person may operate it and a worker could begin it now."""
        run = find_run(self.person, self.run_id)
        require(
            Rights(self.person).can_operate(run.thread.graph),
            "You may see this run but not push it on.",
        )
        if run.pk not in due_runs(thread_id=run.thread_id):
            raise NotPending(f"No worker could begin run {run.pk} now: {run.status}.")
        return run

    def execute(self) -> Run:
        """Tell the queue."""
        with transaction.atomic():
            run = self.check()
            wake(run.pk, priority=run.priority)
        return run
