"""Change the state of a thread without answering its questions.

The edit, its run row, its events and its audit entry are one transaction. Open questions
stay, in a new version, and are asked again at once by a run that goes on from the edited state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F

from workflows.engine.errors import InvalidUpdateError, SerdeError, WorkflowError
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.access import Person, Rights, by_of, find_thread, row_of
from workflows.services.action import (
    InvalidAnswer,
    NotPending,
    StaleCheckpoint,
    ThreadBusy,
)
from workflows.services.binding import bound
from workflows.services.desk import audit
from workflows.services.editing import as_written, check_editor
from workflows.services.preview_edit import refuse_faults
from workflows.services.queueing import has_unfinished_run, lock_thread, queue_run
from workflows.services.resume_run import MAX_REASON_LENGTH, check_channels
from workflows.storage.events import append_events
from workflows.storage.saver import DjangoSaver


@dataclass(frozen=True)
class EditState:
    """New `values` for channels of a thread, made on the `checkpoint` that was shown.

    They take the place of what is there; `updates` go through the reducers of their channels.
    `question` is the one from whose page a reviewer came.
    """

    person: Person
    thread_id: str
    values: Mapping[str, Any]
    checkpoint: str
    reason: str = ""
    updates: Mapping[str, Any] = field(default_factory=dict)
    question: int = 0

    def check(self) -> Thread:
        """The thread, where this person may edit it and it is as they saw it."""
        thread = find_thread(self.person, self.thread_id)
        check_editor(self.person, thread, self.question)
        edited = {**self.values, **self.updates}
        if not edited:
            raise InvalidAnswer({"": "an edit names at least one channel"})
        check_reason(self.reason)
        check_channels(thread.graph, edited, Rights(self.person))
        if not thread.head:
            raise NotPending(f"Thread {thread.pk} has no state yet.")
        if thread.head != self.checkpoint:
            raise StaleCheckpoint(
                f"The state of thread {thread.pk} has changed since it was shown; "
                "look at it again and repeat the edit.",
                head=thread.head,
            )
        if has_unfinished_run(thread.pk):
            raise ThreadBusy(f"Thread {thread.pk} has a run that has not ended.")
        return thread

    def execute(self) -> str:
        """Write the edit; returns the id of the new checkpoint."""
        with transaction.atomic():
            lock_thread(find_thread(self.person, self.thread_id).pk)
            thread = self.check()
            waited = Interrupt.objects.filter(
                thread=thread, status=Interrupt.Status.PENDING
            ).exists()
            checkpoint = self._update(thread)
            again = self._open_anew(thread)
            self._tell(thread, checkpoint, again)
            if waited:
                # Where the edit leads past its question, the thread goes on all the same.
                queue_run(lock_thread(thread.pk), Run.Kind.CONTINUE, "", self.person)
        return checkpoint

    def _update(self, thread: Thread) -> str:
        written = as_written(thread.graph, self.values, self.updates)
        refuse_faults(thread, written)
        graph = registry.get(thread.graph).graph
        saver = DjangoSaver(graph=thread.graph, kind=Run.Kind.EDIT)
        with edit_refusals():
            config = bound(graph, saver).update_state(
                {"configurable": {"thread_id": thread.pk}}, written
            )
        return str(config["configurable"]["checkpoint_id"])

    def _open_anew(self, thread: Thread) -> list[int]:
        """An open question was shown with the old state: its version moves, it is asked anew."""
        rows = Interrupt.objects.filter(thread=thread, status=Interrupt.Status.PENDING)
        numbers = list(rows.order_by("id").values_list("pk", flat=True))
        rows.update(version=F("version") + 1)
        return numbers

    def _tell(self, thread: Thread, checkpoint: str, again: list[int]) -> None:
        run = Run.objects.filter(thread=thread, kind=Run.Kind.EDIT).latest("id")
        run.created_by = row_of(self.person)
        run.save(update_fields=["created_by"])
        channels = sorted({**self.values, **self.updates})
        told = {
            "by": by_of(self.person),
            "checkpoint": checkpoint,
            "channels": channels,
            "reason": self.reason,
            **({"asked_again": again} if again else {}),
        }
        append_events(DEFAULT_DB_ALIAS, thread.pk, run.pk, [("edit", told)])
        audit.record(
            self.person,
            "state.edited",
            graph=thread.graph,
            thread=thread.pk,
            subject=f"thread {thread.pk}",
            data={
                "channels": channels,
                "reason": self.reason,
                "from": self.checkpoint,
                "to": checkpoint,
            },
        )


@contextmanager
def edit_refusals() -> Iterator[None]:
    """What the engine refuses of an edit as InvalidAnswer."""
    try:
        yield
    except SerdeError as error:
        path = getattr(error, "path", "")
        raise InvalidAnswer({path: str(error)}) from error
    except (InvalidUpdateError, WorkflowError) as error:
        raise InvalidAnswer({"": str(error)}) from error


def check_reason(reason: str) -> None:
    """Raise InvalidAnswer unless an edit says why it is made."""
    if not reason.strip():
        raise InvalidAnswer({"reason": "Say why the state is edited."})
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidAnswer({"reason": f"at most {MAX_REASON_LENGTH} characters"})
