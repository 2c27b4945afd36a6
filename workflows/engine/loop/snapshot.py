"""`get_state` and its history, over the loop's requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.constants import END, ERROR, RETURN
from workflows.engine.errors import CheckpointNotFoundError
from workflows.engine.loop import effects
from workflows.engine.loop.apply import apply_writes
from workflows.engine.loop.chunks import result_of
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.opening import adopt_outside
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.records import Run, Task
from workflows.engine.loop.resume import load_answers, questions
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.view import View, shown_metadata
from workflows.engine.types import PregelTask, StateSnapshot

Below = Callable[[Task, str, bool], Any]


def read(run: Run, *, subgraphs: bool = False) -> Steps[StateSnapshot]:
    """The state at the config's checkpoint, else at the head (R6.1, R6.2).

    Raises CheckpointNotFoundError for an id the thread does not have.
    """
    thread_id = run.thread_id or ""
    saved: CheckpointTuple | None = yield from effects.load(
        checkpoint_config(thread_id, run.namespace, run.checkpoint_id)
    )
    if saved is None:
        if run.checkpoint_id is not None:
            raise CheckpointNotFoundError(thread_id, run.checkpoint_id)
        return StateSnapshot(
            values={},
            next=(),
            config=checkpoint_config(thread_id, run.namespace),
            metadata=None,
            created_at=None,
            parent_config=None,
            tasks=(),
            interrupts=(),
        )
    snapshot = yield from describe(
        run, saved, with_pending=run.checkpoint_id is None, subgraphs=subgraphs
    )
    return snapshot


def history(
    run: Run,
    filter: dict[str, Any] | None,
    before: dict[str, Any] | None,
    limit: int | None,
) -> Steps[list[StateSnapshot]]:
    """All checkpoints, newest first by id, forks mixed (R6.4)."""
    config = checkpoint_config(run.thread_id or "", run.namespace, run.checkpoint_id)
    found = yield from effects.listing(config, filter, before, limit)
    snapshots = []
    for saved in found:
        snapshots.append((yield from describe(run, saved, with_pending=False)))
    return snapshots


def describe(
    run: Run, saved: CheckpointTuple, *, with_pending: bool, subgraphs: bool = False
) -> Steps[StateSnapshot]:
    """One checkpoint as a snapshot; at the head, finished work of the step is included."""
    view = View(run)
    view.take(saved)
    if with_pending:
        adopt_outside(view)
    tasks = due_tasks(view)
    restored = restore(view, tasks)
    run.answers = {}
    load_answers(view, tasks)
    head = with_pending
    listed = []
    for task in tasks:
        inside = yield from _inside(view, task, subgraphs)
        listed.append(_task(view, task, head, inside))
    error = None
    if head and restored:
        for task in restored:
            task.state = "done"
        try:
            _apply_finished(view, restored)
        except Exception as failed:  # noqa: BLE001 - shown, not raised (R3.15)
            view.take(saved)
            adopt_outside(view)
            error = repr(failed)
    if error is not None:
        listed = [t._replace(error=t.error or error) for t in listed]
    done = {task.id for task in restored} if head and error is None else set()
    shown = run.stream_keys or run.program.stream_keys
    return StateSnapshot(
        values=view.values(shown),
        next=tuple(t.name for t in tasks if t.id not in done),
        config=saved.config,
        metadata=shown_metadata(saved.metadata),
        created_at=saved.checkpoint.get("ts"),
        parent_config=saved.parent_config,
        tasks=tuple(listed),
        interrupts=tuple(q for t in listed for q in t.interrupts),
    )


def _task(view: View, task: Task, head: bool, inside: Any) -> PregelTask:
    error = view.record_of(task.id, ERROR)
    finished = task.writes is not None
    asked = questions(view, task)
    if head:
        # An answered question is not pending any more (R5.20).
        asked = tuple(q for q in asked if q.id not in view.run.answers)
    result = None
    if finished:
        result = result_of(task)
        if view.run.program.functional:
            result = next((v for c, v in task.writes or () if c in (END, RETURN)), None)
    return PregelTask(
        id=task.id,
        name=task.name,
        path=task.path,
        error=None if finished else error,
        interrupts=() if finished and head else asked,
        state=inside,
        result=result,
    )


def _apply_finished(view: View, tasks: list[Task]) -> None:
    due = view.due
    apply_writes(view, tasks)
    view.due = due


def _inside(view: View, task: Task, deep: bool) -> Steps[Any]:
    """Where a subgraph of a paused task stands: its config, or with `deep` its snapshot (R7.8)."""
    run = view.run
    idle = task.writes is not None or not view.questions_of(task.id)
    if idle and task.node.subgraph is None:
        return None
    name = f"{task.name}:{task.id}"
    namespaces = [f"{run.namespace}|{name}" if run.namespace else name]
    if getattr(task.node.subgraph, "checkpointer", None) is True:
        namespaces.append(
            f"{run.namespace}|{task.name}" if run.namespace else task.name
        )
    for namespace in namespaces:
        config = checkpoint_config(run.thread_id or "", namespace)
        saved = yield from effects.load(config)
        if saved is None:
            continue
        graph = task.node.subgraph
        if not deep or graph is None:
            return config
        inner = graph.inspecting(run, namespace)
        return (yield from read(inner, subgraphs=True))
    return None
