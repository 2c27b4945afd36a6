"""Where the checkpoints of graphs below lie: names of nodes and ids of tasks, as text (R7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workflows.engine.constants import NS_END, NS_SEP

if TYPE_CHECKING:
    from workflows.engine.loop.run import Run
    from workflows.engine.loop.tasks import Task


def namespace_of(task: Task, run: Run) -> str:
    """Where the runs that a task calls keep their checkpoints: `node:task_id`, below what called it (R7.3)."""
    above = run.namespace if task.parent is None else namespace_of(task.parent, run)
    name = f"{task.recorded_name}{NS_END}{task.id}"
    return f"{above}{NS_SEP}{name}" if above else name


def without_ids(namespace: str) -> str:
    """The namespace of a graph that keeps its state: it belongs to the thread, so no task's id is in it."""
    if NS_END not in namespace:
        return namespace
    return NS_SEP.join(part.split(NS_END)[0] for part in namespace.split(NS_SEP))


def with_map(config: Any, metadata: Mapping[str, Any] | None) -> Any:
    """The config of a checkpoint below, with those of the graphs around it; any other as it is (R7.4)."""
    named = config["configurable"] if config is not None else {}
    namespace = named.get("checkpoint_ns")
    if not namespace:
        return config
    parents = (metadata or {}).get("parents") or {}
    around = {**parents, namespace: named["checkpoint_id"]}
    return {**config, "configurable": {**named, "checkpoint_map": around}}
