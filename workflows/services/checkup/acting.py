"""What may be done about a thread that is stuck: each act of a checkup, with a reason, audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from workflows.models import Run, Thread
from workflows.services.access import Person, Rights, find_thread, require
from workflows.services.action import InvalidAnswer, NotPending
from workflows.services.checkup.patient import Patient
from workflows.services.continue_run import ContinueRun
from workflows.services.desk import audit
from workflows.services.nudge_run import NudgeRun
from workflows.services.queueing import lock_thread
from workflows.services.release_run import ReleaseRun
from workflows.services.sleepers import WakeThread

MAX_REASON = 1_000
WHY = "Say why: it stands in the audit."


@dataclass(frozen=True)
class Mend:
    """Do one of ACTS to a thread. `reason` is a person's words, and must not be empty."""

    person: Person
    thread_id: str
    act: str
    reason: str

    def check(self) -> Thread:
        """The thread, where this person may operate it and has said what and why."""
        thread = find_thread(self.person, self.thread_id)
        require(
            Rights(self.person).can_operate(thread.graph),
            "You may see this thread but do nothing about it.",
        )
        if self.act not in ACTS:
            raise InvalidAnswer({"act": f"is one of {', '.join(ACTS)}"})
        if not self.reason.strip():
            raise InvalidAnswer({"reason": WHY})
        return thread

    def execute(self) -> Run:
        """Do it, and note it in the audit; returns the run that it was about, or that it made."""
        with transaction.atomic():
            thread = lock_thread(self.check().pk)
            run = ACTS[self.act](self.person, thread)
            audit.record(
                self.person,
                f"thread.{self.act}",
                graph=thread.graph,
                thread=thread.pk,
                subject=f"run {run.pk}",
                data={"reason": self.reason.strip(), "was": thread.status},
            )
        return run


def _continue(person: Person, thread: Thread) -> Run:
    return ContinueRun(person, thread.pk).execute()


def _wake(person: Person, thread: Thread) -> Run:
    return WakeThread(person, thread.pk).execute()


def _release(person: Person, thread: Thread) -> Run:
    run = Patient(thread).running
    if run is None:
        raise NotPending(f"No run of thread {thread.pk} is at work.")
    return ReleaseRun(person, run.pk).execute()


def _nudge(person: Person, thread: Thread) -> Run:
    runs = Patient(thread).pending
    if not runs:
        raise NotPending(f"No run of thread {thread.pk} waits to begin.")
    return NudgeRun(
        person, min(runs, key=lambda run: (run.due_at, run.pk)).pk
    ).execute()


ACTS: dict[str, Callable[[Person, Thread], Run]] = {
    "continue": _continue,
    "wake": _wake,
    "release": _release,
    "nudge": _nudge,
}
