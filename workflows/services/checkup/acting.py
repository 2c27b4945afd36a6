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
from workflows.services.move_run import MoveRun
from workflows.services.nudge_run import NudgeRun
from workflows.services.queueing import lock_thread
from workflows.services.release_run import ReleaseRun
from workflows.services.remind_reviewers import RemindReviewers
from workflows.services.sleepers import WakeThread

MAX_REASON = 1_000
WHY = "Say why: it stands in the audit."


@dataclass(frozen=True)
class Done:
    """What was done: to which run or question, and a sentence for whoever did it."""

    about: str
    said: str


@dataclass(frozen=True)
class Mend:
    """Do one of ACTS to a thread. `reason` is a person's words, and must not be empty; `choice` is for acts that ask one."""

    person: Person
    thread_id: str
    act: str
    reason: str
    choice: str = ""

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

    def execute(self) -> Done:
        """Do it, and note it in the audit."""
        with transaction.atomic():
            thread = lock_thread(self.check().pk)
            done = ACTS[self.act](self.person, thread, self.choice)
            data = {"reason": self.reason.strip(), "was": thread.status}
            audit.record(
                self.person,
                f"thread.{self.act}",
                graph=thread.graph,
                thread=thread.pk,
                subject=done.about,
                data=data | ({"choice": self.choice} if self.choice else {}),
            )
        return done


def _of_run(run: Run, said: str) -> Done:
    return Done(f"run {run.pk}", said)


def _continue(person: Person, thread: Thread, _: str) -> Done:
    run = ContinueRun(person, thread.pk).execute()
    return _of_run(run, f"Run {run.pk} goes on from the last finished step")


def _wake(person: Person, thread: Thread, _: str) -> Done:
    run = WakeThread(person, thread.pk).execute()
    return _of_run(run, f"Run {run.pk} ends the wait")


def _release(person: Person, thread: Thread, _: str) -> Done:
    found = Patient(thread).running
    if found is None:
        raise NotPending(f"No run of thread {thread.pk} is at work.")
    run = ReleaseRun(person, found.pk).execute()
    is_back = run.status == Run.Status.PENDING
    end = "waits for a worker again" if is_back else f"has ended: {run.status}"
    return _of_run(run, f"Run {run.pk} was taken from its worker, and {end}")


def _nudge(person: Person, thread: Thread, _: str) -> Done:
    run = NudgeRun(person, _first_pending(thread).pk).execute()
    return _of_run(run, f"The workers were told of run {run.pk} again")


def _move(person: Person, thread: Thread, queue: str) -> Done:
    run = MoveRun(person, _first_pending(thread).pk, queue).execute()
    where = f"stands in the queue {queue} now" if queue else "stands in no queue now"
    return _of_run(run, f"Run {run.pk} {where}")


def _first_pending(thread: Thread) -> Run:
    runs = Patient(thread).pending
    if not runs:
        raise NotPending(f"No run of thread {thread.pk} waits to begin.")
    return min(runs, key=lambda run: (run.due_at, run.pk))


def _remind(person: Person, thread: Thread, _: str) -> Done:
    rows = Patient(thread).questions
    if not rows:
        raise NotPending(f"No question of thread {thread.pk} waits for an answer.")
    told: dict[int, tuple[int, int]] = {}
    refused: list[NotPending] = []
    for row in rows:
        try:
            told[row.pk] = RemindReviewers(person, row.pk).execute()
        except NotPending as why:  # the others are told of all the same
            refused.append(why)
    if not told:
        raise refused[0]
    people, hooks = (sum(counts) for counts in zip(*told.values(), strict=True))
    numbers = ", ".join(f"#{number}" for number in told)
    said = f"Told again of question {numbers}: {_count(people, 'notice')}, {_count(hooks, 'webhook')}"
    return Done(f"question {numbers}", said)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


ACTS: dict[str, Callable[[Person, Thread, str], Done]] = {
    "continue": _continue,
    "wake": _wake,
    "release": _release,
    "nudge": _nudge,
    "move": _move,
    "remind": _remind,
}
