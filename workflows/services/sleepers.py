"""Threads whose tasks sleep: who wakes them when their time has come, and before it (RB.1).

A sweep finds a thread by the instant on its row and queues a run for it. That run, once it has begun, asks the
thread itself what sleeps there and sets the instant anew: one that an edit has outdated does no harm, and a run that
is cancelled before it begins has taken nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from workflows.engine import serde
from workflows.engine.types import Command
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.access import Person, Rights, find_thread, require
from workflows.services.action import NotPending, ThreadBusy
from workflows.services.queueing import (
    UNFINISHED,
    has_unfinished_run,
    lock_free_thread,
    lock_thread,
    queue_run,
)
from workflows.storage.claims import Claim
from workflows.storage.clock import database_now
from workflows.storage.sealing import RUN, seal, unseal

AT_ONCE = 100
SLEEPING = (Thread.Status.WAITING, Thread.Status.INTERRUPTED)
NOTHING_SLEEPS = "nothing_sleeps"
"""The reason of a run that found nothing to wake."""
_EARLY = {"early": True}


def wake_sleepers() -> int:
    """Queue a run for each thread where something has slept long enough; returns how many."""
    busy = Run.objects.filter(thread=OuterRef("pk"), status__in=UNFINISHED)
    due = Thread.objects.filter(
        ~Exists(busy),
        wake_at__lte=Now(),
        status__in=SLEEPING,
        graph__in=registry.names(),
    )
    return sum(
        _wake_on_time(thread_id)
        for thread_id in due.order_by("wake_at").values_list("pk", flat=True)[:AT_ONCE]
    )


@transaction.atomic
def _wake_on_time(thread_id: str) -> bool:
    thread = lock_free_thread(thread_id)
    if thread is None or has_unfinished_run(thread_id):
        return False  # the next sweep finds it
    still = Thread.objects.filter(pk=thread_id, wake_at__lte=Now(), status__in=SLEEPING)
    if not still.exists():
        return False
    queue_run(thread, Run.Kind.WAKE, "", None)
    return True


@dataclass(frozen=True)
class WakeThread:
    """A run that lets all go on at once that sleeps on a thread; there `sleep` returns False.

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
            return queue_run(thread, Run.Kind.WAKE, serde.dumps(_EARLY), self.person)


def wake(thread_id: str) -> bool:
    """Let all that sleeps on a thread go on now, before its time; there `sleep` returns False (RB.1).

    False where nothing sleeps, work is running, or there is no such thread.
    """
    try:
        WakeThread(None, thread_id).execute()
    except (Thread.DoesNotExist, NotPending, ThreadBusy):
        return False
    return True


def woken_by(claim: Claim, graph: Any) -> Command[Any] | None:
    """What a run that wakes gives to `graph`, whose saver is the claim's; None where nothing is to be woken.

    What it wakes is kept on its row before: whoever takes the run over wakes the same.
    """
    kept = (
        serde.loads(unseal(claim.payload, claim.thread_id, RUN))
        if claim.payload
        else {}
    )
    if "woken" in kept:
        return Command(resume=kept["woken"])
    state = graph.get_state({"configurable": {"thread_id": claim.thread_id}})
    sleeps = [each for task in state.tasks for each in task.sleeps]
    now = database_now(claim.using)
    woken: dict[str, bool] = {}
    for each in sleeps:
        if each.until <= now:
            woken[each.id] = True
        elif kept == _EARLY:
            woken[each.id] = False
    payload = seal(serde.dumps({"woken": woken}), claim.thread_id, RUN) if woken else ""
    left = [each.until for each in sleeps if each.id not in woken]
    with transaction.atomic(using=claim.using):
        Thread.objects.using(claim.using).filter(pk=claim.thread_id).update(
            wake_at=min(left, default=None)
        )
        Run.objects.using(claim.using).filter(
            pk=claim.run_id, fence=claim.fence
        ).update(payload=payload)
    return Command(resume=woken) if woken else None
