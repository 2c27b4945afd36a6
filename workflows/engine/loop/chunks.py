"""What the loop tells those who stream: one function a mode (R9.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.constants import (
    END,
    ERROR,
    GOTO,
    HANDLED,
    NO_WRITES,
    RETURN,
    ROOT,
)
from workflows.engine.loop import effects, messages
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.inputs import argument_of
from workflows.engine.loop.namespaces import namespace_of, with_map
from workflows.engine.loop.notes import shown_metadata
from workflows.engine.loop.plan import start_order, told_metadata, triggers_of
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.types import Interrupt
from workflows.engine.waits import questions_among, sleeps_among, waits_among

_NO_RESULT = frozenset({GOTO, NO_WRITES, HANDLED, ERROR})


def values(view: View, interrupts: Sequence[Interrupt] = ()) -> Steps[None]:
    """The full values; with the questions at a pause."""
    if "values" not in view.run.modes:
        return
    chunk = view.values(view.run.stream_keys)
    if interrupts:
        chunk = {
            **(chunk if isinstance(chunk, dict) else {}),
            "__interrupt__": tuple(interrupts),
        }
    yield from effects.emit("values", chunk)


def update_of(view: View, task: Task) -> Any:
    """What a task returned, as its writes tell it."""
    pairs = task.writes or []
    program = view.run.program
    if task.call is not None:
        return next((v for c, v in pairs if c == RETURN), None)
    if program.functional:
        return next((v for c, v in pairs if c == END), None)
    keys = view.run.stream_keys
    if isinstance(keys, str):
        found = [v for c, v in pairs if c == keys]
        return found[-1] if len(found) == 1 else (found or None)
    mine = [(c, v) for c, v in pairs if c in keys]
    if not mine:
        return None
    if len({c for c, _ in mine}) == len(mine):
        return dict(mine)
    return [{c: v} for c, v in mine]


def result_of(view: View, task: Task) -> Any:
    """A task's result as snapshots show it: a dict of its writes; a state that is a bare value as itself."""
    if task.call is not None:
        return next((v for c, v in task.writes or () if c == RETURN), None)
    found = _writes_of(task)
    is_bare = view.run.program.stream_keys == ROOT or view.run.unknown
    return found.get(ROOT, found) if is_bare else found


def _writes_of(task: Task) -> dict[str, Any]:
    """What a task wrote; several writes to one channel stand in their order under the key `$writes`."""
    found: dict[str, list[Any]] = {}
    for channel, value in task.writes or ():
        if channel == ROOT or not (channel in _NO_RESULT or channel.startswith("__")):
            found.setdefault(channel, []).append(value)
    return {c: v[0] if len(v) == 1 else {"$writes": v} for c, v in found.items()}


def _written(view: View, task: Task) -> dict[str, Any]:
    """A task's result as the tasks mode shows it; what a function returned stands under LangGraph's name for it."""
    name = RETURN if task.call is not None else END
    if task.call is not None or view.run.program.functional:
        return {c: v for c, v in task.writes or () if c == name}
    return _writes_of(task)


def update(view: View, task: Task, *, cached: bool = False) -> Steps[None]:
    """`{node: what it returned}`."""
    if "updates" not in view.run.modes or task.node.hidden:
        return
    chunk: dict[str, Any] = {task.name: update_of(view, task)}
    if cached:
        chunk["__metadata__"] = {"cached": True}
    yield from effects.emit("updates", chunk)


def pause(view: View, interrupts: Sequence[Interrupt]) -> Steps[None]:
    """The end of an updates stream at a pause; empty at a static breakpoint (R5.26).

    Each run tells of what reaches it; of a breakpoint below, only the root. What sleeps is told of
    beside the questions (RB.1), and so is what waits for something else (RB.2).
    """
    if "updates" not in view.run.modes:
        return
    asked = questions_among(interrupts)
    sleeps, waits = sleeps_among(interrupts), waits_among(interrupts)
    if asked or (view.run.is_root and not sleeps and not waits):
        yield from effects.emit("updates", {"__interrupt__": asked})
    if sleeps:
        yield from effects.emit("updates", {"__sleep__": sleeps})
    if waits:
        yield from effects.emit("updates", {"__wait__": waits})


