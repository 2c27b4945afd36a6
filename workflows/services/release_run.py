"""Take a run from a worker that is gone, at once: what a sweep does, for one run and by hand."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from workflows.models import Run
from workflows.services.access import Person, Rights, find_run, require
from workflows.services.action import NotPending
from workflows.services.cancel_run import wake_next
from workflows.services.queueing import lock_thread, wake
from workflows.storage.clock import database_now
from workflows.storage.connections import SQLITE
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.owners import is_dead


@dataclass(frozen=True)
class ReleaseRun:
    """The run goes back to the queue, or ends as it would have: cancelled, or parked as a crash loop."""

    person: Person
    run_id: int

    def check(self) -> Run:
        """The run, where this person may operate it and its worker is gone."""
        run = find_run(self.person, self.run_id)
        require(
            Rights(self.person).can_operate(run.thread.graph),
            "You may see this run but not take it from its worker.",
        )
        if run.status != Run.Status.RUNNING:
            raise NotPending(f"Run {run.pk} is not at work: {run.status}.")
        if not is_lost(run):
            raise NotPending(
                f"The worker of run {run.pk} lives: it was heard of within its lease."
            )
        return run

    def execute(self) -> Run:
        """Do it."""
        with transaction.atomic():
            lock_thread(self.check().thread_id)
            run = self.check()
            for run_id in release_dead_leases(only=run.pk):
                wake(run_id)
            run.refresh_from_db()
            if run.status == Run.Status.RUNNING:
                raise NotPending(
                    f"Run {run.pk} is left to its worker: the database was away a moment ago, so "
                    "nobody could be heard of. Try again in a minute."
                )
            if run.status != Run.Status.PENDING:
                wake_next(run.thread_id)
        return run


def is_lost(run: Run) -> bool:
    """Whether the worker of a run that is at work is gone: its lease is over, or its process has ended."""
    if run.lease_until is not None and run.lease_until < database_now():
        return True
    # On SQLite all who work are processes of this machine.
    is_here = connections[DEFAULT_DB_ALIAS].vendor == SQLITE
    return is_here and is_dead(run.owner)
