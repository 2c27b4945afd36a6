"""Where the checkpoints of a graph below lie: names of nodes and ids of tasks, as text (R7.3)."""

from __future__ import annotations

from workflows.engine.constants import NS_END, NS_SEP


def without_ids(namespace: str) -> str:
    """The namespace of a graph that keeps its state: it belongs to the thread, so no task's id is in it."""
    if NS_END not in namespace:
        return namespace
    return NS_SEP.join(part.split(NS_END)[0] for part in namespace.split(NS_SEP))
