"""Which checkpoints of a graph that keeps its state belong to the branch that its thread is on.

A fork leaves behind what came after the checkpoint that it is made of. In the thread's own
history the parents tell that; a subgraph that keeps its state has a history of its own, where what
was left behind looks newest. So a fork notes the ids between which nothing counts any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.errors import CheckpointNotFoundError
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.run import Run


def newest(run: Run, head: CheckpointTuple) -> Steps[CheckpointTuple | None]:
    """The newest checkpoint in the run's namespace that was not left behind, or None; `head` is the newest of all."""
    thread_id = run.thread_id or ""
    here = checkpoint_config(thread_id, run.namespace)
    found: CheckpointTuple | None = head
    while found is not None:
        id = found.checkpoint["id"]
        begin = next((begin for begin, end in run.cuts if begin < id < end), None)
        if begin is None:
            return found
        before = checkpoint_config(thread_id, run.namespace, begin)
        older = yield from effects.listing(here, before=before, limit=1)
        found = older[0] if older else None
    return None


def parents_of(run: Run) -> Steps[Mapping[str, Any]]:
    """The checkpoints around the one below that the caller has named, by namespace; "" is the thread's own.

    Raises CheckpointNotFoundError.
    """
    ((namespace, id),) = run.inside.items()
    saved = yield from _named(run, namespace, id)
    parents: Mapping[str, Any] = (saved.metadata or {}).get("parents") or {}
    return parents


def begins_at(
    run: Run, newest: CheckpointTuple | None
) -> Steps[CheckpointTuple | None]:
    """The checkpoint from which this graph goes on in a fork that has named it; None where it has since, or none is named."""
    fork, id = run.places.get("", ""), run.places.get(run.namespace)
    if id is None or fork != run.parents.get(""):
        return None
    if newest is not None and newest.checkpoint["id"] > fork:
        return None
    return (yield from _named(run, run.namespace, id))


def waits_in_fork(run: Run) -> Steps[bool]:
    """Say whether the thread stands at a replay of the one below that the caller has named, where nothing has ended yet."""
    ((namespace, id),) = run.inside.items()
    thread_id = run.thread_id or ""
    saved: CheckpointTuple | None
    saved = yield from effects.load(checkpoint_config(thread_id, namespace))
    head: CheckpointTuple | None = yield from effects.load(checkpoint_config(thread_id))
    if saved is None or head is None:
        return False
    metadata, before = saved.metadata or {}, saved.parent_config or {}
    return (
        metadata.get("source") == "fork"
        and before.get("configurable", {}).get("checkpoint_id") == id
        and (metadata.get("parents") or {}).get("") == head.checkpoint["id"]
    )


def check_answers_newest(run: Run) -> Steps[None]:
    """Refuse an answer at a checkpoint of a graph below that has gone on since: ValueError."""
    thread_id = run.thread_id or ""
    for namespace, id in run.inside.items():
        head = yield from effects.load(checkpoint_config(thread_id, namespace))
        if head is None or head.checkpoint["id"] != id:
            raise ValueError(
                f"thread {thread_id!r}: the graph in namespace {namespace!r} has gone on since "
                f"checkpoint {id}, so nothing can be answered there. To answer again what it asked, "
                "fork there with invoke(None, config) and answer on the thread; to answer what "
                "waits now, leave out checkpoint_ns and checkpoint_id"
            )


def _named(run: Run, namespace: str, id: str) -> Steps[CheckpointTuple]:
    thread_id = run.thread_id or ""
    saved: CheckpointTuple | None
    saved = yield from effects.load(checkpoint_config(thread_id, namespace, id))
    if saved is None:
        raise CheckpointNotFoundError(thread_id, id)
    return saved
