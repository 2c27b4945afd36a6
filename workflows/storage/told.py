"""What a commit tells those who watch: events of its tasks and of its step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflows.engine.checkpoint.base import Commit, TaskWrites
from workflows.engine.constants import CALL, ERROR, INTERRUPT, RESUME, RUNS, START
from workflows.engine.loop.sent import SENT
from workflows.engine.waits import Wait
from workflows.storage.texts import json_text

if TYPE_CHECKING:
    from workflows.storage.checkpoints import CheckpointRow

_MARKS = frozenset({ERROR, INTERRUPT, RESUME, CALL, RUNS})
_ERROR_LENGTH = 300
_NODES_SHOWN = 50


def events_of(commit: Commit, row: CheckpointRow | None) -> list[tuple[str, str]]:
    """(kind, JSON) for each task that ended, and for the step, whose checkpoint is saved as `row`.

    What is done when the step is saved is told by the step's own event, node by node. Questions
    get theirs in SQL.
    """
    events: list[tuple[str, str]] = []
    done: dict[str, dict[str, Any]] = {}
    step = commit.checkpoint
    for task in commit.writes:
        status = _status_of(task)
        if status == "done" and step is not None:
            name = task.name
            if name in done:
                done[name]["count"] += 1
            else:
                done[name] = {"node": name, "count": 1}
            if task.runs > 1:
                done[name]["runs"] = max(task.runs, done[name].get("runs", 0))
        elif status:
            data: dict[str, Any] = {
                "task": task.task_id,
                "node": task.name,
                "namespace": commit.namespace,
                "status": status,
            }
            if task.runs > 1:
                data["runs"] = task.runs
            if status == "waiting":
                data |= _waits_of(task)
            if task.error is not None:
                data["error"] = str(task.error)[:_ERROR_LENGTH]
            events.append(("task", json_text(data)))
    if row is not None and step is not None:
        following: dict[Any, None] = {}
        for item in step.get("due") or ():
            if isinstance(item, dict) and "node" in item:
                following[item["node"]] = None
        data = {
            "namespace": commit.namespace,
            "step": row.step,
            "source": row.source,
            "checkpoint": row.id,
            "done": [*done.values()][:_NODES_SHOWN],
            "next": [*following][:_NODES_SHOWN],
        }
        events.append(("step", json_text(data)))
        if commit.answers is not None:
            note = commit.metadata[SENT]
            told = {"name": note["name"], "by": note["by"], "checkpoint": row.id}
            events.append(("update", json_text(told)))
    return events


def _status_of(task: TaskWrites) -> str:
    """How a task ended; "" for what is no task's end (input, answers handed in)."""
    if not task.name or task.name == START:
        return ""
    if task.error is not None:
        return "error"
    if _waits_of(task):
        return "waiting"
    if task.asked:
        return "interrupted"
    marks = [channel for channel, _ in task.writes if channel in _MARKS]
    if not marks:
        return "done"
    if ERROR in marks:
        return "error"
    if INTERRUPT in marks:
        return "interrupted"
    return "done" if len(marks) < len(task.writes) else ""


_AWAITED = {"signal": "topics", "event": "events", "child": "children"}


def _waits_of(task: TaskWrites) -> dict[str, Any]:
    """What a task waits for that asks nobody; {} for others.

    `until` is when the first wait is over by itself ("" where none is), `topics` the signals, `events` the events, `children` the threads among them.
    Where it waits only `through` what it has called, these are the waits below it.
    """
    waits = next((value for channel, value in task.writes if channel == INTERRUPT), ())
    if not waits or not all(isinstance(each, Wait) for each in waits):
        return {}
    asked = {item.interrupt.id for item in task.asked}
    own = [each for each in waits if each.id in asked]
    shown = own or waits
    ends = [each.until for each in shown if each.until is not None]
    told: dict[str, Any] = {"until": min(ends).isoformat() if ends else ""}
    if not own:
        told["through"] = True
    for kind, name in _AWAITED.items():
        if topics := dict.fromkeys(each.topic for each in shown if each.kind == kind):
            told[name] = [*topics]
    return told
