"""Let a run that stands in line begin outside its queue, or in another one (RB.9)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from workflows.models import Run
from workflows.services import queues
from workflows.services.access import Person, Rights, find_run, require
from workflows.services.action import InvalidAnswer, NotPending
from workflows.services.in_line import queues_seen
from workflows.services.queueing import HELD, lock_thread, wake

NONE = ""
"""In place of a queue: the run begins as soon as a worker has a hand free."""


@dataclass(frozen=True)
class MoveRun:
    """The run keeps its priority and since when it waits; what goes on with it later stands in the new place too."""

    person: Person
    run_id: int
    queue: str

    def check(self) -> Run:
        """The run, where this person may operate it, it has not begun, and it could stand there."""
        run = find_run(self.person, self.run_id)
        require(
            Rights(self.person).can_operate(run.thread.graph),
            "You may see this run but not move it.",
        )
        if run.status != Run.Status.PENDING:
            raise NotPending(f"Run {run.pk} does not wait to begin: {run.status}.")
        if not run.queue:
            raise NotPending(f"Run {run.pk} stands in no queue.")
        offered = places(run, Rights(self.person))
        if self.queue not in offered:
            wanted = ", ".join(map(repr, offered))
            raise InvalidAnswer({"choice": f"is one of {wanted}, not {self.queue!r}"})
        return run

    def execute(self) -> Run:
        """Move it, and wake a worker for it where it is due."""
        with transaction.atomic():
            lock_thread(self.check().thread_id)
            run = self.check()
            run.queue, run.partition = self.queue, ""
            changed = ["queue", "partition"]
            if not self.queue:
                run.queued_at = None
                changed.append("queued_at")
            run.save(update_fields=changed)
            if run.due_at != HELD:
                wake(run.pk, run.due_at, run.priority)
        return run


def places(run: Run, rights: Rights) -> list[str]:
    """Where a run that stands in line could stand instead: in no queue, or in another one that the person may know of.

    A queue with partitions is none of them: the input, by which it would be parted, may be another by now.
    """
    others = [name for name in queues_seen(rights) if name != run.queue]
    return [NONE, *(n for n in others if queues.get(n).partition_by is None)]
