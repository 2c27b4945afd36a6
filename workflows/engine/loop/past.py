"""Which static breakpoints a graph below has gone past, where an edit above has it begin anew.

What an edit carries over is asked again at once (R6.10 e), so on the way to it a graph below is not
held a second time where it was let go on. Where it stood, and nobody had let it go on, it is held.
"""

from __future__ import annotations

from collections.abc import Sequence

from workflows.engine.checkpoint.base import CheckpointTuple
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.resume import tasks_above
from workflows.engine.loop.run import Run

Stop = tuple[str, int, str]
"""Before or after, how many steps from the input, and the node."""


def gone_past(run: Run) -> Steps[frozenset[Stop]]:
    """The places at which the calls of this graph were that this one is made in place of."""
    has_breakpoints = run.before or run.after
    if run.saver is None or not has_breakpoints or not _asks_again(run):
        return frozenset()
    thread = {"configurable": {"thread_id": run.thread_id or ""}}
    found: list[CheckpointTuple]
    found = yield from effects.listing(thread, {"origin": run.origin})
    earlier: dict[str, list[CheckpointTuple]] = {}
    for saved in found:
        namespace = str(saved.config["configurable"].get("checkpoint_ns") or "")
        if namespace != run.namespace:
            earlier.setdefault(namespace, []).append(saved)
    return frozenset(stop for those in earlier.values() for stop in _stops(those))


def _asks_again(run: Run) -> bool:
    """Say whether a task above is called again for questions that an edit has carried over."""
    return any("carried" in task.due for task in tasks_above(run))


def _stops(newest_first: Sequence[CheckpointTuple]) -> list[Stop]:
    """Each place that one call was at and has left: its next step has begun."""
    found: list[Stop] = []
    for number, saved in enumerate(newest_first):
        if not number and not saved.pending_writes:
            continue  # it stands there
        metadata = saved.metadata
        step = int(metadata["step"]) - int(metadata.get("began", -1))
        found += [("before", step, item["node"]) for item in saved.checkpoint["due"]]
        found += [("after", step, name) for name in metadata.get("wrote") or ()]
    return found
