"""What follows from the end of a thread: for those that wait for it, and for its children (RB.5).

Both are looked up after the commit that ends the work, one thread at a time; what a process that dies
there leaves undone, a look at all of them makes up for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef

from workflows.engine.waits import ChildEnded
from workflows.models import Awaited, Child, Run, Thread
from workflows.models.run import BESIDE
from workflows.services import registry
from workflows.services.afterwards import after_commit
from workflows.services.binding import bound
from workflows.services.sleepers import make_due
from workflows.storage.children import (
    going_on,
    has_ended,
    threads_not_told_of_ends,
    threads_waiting_for_end,
)
from workflows.storage.connections import connection_of, execute
from workflows.storage.saver import DjangoSaver

Cancel = Callable[..., list[int]]
"""`cancel_thread` of `cancel_run.py`, which calls this module."""

NOTHING_SLEEPS = "nothing_sleeps"
"""The reason of a run that found nothing to wake: it says nothing of how its thread has ended."""
CHILDREN = "children"
"""The reason of a run that has ended its work, on a thread that waits for its children."""

_CONCERNS = """
SELECT 1 FROM workflows_awaited WHERE kind = 'child' AND topic = %s
UNION ALL SELECT 1 FROM workflows_child WHERE thread_id = %s AND NOT settled LIMIT 1"""

_TO_WAIT_FOR = """
SELECT place, child_id FROM workflows_child
WHERE thread_id = %s AND NOT settled AND on_parent_end = 'wait'"""


def note_end(thread_id: str, cancel: Cancel) -> None:
    """See to those whom it concerns that work of the thread has ended, once the transaction has committed."""
    after_commit(after_end, thread_id, cancel)


def after_end(thread_id: str, cancel: Cancel) -> None:
    """Make the threads due that wait for the end of this one, and end its children; nothing while it goes on."""
    wrapper = connection_of(DEFAULT_DB_ALIAS)
    concerned = execute(wrapper, _CONCERNS, (thread_id, thread_id)).fetchone()
    if concerned is None or not has_ended(DEFAULT_DB_ALIAS, thread_id):
        return
    make_due(threads_waiting_for_end(DEFAULT_DB_ALIAS, thread_id))
    settle_children(thread_id, cancel)


def look_at_ends(cancel: Cancel) -> int:
    """The same for all threads whose end nobody has seen to; returns how many were made due or had children."""
    waiting = threads_not_told_of_ends(DEFAULT_DB_ALIAS)
    make_due(waiting, with_runs=False)
    parents = _parents_that_ended()
    for parent in parents:
        settle_children(parent, cancel)
    return len(waiting) + len(parents)


def _parents_that_ended() -> list[str]:
    parent = Thread.objects.filter(pk=OuterRef("thread_id"))
    failed = parent.filter(status=Thread.Status.ERROR)
    rows = Child.objects.filter(
        ~Exists(going_on(parent)), ~Exists(failed), settled=False
    )
    return sorted(set(rows.values_list("thread_id", flat=True)))


def settle_children(thread_id: str, cancel: Cancel) -> None:
    """Cancel those children of a thread that has ended that are not to outlive it; one that failed has not ended."""
    rows = Child.objects.filter(thread_id=thread_id, settled=False)
    found = list(rows.order_by("id"))
    if not found:
        return
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is not None and thread.status != Thread.Status.IDLE:
        return
    last = None if thread is None else _last_run(thread_id)
    is_cancelled = last is None or last.status == Run.Status.CANCELLED
    for row in found:
        cancels = row.on_parent_end == Child.AtEnd.CANCEL
        if cancels or (is_cancelled and row.on_parent_end == Child.AtEnd.WAIT):
            cancel(row.child_id, reason=f"Thread {thread_id}, which started it, ended.")
    rows.filter(pk__in=[row.pk for row in found]).update(settled=True)


def wait_for_children(thread_id: str) -> bool:
    """Let a thread wait for the children that its end is to wait for; whether there are any that have not ended.

    Called in the transaction that ends the thread's work, with its row held.
    """
    left = [
        (place, child)
        for place, child in children_to_wait_for(thread_id)
        if not has_ended(DEFAULT_DB_ALIAS, child)
    ]
    for place, child in left:
        Awaited.objects.update_or_create(
            thread_id=thread_id,
            wait=place,
            defaults={"kind": "child", "topic": child},
        )
    return bool(left)


def children_to_wait_for(thread_id: str) -> list[tuple[str, str]]:
    """Places and ids of the children that the end of the thread was to wait for, ended ones too.

    Every run asks at its end, so not through the ORM.
    """
    wrapper = connection_of(DEFAULT_DB_ALIAS)
    found = execute(wrapper, _TO_WAIT_FOR, (thread_id,)).fetchall()
    return [(place, child) for place, child in found]


def _last_run(thread_id: str) -> Run | None:
    """The run with which the thread has ended; None for one that never had any."""
    runs = Run.objects.filter(thread_id=thread_id).exclude(kind__in=BESIDE)
    return runs.exclude(reason=NOTHING_SLEEPS).order_by("-id").first()


def ending_of(using: str, thread_id: str) -> ChildEnded | None:
    """How the thread has ended, as the tasks get it that wait for that; None while it goes on.

    Raises UnknownGraphError where its workflow is not registered here.
    """
    if not has_ended(using, thread_id):
        return None
    thread = Thread.objects.using(using).filter(pk=thread_id).first()
    if thread is None:
        return ChildEnded(error="there is no such thread")
    last = _last_run(thread_id)
    if last is None or last.status == Run.Status.SUCCESS:
        return ChildEnded(_returned(using, thread))
    if last.status == Run.Status.CANCELLED:
        why = f": {last.cancel_reason}" if last.cancel_reason else ""
        return ChildEnded(error=f"it was cancelled{why}")
    return ChildEnded(error=last.error or f"its run ended with status {last.status}")


def _returned(using: str, thread: Thread) -> Any:
    graph = bound(registry.get(thread.graph).graph, DjangoSaver(using))
    state = graph.get_state({"configurable": {"thread_id": thread.pk}})
    keys = graph.program.output_keys
    if keys == graph.program.stream_keys or not isinstance(state.values, dict):
        return state.values
    if isinstance(keys, str):
        return state.values.get(keys)
    return {key: state.values[key] for key in keys if key in state.values}


def forget_children() -> int:
    """Forget whom threads have started that are gone, where nothing is to be seen to any more; how many rows."""
    gone = Child.objects.filter(settled=True).exclude(
        Exists(Thread.objects.filter(pk=OuterRef("thread_id")))
    )
    rows, _ = gone.delete()
    return rows