def started(view: View, task: Task) -> Steps[None]:
    """A task begins."""
    if task.node.hidden:
        return
    if "messages" in view.run.modes:
        messages.note_given(view.run, task)
    if not view.run.modes & {"tasks", "debug"}:
        return
    metadata = told_metadata(view.run, task)
    yield from _both(
        view,
        "task",
        {
            "id": task.body_id,
            "name": task.name,
            "input": _given(task),
            "triggers": triggers_of(view.run, task),
            **({"metadata": metadata} if metadata else {}),
        },
    )


def _given(task: Task) -> Any:
    if task.call is not None:
        return task.call.args, task.call.kwargs
    try:
        return argument_of(task)
    except Exception:  # noqa: BLE001 - the task itself fails with it
        return task.input


def ended(view: View, task: Task, error: BaseException | None = None) -> Steps[None]:
    """A task has ended: with a result, an error or a question."""
    if task.node.hidden or not view.run.modes & {"tasks", "debug"}:
        return
    yield from _both(
        view,
        "task_result",
        {
            "id": task.body_id,
            "name": task.name,
            "error": error,
            "result": _written(view, task),
            "interrupts": [
                dataclasses.asdict(i) for i in questions_among(task.interrupts)
            ],
        },
    )


def _both(view: View, kind: str, payload: dict[str, Any]) -> Steps[None]:
    if "tasks" in view.run.modes:
        yield from effects.emit("tasks", payload)
    yield from _debug(view, kind, payload)


def _debug(view: View, kind: str, payload: Any) -> Steps[None]:
    if "debug" not in view.run.modes:
        return
    step = view.step if kind == "checkpoint" else view.step + 1
    yield from effects.emit(
        "debug",
        {"step": step, "timestamp": ids.now_text(), "type": kind, "payload": payload},
    )


def _config_below(view: View, task: Task) -> dict[str, Any] | None:
    """Where the checkpoints of a node that is a graph lie, or will lie."""
    below = task.node.subgraph
    if below is None or below.checkpointer is False:
        return None
    return checkpoint_config(view.run.thread_id or "", namespace_of(task, view.run))


def checkpoint(view: View, tasks: Sequence[Task]) -> Steps[None]:
    """The present checkpoint, with the tasks that are due on it in the order in which they start (R3.5).

    Without a saver there are none.
    """
    if view.run.saver is None or not view.run.modes & {"checkpoints", "debug"}:
        return
    tasks = start_order([*tasks])
    payload = {
        "config": with_map(view.config, view.metadata),
        "parent_config": with_map(view.parent_config, view.metadata),
        "values": view.values(view.run.program.stream_keys),
        "metadata": shown_metadata(view.metadata),
        "next": [task.name for task in tasks],
        "tasks": [_due(view, task) for task in tasks],
    }
    if "checkpoints" in view.run.modes:
        yield from effects.emit("checkpoints", payload)
    yield from _debug(view, "checkpoint", payload)


def _asked_for(view: View, result: Any) -> Any:
    """Of a task's result the keys that the caller wants; a plain key gives the bare value."""
    keys = view.run.stream_keys
    if view.run.program.functional or keys == view.run.program.stream_keys:
        return result
    if isinstance(keys, str):
        return result.get(keys)
    return {key: value for key, value in result.items() if key in keys}


def _due(view: View, task: Task) -> dict[str, Any]:
    """A task of the present step, with what an earlier run has left of it."""
    shown: dict[str, Any] = {"id": task.id, "name": task.name}
    error = view.record_of(task.id, ERROR)
    if error is not None and task.writes is None:
        shown["error"] = error
    else:
        asked: Sequence[Interrupt] = ()
        if task.writes is None:
            asked = questions_among(view.questions_of(task.id))
        elif result := _asked_for(view, result_of(view, task)):
            shown["result"] = result
        shown["interrupts"] = tuple(dataclasses.asdict(each) for each in asked)
    return {**shown, "state": _config_below(view, task)}
