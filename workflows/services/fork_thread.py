"""Begin a new thread with the history of another one up to a step of it (RB.14)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine.children import check_thread_id
from workflows.engine.kinds import refused
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.access import (
    Person,
    Rights,
    by_of,
    find_thread,
    require,
    row_of,
)
from workflows.services.action import NotPending
from workflows.services.after_task import find_call
from workflows.services.binding import bound
from workflows.services.desk import audit
from workflows.services.edit_state import check_reason, edit_refusals
from workflows.services.editing import as_written
from workflows.services.lines import place_of
from workflows.services.preview_edit import refuse_faults
from workflows.services.queueing import lock_known_thread, lock_thread, queue_run
from workflows.services.resume_run import check_channels
from workflows.services.state import read_state
from workflows.services.step import goes_on, known_step
from workflows.storage import sealing, threads
from workflows.storage.bodies import StateGoneOn
from workflows.storage.events import append_events
from workflows.storage.labels import Step, find_step
from workflows.storage.saver import DjangoSaver
from workflows.storage.threads import Record

_CALLER = "fork_thread()"


@dataclass(frozen=True)
class Forked:
    """The new thread; `run_id` is None where nothing was left to do after the step."""

    thread_id: str
    run_id: int | None


@dataclass(frozen=True)
class ForkThread:
    """`person` begins a new thread after the step of `thread_id` whose checkpoint it is; what was due there runs anew.

    `values` take the place of what is in their channels there, for the `reason` that is given with them.
    """

    person: Person
    thread_id: str
    checkpoint: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

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
        if self.values:
            rights = Rights(self.person)
            check_channels(thread.graph, self.values, rights)
            check_reason(self.reason)
        return step

    def execute(self) -> Forked:
        """Copy the history and queue the run that goes on from it."""
        with transaction.atomic():
            thread = lock_thread(find_thread(self.person, self.thread_id).pk)
            step = self.check()
            fork = Fork(
                thread, step, str(uuid.uuid4()), self.person, reason=self.reason
            )
            if not self.values:
                return fork.make()
            return fork.make(as_written(thread.graph, self.values, {}))


def fork_thread(
    thread_id: str,
    *,
    checkpoint_id: str | None = None,
    after_task: str | None = None,
    values: Mapping[str, Any] | None = None,
    new_thread_id: str | None = None,
) -> Forked:
    """Begin a new thread with the history of another one up to a step, in the name of the system (RB.14).

    `checkpoint_id` is the step's, one of the thread itself; None means its newest one. What was due after it runs anew
    on the new thread: finished tasks of that step run again, and questions are asked again. The other thread stays as
    it is, whatever it is doing. `values` are put into the state first, as `update_state` does without `as_node`.
    Attributes, labels and signals that nobody has taken are those the other thread has now.

    `after_task` is a call of a `@task` that has ended: "price", "price#2" for the second one of its body, "order/price#2" where
    that is not clear, with the node or the task in which it was made. The body that made it begins again, and so do those
    around it, with their calls up to that one as they are on record; all that came later in them runs anew. What other nodes of the
    step have on record stands. `checkpoint_id` is then the one at which that body was due, None the newest with such a call.
    What later calls did outside stays done, and nobody undoes it but the other thread.

    Raises LookupError for a thread, a step or a call that does not exist, ValueError where `new_thread_id` is taken, where
    `after_task` may mean several calls or one that cannot be the last to stand, and where it is given with `values`;
    UnknownGraphError for a workflow that is not registered here, and what `update_state` raises; nothing is written then.
    """
    if after_task is not None and values is not None:
        raise ValueError(
            f"{_CALLER}: values and after_task do not go together: with other values the body begins anew, without "
            "what it has on record; give one of them"
        )
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
        record: Record = None
        if after_task is not None:
            place = find_call(thread, after_task, checkpoint_id)
            wanted_step, record = place.checkpoint, place.cut
        step = step_at(thread, wanted_step)
        fork = Fork(thread, step, target, None, record, after_task or "")
        return fork.make(values)


def due_after(thread: Thread, checkpoint: str) -> bool:
    """Whether the thread had anything left to do after the step of this checkpoint."""
    return goes_on(read_state(thread, Rights(None), checkpoint))


def step_at(thread: Thread, checkpoint: str) -> Step:
    """The step of a checkpoint of the thread itself; raises LookupError."""
    found = find_step(thread.pk, checkpoint) if checkpoint else None
    if found is None:
        raise LookupError(
            f"{_CALLER}: thread {thread.pk!r} has no checkpoint {checkpoint!r} of its own; nothing was written"
            if checkpoint
            else f"{_CALLER}: thread {thread.pk!r} has no history yet; nothing was written"
        )
    return found


@dataclass(frozen=True)
class Fork:
    """A new thread that is made, within a transaction that holds the other one's row."""

    thread: Thread
    step: Step
    target: str
    person: Person | None
    record: Record = None
    """What the tasks that were due at the step have on record and keep."""
    after: str = ""
    """The name of the call after which it begins."""
    reason: str = ""
    """Why a person puts other values in."""

    def make(self, values: Mapping[str, Any] | None = None) -> Forked:
        """Copy the history, put `values` in, queue the run that goes on, and tell of it."""
        thread, step = self.thread, self.step
        self._copy()
        Thread.objects.filter(pk=self.target).update(created_by=row_of(self.person))
        new = lock_thread(self.target)
        told = {"step": step.step, "checkpoint": step.checkpoint}
        told["by"] = by_of(self.person)
        if self.after:
            told["after"] = self.after
        here = ("fork", {"thread": thread.pk, **told})
        there = ("fork", {"thread": new.pk, "is_source": True, **told})
        append_events(DEFAULT_DB_ALIAS, thread.pk, None, [there])
        edited: dict[str, Any] = {}
        if values is not None:
            self._put(values)
            if self.person is not None:
                edited = self._tell_edit(new, values)
        run = None
        if due_after(new, ""):
            run = queue_run(
                new,
                Run.Kind.CONTINUE,
                "",
                self.person,
                events=[here],
                place=place_of(thread.pk),
            )
        else:
            append_events(DEFAULT_DB_ALIAS, new.pk, None, [here])
        audit.record(
            self.person,
            "thread.forked",
            graph=thread.graph,
            thread=new.pk,
            subject=f"thread {new.pk}",
            data={"from": thread.pk, **told, **edited},
        )
        return Forked(new.pk, None if run is None else run.pk)

    def _copy(self) -> None:
        try:
            threads.fork_thread(
                DEFAULT_DB_ALIAS,
                self.thread.pk,
                self.target,
                self.step.checkpoint,
                sealing.vault(),
                self.record,
            )
        except StateGoneOn as refusal:
            raise ValueError(
                f"{_CALLER}: in step {self.step.step} of thread {self.thread.pk!r} the graph {str(refusal)!r}, which keeps "
                "its state, has gone on, and where it stood after the call is not on record; leave after_task out"
            ) from None

    def _put(self, values: Mapping[str, Any]) -> None:
        saver = DjangoSaver(graph=self.thread.graph, kind=Run.Kind.EDIT)
        graph = bound(registry.get(self.thread.graph).graph, saver)
        config = {"configurable": {"thread_id": self.target}}
        if self.person is None:
            graph.update_state(config, dict(values))
            return
        refuse_faults(Thread.objects.get(pk=self.target), values)
        with edit_refusals():
            graph.update_state(config, dict(values))

    def _tell_edit(self, new: Thread, values: Mapping[str, Any]) -> dict[str, Any]:
        """Say who has edited the state; what the audit tells of it."""
        run = Run.objects.filter(thread=new, kind=Run.Kind.EDIT).latest("id")
        run.created_by = row_of(self.person)
        run.save(update_fields=["created_by"])
        edited = {"channels": sorted(values), "reason": self.reason}
        head = Thread.objects.values_list("head", flat=True).get(pk=new.pk)
        told = {"by": by_of(self.person), "checkpoint": head, **edited}
        append_events(DEFAULT_DB_ALIAS, new.pk, run.pk, [("edit", told)])
        return edited
