"""Starts that are refused while an equal one has not ended: `dedup_key` (RB.9).

A row that waits for its turn or is at work keeps others out by a constraint. What a paused one says may
be over: its thread goes on with other runs. So who starts the next looks, and takes the key from a row whose work has ended.
"""

from __future__ import annotations

from workflows.models import Run, Thread
from workflows.services.action import Duplicate
from workflows.services.queueing import UNFINISHED
from workflows.storage.children import has_ended

PAUSED = (Run.Status.INTERRUPTED, Run.Status.WAITING)


def refuse_duplicate(graph: str, key: str | None, thread: Thread | None) -> None:
    """Raise Duplicate where a run of the workflow with this key has not ended.

    `thread` is where the next is to start, its row held: what is paused there makes way.
    """
    if key is None:
        return
    found = _holder(graph, key)
    if found is None:
        return
    is_replaced = thread is not None and found.thread_id == thread.pk
    if found.status in UNFINISHED or not (is_replaced or _is_over(found)):
        raise Duplicate(
            f"A run of {graph} with the dedup_key {key!r} has not ended, on thread {found.thread_id}; "
            "start again when it has.",
            found.thread_id,
        )
    Run.objects.filter(pk=found.pk, status__in=PAUSED).update(dedup_key=None)


def _holder(graph: str, key: str) -> Run | None:
    rows = Run.objects.filter(graph=graph, dedup_key=key)
    return rows.filter(status__in=(*UNFINISHED, *PAUSED)).first()


def _is_over(paused: Run) -> bool:
    """Whether the work of a paused run has ended: that of its thread has, or was replaced by another start."""
    later = Run.objects.filter(
        thread=paused.thread_id, kind=Run.Kind.START, pk__gt=paused.pk
    )
    return has_ended("default", paused.thread_id) or later.exists()
