"""Which checkpoints of a graph that keeps its state belong to the branch that its thread is on.

A fork leaves behind what came after the checkpoint that it is made of. In the thread's own
history the parents tell that; a subgraph that keeps its state has a history of its own, where what
was left behind looks newest. So a fork notes the ids between which nothing counts any more.
"""

from __future__ import annotations

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.records import Run


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
