"""Go on with a thread whose last run failed, was cancelled or stopped at a breakpoint."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from workflows.models import Interrupt, Run, Thread
from workflows.models.run import BESIDE
from workflows.services.access import Person, Rights, find_thread, require
from workflows.services.action import NotPending, ThreadBusy
from workflows.services.desk import audit
from workflows.services.queueing import has_unfinished_run, lock_thread, queue_run
from workflows.services.state import read_state
from workflows.services.turns import check_if_busy, take_turn

CONTINUABLE = (
    Run.Status.ERROR,
    Run.Status.CANCELLED,
    Run.Status.TIMEOUT,
    Run.Status.INTERRUPTED,
)


@dataclass(frozen=True)
class ContinueRun:
    """A run that goes on from the thread's head; finished steps and tasks are not repeated.

    While work is running or waits its turn, `if_busy` decides (turns.py): the new run goes on
    from wherever that work has left the thread.
    """

    person: Person
    thread_id: str
    if_busy: str = "reject"

    def check(self) -> Thread:
        """The thread, where this person may continue it and there is something to go on with."""
        thread = find_thread(self.person, self.thread_id)
        require(
            Rights(self.person).can_operate(thread.graph),
            "You may see this thread but not continue it.",
        )
        check_if_busy(self.if_busy)
        if has_unfinished_run(thread.pk):
            if self.if_busy == "reject":
                raise ThreadBusy(f"Thread {thread.pk} has a run that has not ended.")
            return thread
        last = thread.runs.exclude(kind__in=BESIDE).order_by("-id").first()
        if thread.status == Thread.Status.WAITING:
            raise NotPending(
                f"Thread {thread.pk} waits for a time, a signal, an event or another thread: "
                "wake it, or send the signal."
            )
        if last is None or last.status not in CONTINUABLE:
            raise NotPending(f"Thread {thread.pk} has nothing to go on with.")
        if read_state(thread, Rights(None)).is_undone:
            raise NotPending(
                f"What thread {thread.pk} has done is undone: begin anew, or with a new thread from one of its steps."
            )
        if last.status == Run.Status.INTERRUPTED and open_questions(thread.pk):
            raise NotPending(
                f"Thread {thread.pk} waits for an answer: answer it instead."
            )
        return thread

    def execute(self) -> Run:
        """Queue the run."""
        with transaction.atomic():
            lock_thread(find_thread(self.person, self.thread_id).pk)
            thread = self.check()
            take_turn(thread, self.if_busy, self.person)
            run = queue_run(thread, Run.Kind.CONTINUE, "", self.person)
            audit.record_token(
                self.person,
                "run.continued",
                graph=thread.graph,
                thread=thread.pk,
                subject=f"run {run.pk}",
            )
        return run


def open_questions(thread_id: str) -> int:
    """How many questions of the thread wait for a person."""
    return Interrupt.objects.filter(
        thread_id=thread_id, status=Interrupt.Status.PENDING
    ).count()
