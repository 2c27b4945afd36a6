"""Threads that a task starts: workflows of their own, with a history, a worker and a page each (RB.5)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine.children import check_thread_id, result_of
from workflows.engine.drivers.threads import off_the_loop
from workflows.engine.kinds import refused
from workflows.engine.serde import register_type
from workflows.engine.waiting import Spot, next_spot
from workflows.engine.waits import RAISE
from workflows.models import Child as ChildRow
from workflows.services import registry
from workflows.services.cancel_run import cancel_thread
from workflows.services.queueing import hold_run, hold_thread
from workflows.services.queues import Queue, named
from workflows.services.start_run import Started, start_thread
from workflows.storage.connections import of_storage
from workflows.storage.events import append_events
from workflows.storage.saver import DjangoSaver

_CALLER = "start_child()"
AT_END = tuple(ChildRow.AtEnd.values)


@dataclass(frozen=True)
class Child:
    """A thread that a task has started, or any other one by its id: `Child("order-7")`.

    A state may hold it, and any task may ask it for its result.
    """

    thread_id: str

    def result(
        self, timeout: float | timedelta | None = None, default: Any = RAISE
    ) -> Any:
        """Wait until the thread has ended; returns what its workflow returned.

        The run ends as "waiting", nothing is held meanwhile, and the task goes on from its beginning, as after a
        question. A thread has ended when nothing is at work, due or asked there. Works in nodes, `@task`s and
        entrypoints, also in coroutines; the result stays what it was when the body runs again.

        Raises ChildFailed where the thread has failed or was cancelled, or does not exist. After `timeout` (seconds,
        or a timedelta; the instant is fixed when the task first comes here) it returns `default`, or raises
        WaitTimeout where none is given; the thread works on. RuntimeError outside a graph and without a checkpointer.
        """
        return result_of(self.thread_id, timeout, default)

    def cancel(self, reason: str = "") -> bool:
        """Cancel what the thread does, after its present step; False where nothing was to be cancelled."""
        ended = off_the_loop(partial(cancel_thread, self.thread_id, reason=reason))
        return bool(ended)


register_type("durableweb:Child", Child)


def start_child(
    graph: Any,
    input: Any,
    *,
    thread_id: str | None = None,
    title: str = "",
    on_parent_end: str = "cancel",
    queue: str | Queue | None = None,
) -> Child:
    """Start a registered workflow on a thread of its own, from a node, a `@task` or an entrypoint (RB.5).

    `graph` is the name of the workflow, or what was registered. The call starts it once, however often its body
    runs: after a crash or an answer it gives the same child again. Without a `thread_id` the child's is made of the
    call's place, so a fork or an edit that lets the body begin anew starts another child.

    `queue` is where it waits for a slot (RB.9); left out, that of its registration, and "" for none.

    `on_parent_end` says what becomes of a child that has not ended when this thread has: "cancel" it, "leave" it
    alone, or "wait", so that this thread has ended only when the child has. A thread that failed has not
    ended: it can be continued. Whoever cancels it cancels its children, save those to be left.

    Raises RuntimeError outside a graph and where the thread is not kept in this site's database, UnknownGraphError
    for a workflow that is not registered here, UnknownQueueError for a queue that is not declared, InvalidAnswer for what does not fit, ThreadBusy where the thread
    `thread_id` has work, ValueError for another word in `on_parent_end`.
    """
    name = _name_of(graph)
    if on_parent_end not in AT_END:
        wanted = "'cancel', 'wait' or 'leave'"
        raise refused(_CALLER, "on_parent_end", on_parent_end, wanted, ValueError)
    if thread_id is not None:
        check_thread_id(thread_id, _CALLER)
    spot = next_spot(f"child:{name}", _CALLER)
    child = thread_id or str(uuid.UUID(hex=spot.id))
    run = spot.context.run
    if run.rehearsal is not None:
        return Child(child)
    if not isinstance(run.saver, DjangoSaver):
        raise RuntimeError(
            f"{spot.context.task.name!r} starts a child of thread {run.thread_id!r}, which is not kept in the "
            "database of this site: nobody would know that it was started; let workers carry the thread out, "
            "or compile the graph with checkpointer=DjangoSaver()"
        )
    start = _Start(name, child, on_parent_end, title, named(queue, _CALLER))
    return Child(off_the_loop(start.once, spot, input))


@dataclass(frozen=True)
class _Start:
    graph: str
    child: str
    on_parent_end: str
    title: str
    queue: str | None

    def once(self, spot: Spot, input: Any) -> str:
        """Start it, where this call has not; the id of the child."""
        with of_storage(DEFAULT_DB_ALIAS):
            return self._once(spot, input)

    def _once(self, spot: Spot, input: Any) -> str:
        run = spot.context.run
        claim = run.saver.claim
        parent: str = run.thread_id
        started = _started_before(run.saver, parent).get(spot.id)
        if started is not None:
            return started
        rows = ChildRow.objects.filter(thread_id=parent, place=spot.id)
        with transaction.atomic():
            for thread_id in sorted({parent, self.child}):
                hold_thread(thread_id)  # in one order, should they start each other
            known = rows.values_list("child_id", flat=True).first()
            if known is not None:
                return known
            if claim is not None:
                hold_run(claim)
            self._start(spot, input)
            ChildRow.objects.create(
                thread_id=parent,
                place=spot.id,
                child_id=self.child,
                on_parent_end=self.on_parent_end,
            )
            told = {"thread": self.child, "graph": self.graph}
            told["node"] = spot.context.task.name
            run_id = None if claim is None else claim.run_id
            append_events(DEFAULT_DB_ALIAS, parent, run_id, [("child", told)])
        return self.child

    def _start(self, spot: Spot, input: Any) -> Started:
        # A copy of the parent has the same places: it shares the child.
        return start_thread(
            self.graph,
            input,
            thread_id=self.child,
            title=self.title,
            idempotency_key=f"child {spot.id}",
            queue=self.queue,
        )


_of_runs: WeakKeyDictionary[DjangoSaver, dict[str, str]] = WeakKeyDictionary()


def _started_before(saver: DjangoSaver, thread_id: str) -> dict[str, str]:
    """The children that the thread had when its present run first asked, by the places of the calls.

    A body begins again with each child that it waited for: it need not ask for each of the others again.
    """
    if saver.claim is None:
        return {}
    known = _of_runs.get(saver)
    if known is None:
        rows = ChildRow.objects.filter(thread_id=thread_id)
        known = _of_runs[saver] = dict(rows.values_list("place", "child_id"))
    return known


def _name_of(graph: Any) -> str:
    if isinstance(graph, str):
        return registry.get(graph).name
    name = registry.name_of(graph)
    if name is not None:
        return name
    wanted = "the name of a registered workflow, or what was given to register()"
    raise refused(_CALLER, "graph", graph, wanted)
