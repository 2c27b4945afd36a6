"""Begin a new thread with the history of another one up to a step of it (RB.14)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine.children import check_thread_id
from workflows.engine.kinds import refused
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.access import (
    Person,
    Rights,
    find_thread,
    name_of,
    require,
    row_of,
)
from workflows.services.action import NotPending
from workflows.services.binding import bound
from workflows.services.desk import audit
from workflows.services.queueing import lock_known_thread, lock_thread, queue_run
from workflows.services.state import read_state
from workflows.services.step import goes_on, known_step
from workflows.storage import sealing, threads
from workflows.storage.events import append_events
from workflows.storage.labels import Step, find_step
from workflows.storage.saver import DjangoSaver

_CALLER = "fork_thread()"


@dataclass(frozen=True)
class Forked:
    """The new thread; `run_id` is None where nothing was left to do after the step."""

    thread_id: str
    run_id: int | None


@dataclass(frozen=True)
class ForkThread:
    """`person` begins a new thread after the step of `thread_id` whose checkpoint it is; what was due there runs anew."""

    person: Person
    thread_id: str
    checkpoint: str

    def check(self) -> Step:
        """The step, where this person may go on from it and something is due after it."""
        thread = find_thread(self.person, self.thread_id)
        require(
            Rights(self.person).can_operate(thread.graph),
            "You may see this thread but not begin another one with its history: operators do.",
        )
        step = known_step(thread, self.checkpoint)
        if not due_after(thread, self.checkpoint):
            raise NotPending(
                f"Nothing was left to do after this step of thread {thread.pk}; choose an earlier one."
            )
        return step

    def execute(self) -> Forked:
        """Copy the history and queue the run that goes on from it."""
        with transaction.atomic():
            thread = lock_thread(find_thread(self.person, self.thread_id).pk)
            step = self.check()
            return _Fork(thread, step, str(uuid.uuid4()), self.person).make()


def fork_thread(
    thread_id: str,
    *,
    checkpoint_id: str | None = None,
    values: Mapping[str, Any] | None = None,
    new_thread_id: str | None = None,
) -> Forked:
    """Begin a new thread with the history of another one up to a step, in the name of the system (RB.14).

    `checkpoint_id` is the step's, one of the thread itself; None means its newest one. What was due after it runs anew
    on the new thread: finished tasks of that step run again, and questions are asked again. The other thread stays as
    it is, whatever it is doing. `values` are put into the state first, as `update_state` does without `as_node`.
    Attributes, labels and signals that nobody has taken are those the other thread has now.

    Raises LookupError for a thread or a step that does not exist, ValueError where `new_thread_id` is taken,
    UnknownGraphError for a workflow that is not registered here, and what `update_state` raises; nothing is written then.
    """
    check_thread_id(thread_id, _CALLER)
    if new_thread_id is not None:
        check_thread_id(new_thread_id, _CALLER)
    target = new_thread_id or str(uuid.uuid4())
    with transaction.atomic():
        thread = lock_known_thread(thread_id)
        if thread is None:
            raise LookupError(
                f"{_CALLER}: there is no thread {thread_id!r}; nothing was written"
            )
        if new_thread_id is not None and Thread.objects.filter(pk=target).exists():
            wanted = "the id of a thread that does not exist yet"
            raise refused(_CALLER, "new_thread_id", target, wanted, ValueError)
        registry.get(thread.graph)
        wanted_step = thread.head if checkpoint_id is None else checkpoint_id
        return _Fork(thread, _step_of(thread, wanted_step), target, None).make(values)


def due_after(thread: Thread, checkpoint: str) -> bool:
    """Whether the thread had anything left to do after the step of this checkpoint."""
    return goes_on(read_state(thread, Rights(None), checkpoint))


def _step_of(thread: Thread, checkpoint: str) -> Step:
    found = find_step(thread.pk, checkpoint) if checkpoint else None
    if found is None:
        raise LookupError(
            f"{_CALLER}: thread {thread.pk!r} has no checkpoint {checkpoint!r} of its own; nothing was written"
            if checkpoint
            else f"{_CALLER}: thread {thread.pk!r} has no history yet; nothing was written"
        )
    return found


@dataclass(frozen=True)
class _Fork:
    thread: Thread
    """Its row is locked."""
    step: Step
    target: str
    person: Person | None

    def make(self, values: Mapping[str, Any] | None = None) -> Forked:
        thread, step = self.thread, self.step
        threads.fork_thread(
            DEFAULT_DB_ALIAS,
            thread.pk,
            self.target,
            step.checkpoint,
            sealing.vault(),
        )
        Thread.objects.filter(pk=self.target).update(created_by=row_of(self.person))
        new = lock_thread(self.target)
        told = {"step": step.step, "checkpoint": step.checkpoint}
        told["by"] = name_of(self.person)
        here = ("fork", {"thread": thread.pk, **told})
        there = ("fork", {"thread": new.pk, "is_source": True, **told})
        append_events(DEFAULT_DB_ALIAS, thread.pk, None, [there])
        if values is not None:
            self._put(values)
        run = None
        if due_after(new, ""):
            run = queue_run(new, Run.Kind.CONTINUE, "", self.person, events=[here])
        else:
            append_events(DEFAULT_DB_ALIAS, new.pk, None, [here])
        audit.record(
            self.person,
            "thread.forked",
            graph=thread.graph,
            thread=new.pk,
            subject=f"thread {new.pk}"[:60],
            data={"from": thread.pk, **told},
        )
        return Forked(new.pk, None if run is None else run.pk)

    def _put(self, values: Mapping[str, Any]) -> None:
        saver = DjangoSaver(graph=self.thread.graph, kind=Run.Kind.EDIT)
        graph = bound(registry.get(self.thread.graph).graph, saver)
        config = {"configurable": {"thread_id": self.target}}
        graph.update_state(config, dict(values))
