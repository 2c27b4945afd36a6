"""Change the state of a thread without answering its questions.

The edit, its run row and its events are one transaction. Open questions stay, in a new
version, and are asked again at once by a run that goes on from the edited state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F

from workflows.engine.errors import InvalidUpdateError, SerdeError, WorkflowError
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.access import Person, find_thread, name_of, require
from workflows.services.action import (
    InvalidAnswer,
    NotPending,
    StaleCheckpoint,
    ThreadBusy,
)
from workflows.services.binding import bound
from workflows.services.desk.deciding import Decider, may_edit_state
from workflows.services.queueing import has_unfinished_run, lock_thread, queue_run
from workflows.services.resume_run import check_channels
from workflows.storage.events import append_events
from workflows.storage.saver import DjangoSaver


@dataclass(frozen=True)
class EditState:
    """New `values` for channels of a thread, made on the `checkpoint` that was shown."""

    person: Person
    thread_id: str
    values: Mapping[str, Any]
    checkpoint: str
    reason: str = ""

    def check(self) -> Thread:
        """The thread, where this person may edit it and it is as they saw it."""
        thread = find_thread(self.person, self.thread_id)
        require(
            may_edit_state(Decider(self.person), thread),
            "You may see this thread but not edit its state.",
        )
        if not self.values:
            raise InvalidAnswer({"": "an edit names at least one channel"})
        if not self.reason.strip():
            raise InvalidAnswer({"reason": "say why the state is edited"})
        check_channels(thread.graph, self.values)
        if has_unfinished_run(thread.pk):
            raise ThreadBusy(f"Thread {thread.pk} has a run that has not ended.")
        if not thread.head:
            raise NotPending(f"Thread {thread.pk} has no state yet.")
        if thread.head != self.checkpoint:
            raise StaleCheckpoint(
                f"The state of thread {thread.pk} has changed since it was shown; "
                "look at it again and repeat the edit.",
                head=thread.head,
            )
        return thread

    def execute(self) -> str:
        """Write the edit; returns the id of the new checkpoint."""
        with transaction.atomic():
            lock_thread(find_thread(self.person, self.thread_id).pk)
            thread = self.check()
            checkpoint = self._update(thread)
            run = Run.objects.filter(thread=thread, kind=Run.Kind.EDIT).last()
            told = {
                "by": name_of(self.person),
                "checkpoint": checkpoint,
                "channels": sorted(self.values),
                "reason": self.reason,
            }
            append_events(
                DEFAULT_DB_ALIAS, thread.pk, run.pk if run else None, [("edit", told)]
            )
            self._ask_again(thread)
        return checkpoint

    def _update(self, thread: Thread) -> str:
        graph = registry.get(thread.graph).graph
        saver = DjangoSaver(graph=thread.graph, kind=Run.Kind.EDIT)
        try:
            config = bound(graph, saver).update_state(
                {"configurable": {"thread_id": thread.pk}}, dict(self.values)
            )
        except SerdeError as error:
            path = getattr(error, "path", "")
            raise InvalidAnswer({path: str(error)}) from error
        except (InvalidUpdateError, WorkflowError) as error:
            raise InvalidAnswer({"": str(error)}) from error
        return str(config["configurable"]["checkpoint_id"])

    def _ask_again(self, thread: Thread) -> None:
        """An open question was shown with the old state: its version moves, it is asked anew."""
        moved = Interrupt.objects.filter(
            thread=thread, status=Interrupt.Status.PENDING
        ).update(version=F("version") + 1)
        if moved:
            queue_run(lock_thread(thread.pk), Run.Kind.CONTINUE, "", self.person)
