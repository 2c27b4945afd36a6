"""`get_state` and its history, over the loop's requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.constants import END, ERROR, NS_SEP, RETURN
from workflows.engine.errors import CheckpointNotFoundError
from workflows.engine.loop import again, effects
from workflows.engine.loop.apply import apply_writes
from workflows.engine.loop.chunks import result_of
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.inside import inside
from workflows.engine.loop.namespaces import with_map
from workflows.engine.loop.notes import kept_name, shown_metadata
from workflows.engine.loop.outside import adopt_outside
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.resume import load_answers, questions
from workflows.engine.loop.run import Run
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.unknown import get_to_know
from workflows.engine.loop.view import View
from workflows.engine.types import PregelTask, StateSnapshot
from workflows.engine.waits import questions_among, sleeps_among, waits_among


def read(run: Run, *, subgraphs: bool = False) -> Steps[StateSnapshot]:
    """The state at the config's checkpoint, else at the head (R6.1, R6.2).

    Raises CheckpointNotFoundError for an id the thread does not have.
    """
    thread_id = run.thread_id or ""
    config = checkpoint_config(thread_id, run.namespace, run.checkpoint_id)
    last = looked = None
    saved: CheckpointTuple | None
    if again.may_repeat(run, subgraphs=subgraphs):
        last = again.last_shown(run)
        kept = last.kept if last is not None else None
        known = last.sign if last is not None and kept is not None else None
        looked = yield from effects.look(config, known)
        if looked.is_same and kept is not None:
            return again.made_again(kept)
        saved = looked.found
    else:
        saved = yield from effects.load(config)
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
    get_to_know(run, saved)
    snapshot = yield from describe(
        run, saved, with_pending=run.checkpoint_id is None, subgraphs=subgraphs
    )
    if looked is not None:
        again.note(run, looked, last, snapshot)
    return snapshot


def history(
    run: Run,
    filter: dict[str, Any] | None,
    before: dict[str, Any] | None,
    limit: int | None,
    look_into: Callable[[str], Run] | None = None,
) -> Steps[list[StateSnapshot]]:
    """All checkpoints, newest first by id, forks mixed (R6.4).

    With `look_into`, which gives a run that looks at a namespace, those of all runs below are among them.
    Raises TypeError or ValueError for what narrows nothing down, before anything is read.
    """
    check_narrowing(run, filter, before, limit)
    if filter:
        filter = {kept_name(name): value for name, value in filter.items()}
    config = checkpoint_config(run.thread_id or "", run.namespace, run.checkpoint_id)
    if look_into is None:
        found = yield from effects.listing(config, filter, before, limit)
    else:
        found = yield from _with_those_below(run, filter, before, limit)
    runs = {run.namespace: run}
    snapshots = []
    for saved in found:
        namespace = str(saved.config["configurable"].get("checkpoint_ns") or "")
        if namespace not in runs:
            assert look_into is not None  # noqa: S101
            runs[namespace] = look_into(namespace)
        here = runs[namespace]
        get_to_know(here, saved)
        snapshots.append((yield from describe(here, saved, with_pending=False)))
    return snapshots


def check_narrowing(run: Run, filter: Any, before: Any, limit: Any) -> None:
    """Refuse what no history can be narrowed by (R6.4)."""
    where = f"the history of thread {run.thread_id!r}"
    if filter is not None and not isinstance(filter, Mapping):
        raise TypeError(
            f"{where}: filter is {filter!r}; give a dict of metadata, such as "
            "{'source': 'update'}"
        )
    named = before.get("configurable", {}) if isinstance(before, Mapping) else before
    if before is not None and not isinstance(named, Mapping):
        raise TypeError(
            f"{where}: before is {before!r}; give the config of a checkpoint, such as "
            "snapshot.config"
        )
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise ValueError(
            f"{where}: limit is {limit!r}; give a whole number >= 0, or None for all"
        )


def _with_those_below(
    run: Run,
    filter: dict[str, Any] | None,
    before: dict[str, Any] | None,
    limit: int | None,
) -> Steps[list[CheckpointTuple]]:
    thread: dict[str, Any] = {"configurable": {"thread_id": run.thread_id or ""}}
    if not run.namespace:
        return (yield from effects.listing(thread, filter, before, limit))
    found = yield from effects.listing(thread, filter, before)
    below = run.namespace + NS_SEP
    mine = [
        saved
        for saved in found
        if f"{saved.config['configurable']['checkpoint_ns']}|".startswith(below)
    ]
    return mine[:limit]


def describe(
    run: Run, saved: CheckpointTuple, *, with_pending: bool, subgraphs: bool = False
) -> Steps[StateSnapshot]:
    """One checkpoint as a snapshot; at the head, finished work of the step is included."""
    view = View(run)
    view.take(saved)
    adopt_outside(view, routes=with_pending)
    tasks = due_tasks(view)
    restored = restore(view, tasks)
    given = run.answers  # of the graph above, where this is a subgraph's
    run.answers = dict(given)
    load_answers(view, tasks)
    head = with_pending
    listed = []
    for task in tasks:
        deep = partial(read, subgraphs=True) if subgraphs else None
        listed.append(_task(view, task, head, (yield from inside(view, task, deep))))
    run.answers = given
    error = None
    if head and restored and not run.unknown:
        for task in restored:
            task.state = "done"
        try:
            _apply_finished(view, restored)
        except Exception as failed:  # noqa: BLE001 - shown, not raised (R3.15)
            view = View(run)
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
        config=with_map(saved.config, saved.metadata),
        metadata=shown_metadata(saved.metadata),
        created_at=saved.checkpoint.get("ts"),
        parent_config=with_map(saved.parent_config, saved.metadata),
        tasks=tuple(listed),
        interrupts=tuple(q for t in listed for q in t.interrupts),
    )


def _task(view: View, task: Task, head: bool, state: Any) -> PregelTask:
    error = view.record_of(task.id, ERROR)
    finished = task.writes is not None
    asked = questions(view, task)
    if head:
        # An answered question is not pending any more (R5.20).
        asked = tuple(q for q in asked if q.id not in view.run.answers)
    result = None
    if finished:
        result = result_of(view, task)
        if view.run.program.functional:
            result = next((v for c, v in task.writes or () if c in (END, RETURN)), None)
    found = PregelTask(
        id=task.id,
        name=task.name,
        path=task.path,
        error=None if finished else error,
        interrupts=() if finished and head else questions_among(asked),
        state=state,
        result=result,
    )
    if not (finished and head) and len(found.interrupts) < len(asked):
        found.sleeps = sleeps_among(asked)
        found.waits = waits_among(asked)
    found.runs_of_this_task = view.runs_of(task.id)
    return found


def _apply_finished(view: View, tasks: list[Task]) -> None:
    due = view.due
    apply_writes(view, tasks)
    view.due = due
