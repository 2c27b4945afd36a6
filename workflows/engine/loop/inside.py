"""Where the graphs stand that a task of a snapshot is, or has called (R7.8, RA.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from workflows.engine import ids
from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.constants import NS_END, NS_SEP, RETURN
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.namespaces import namespace_of, without_ids
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task, handled_id
from workflows.engine.loop.view import View

Read = Callable[[Run], Steps[Any]]


def inside(view: View, task: Task, read: Read | None) -> Steps[Any]:
    """The config of the graph that a task is or has called; with `read`, its snapshot.

    A node that is a graph has a config before it begins and when it has finished, if it saves anything. Of several
    calls in an unfinished task, it is the first that is not at its end, else the last. None where there is none: what
    a finished task has called is found in the history.
    """
    namespace = None
    if task.writes is None:
        namespace = yield from _waiting(view, task, or_ended=True)
    namespace = namespace or _begins_in(view, task)
    if namespace is None:
        return None
    if read is not None:
        return (yield from read(_looking(view.run, task, namespace)))
    own = namespace_of(task, view.run)
    if task.node.subgraph is not None and namespace == without_ids(own):
        namespace = own  # it keeps its state: shown with the task that asks now
    return checkpoint_config(view.run.thread_id or "", namespace)


def is_begun(view: View, tasks: Iterable[Task]) -> Steps[bool]:
    """Say whether a graph below has begun in the present step: called again, it goes on where it stands."""
    for task in tasks if view.pending else ():
        if (yield from _waiting(view, task)) is not None:
            return True
    return False


def keeps_begun(view: View, task: Task) -> Steps[bool]:
    """Say whether a graph that keeps its state has begun in the task, which is or has called it, and is not at its end."""
    found = yield from _waiting(view, task)
    return found is not None and found == without_ids(found)


def _waiting(view: View, task: Task, *, or_ended: bool = False) -> Steps[str | None]:
    """The namespace of a graph that the task is or has called and that is not at its end, or None.

    With `or_ended`, where all are at their end, that of the last.
    """
    ended = None
    may_have_called = task.id in view.pending or "origin" in task.due
    if view.is_lone or not (may_have_called or task.node.subgraph is not None):
        return None
    for caller, first in _callers(view, task):
        number = 0
        while True:
            namespace = f"{first}{NS_SEP}{number}" if number else first
            saved: CheckpointTuple | None = yield from effects.load(
                checkpoint_config(view.run.thread_id or "", namespace)
            )
            if saved is None:
                break
            metadata = saved.metadata or {}
            mine = metadata.get("task") == caller
            if not mine and caller == task.id:  # since an edit the task has another id
                mine = metadata.get("origin") == ids.task_id(task.origin, number)
            if mine and saved.checkpoint.get("due"):
                return namespace
            if mine:
                ended = namespace
            number += 1
    return ended if or_ended else None


def _begins_in(view: View, task: Task) -> str | None:
    """The namespace in which a node that is a graph will begin; None where that saves nothing."""
    graph = task.node.subgraph
    if graph is None or graph.checkpointer is False:
        return None
    own = namespace_of(task, view.run)
    return without_ids(own) if graph.checkpointer is True else own


def _callers(view: View, task: Task) -> Iterator[tuple[str, str]]:
    """Who may have called a graph, by task id, and the namespace of the first call: the task, its `@task` calls.

    A graph that keeps its state lies where no task's id is in the name.
    """
    for caller, own in _places(view, task):
        yield caller, own
        yield caller, without_ids(own)


def _places(view: View, task: Task) -> Iterator[tuple[str, str]]:
    own = namespace_of(task, view.run)
    yield task.id, own
    yield from _calls(view, task.id, own)
    handler = task.node.handler
    if handler is not None:
        above = view.run.namespace
        own = f"{above}{NS_SEP}" if above else ""
        own += f"{handler.name}{NS_END}{task.id}"
        yield task.id, own
        yield from _calls(view, handled_id(task.id), own)


def _calls(view: View, task_id: str, above: str) -> Iterator[tuple[str, str]]:
    for child_id, record in view.recorded.get(task_id, {}).items():
        if view.record_of(child_id, RETURN) is None:
            own = f"{above}{NS_SEP}{record[1]}{NS_END}{child_id}"
            yield child_id, own
            yield from _calls(view, child_id, own)


def _looking(run: Run, task: Task, namespace: str) -> Run:
    graph = task.node.subgraph
    if graph is not None:
        below: Run = graph.inspecting(run, namespace)
        below.answers = run.answers
        return below
    return replace(run, namespace=namespace, checkpoint_id=None, unknown=True)
