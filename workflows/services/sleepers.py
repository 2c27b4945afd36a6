"""Threads whose tasks sleep: who wakes them when their time has come, and before it (RB.1).

A sweep finds a thread by the instant on its row and queues a run for it (`waking.py`); a signal, an event or
the end of a thread that comes sets that instant to now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from workflows.engine import serde
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.access import Person, Rights, find_thread, require
from workflows.services.action import NotPending, ThreadBusy
from workflows.services.desk import audit
from workflows.services.queueing import (
    UNFINISHED,
    has_unfinished_run,
    lock_free_thread,
    lock_thread,
    queue_run,
)
from workflows.storage.claims import DatabaseNow
from workflows.storage.clock import database_now

AT_ONCE = 100
TOGETHER = 500
"""So many threads are made due in one transaction."""
SLEEPING = (Thread.Status.WAITING, Thread.Status.INTERRUPTED)
EARLY = {"early": True}
"""What a run carries that ends all waits that have an end."""


def wake_sleepers() -> int:
    """Queue a run for each thread where something has slept long enough; returns how many."""
    busy = Run.objects.filter(thread=OuterRef("pk"), status__in=UNFINISHED)
    due = _due().filter(~Exists(busy)).order_by("wake_at")
    return sum(
        _wake_on_time(thread_id)
        for thread_id in due.values_list("pk", flat=True)[:AT_ONCE]
    )


def _due() -> QuerySet[Thread]:
    """The threads of workflows known here where something has waited long enough."""
    return Thread.objects.filter(
        wake_at__lte=DatabaseNow(), status__in=SLEEPING, graph__in=registry.names()
    )


@transaction.atomic
def _wake_on_time(thread_id: str) -> bool:
    # One that somebody else holds is found by the next sweep.
    return lock_free_thread(thread_id) is not None and wake_if_due(thread_id)


def wake_if_due(thread_id: str) -> bool:
    """Queue a run where something has waited long enough; whether one was. Called with the thread's row held."""
    thread = _due().filter(pk=thread_id).first()
    if thread is None or has_unfinished_run(thread_id):
        return False
    queue_run(thread, Run.Kind.WAKE, "", None)
    return True


def make_due(thread_ids: Sequence[str], *, with_runs: bool = True) -> None:
    """Say on the rows of these threads that they are due; the first of them get their runs too, which a sweep does else."""
    at_once = AT_ONCE if with_runs else 0
    for thread_id in thread_ids[:at_once]:
        with transaction.atomic():
            Thread.objects.filter(pk=thread_id).update(wake_at=database_now())
            wake_if_due(thread_id)
    for start in range(at_once, len(thread_ids), TOGETHER):
        with transaction.atomic():
            few = thread_ids[start : start + TOGETHER]
            rows = Thread.objects.filter(pk__in=few)
            # In one order, should two do so at the same time.
            list(rows.select_for_update().order_by("pk").values_list("pk"))
            rows.update(wake_at=database_now())


@dataclass(frozen=True)
class WakeThread:
    """A run that lets all go on at once that sleeps on a thread; there `sleep` returns False.

    What waits for a signal until an instant waits no longer; without one it waits on.
    `person` is None where the system does it.
    """

    person: Person | None
    thread_id: str

    def check(self) -> Thread:
        """The thread, where this person may operate it and something sleeps there."""
        if self.person is None:
            thread = Thread.objects.get(pk=self.thread_id)
        else:
            thread = find_thread(self.person, self.thread_id)
            require(
                Rights(self.person).can_operate(thread.graph),
                "You may see this thread but not wake it.",
            )
        if has_unfinished_run(thread.pk):
            raise ThreadBusy(f"Thread {thread.pk} has a run that has not ended.")
        if thread.wake_at is None or thread.status not in SLEEPING:
            raise NotPending(f"Nothing sleeps on thread {thread.pk}.")
        return thread

    def execute(self) -> Run:
        """Queue the run."""
        with transaction.atomic():
            lock_thread(self.check().pk)
            thread = self.check()
            early = serde.dumps(EARLY)
            run = queue_run(thread, Run.Kind.WAKE, early, self.person)
            audit.record_token(
                self.person,
                "thread.woken",
                graph=thread.graph,
                thread=thread.pk,
                subject=f"run {run.pk}",
            )
        return run


def wake(thread_id: str) -> bool:
    """Let all that sleeps on a thread go on now, before its time; there `sleep` returns False (RB.1).

    For what waits for a signal until an instant the time is up.
    False where nothing sleeps, work is running, or there is no such thread.
    """
    try:
        WakeThread(None, thread_id).execute()
    except (Thread.DoesNotExist, NotPending, ThreadBusy):
        return False
    return True
