"""Which tasks are due: the checkpoint's list of `Send`s and nodes, deferred ones last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine.checkpoint.base import Due
from workflows.engine.constants import CALL, ERROR, OF_SEQUENCES, RETURN, START, UNDO
from workflows.engine.errors import GraphChangedError, NonDeterminismError
from workflows.engine.loop.identity import STAMP, Stamp
from workflows.engine.loop.namespaces import namespace_of
from workflows.engine.loop.program import Node
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.undo_node import NODE as UNDO_NODE
from workflows.engine.loop.view import View

OUTSIDE = "00000000-0000-0000-0000-"
"""Task ids that begin so belong to what was said from outside (a Command's update)."""


def ready(view: View) -> list[Due]:
    """The due items that run now: all but the deferred, or these when nothing else is due."""
    due = view.due
    if not view.run.program.defers:
        return due
    now = [item for item in due if not item.get("defer")]
    return now or due


def due_tasks(view: View) -> list[Task]:
    """The tasks of the next step: Sends as sent, then nodes as registered (R3.5)."""
    tasks = []
    sends = 0
    run = view.run
    program = run.program
    anchor, namespace, step = view.anchor, run.namespace, view.step + 1
    for item in ready(view):
        name = item["node"]
        node = program.nodes.get(name) or _absent(name)
        if "was" in item:  # renamed since: the ids of what is on record must not move
            name = item["was"]
        if "send" in item and item["node"] != program.first:
            path: tuple[Any, ...] = ("send", sends, name)
            sends += 1
        else:
            path = ("node", name)
        below = None
        if run.origin:
            below = (run.origin, step - 1 - run.began, name, *path)
        key = (anchor, namespace, step, name, *path)
        task = Task(node, path, key, None, item, None, None, below)
        if run.forks or "forks" in item:
            task.forks = [*item.get("forks", ()), *_marks_of(run, anchor, task)]
        tasks.append(task)
    return tasks


def _marks_of(run: Run, checkpoint: str, task: Task) -> list[Any]:
    """Where a fork begins that was made of this step: with all that was due, or within the body of the task."""
    return [*run.forks.get(checkpoint, ()), *run.forks.get(task.id, ())]


def _absent(name: str) -> Node:
    """The engine's own node that undoes; else what stands in for one that the code has no more, to be looked at."""
    if name == UNDO:
        return UNDO_NODE

    def run(_: Any) -> Any:
        raise GraphChangedError(
            f"there is no node {name!r}", [f"missing node: {name!r}"]
        )

    return Node(name, run, False, lambda result: [], lambda channels, remaining: None)


def start_order(tasks: list[Task]) -> list[Task]:
    """Sends first, then nodes by name (R3.5)."""
    return sorted(
        tasks, key=lambda t: (t.path[0] == "node", 0 if t.path[0] == "send" else t.name)
    )


def triggers_of(run: Run, task: Task) -> tuple[str, ...]:
    """What can make the task due, in LangGraph's words: an edge to its node, and each edge from several."""
    if task.call is not None or task.caught is not None or task.path[0] == "send":
        return ("__pregel_push",)
    name = task.node.name
    if task.node.triggers:
        return tuple(sorted(task.node.triggers))
    if run.program.functional or name == START:
        return (START,)
    joins = (key for key, join in run.program.joins.items() if join.target == name)
    return (f"branch:to:{name}", *joins)


_OWN_METADATA = frozenset(
    (
        "thread_id",
        "checkpoint_id",
        "checkpoint_ns",
        "checkpoint_map",
        "langgraph_step",
        "langgraph_node",
        "langgraph_triggers",
        "langgraph_path",
        "langgraph_checkpoint_ns",
    )
)


_NAMES_OF_RUNS = ("thread_id", "run_id", "task_id", "graph_id", "assistant_id")


def callers_metadata(run: Run) -> dict[str, Any]:
    """The caller's metadata, and what names the run in `configurable`."""
    found = {**run.config.get("metadata", {})}
    configurable = run.config.get("configurable", {})
    for name in _NAMES_OF_RUNS:
        if name not in found and configurable.get(name):
            found[name] = configurable[name]
    return found


def metadata_of(run: Run, task: Task) -> dict[str, Any]:
    """The metadata of a task: the caller's, what says where it runs, the node's own (R1.5)."""
    while task.node.hidden and task.parent is not None:
        task = task.parent  # a part of that one's work
    return {
        **callers_metadata(run),
        **({"thread_id": run.thread_id} if run.saver else {}),
        "langgraph_step": run.live_step,
        "langgraph_node": task.name,
        "langgraph_triggers": triggers_of(run, task),
        "langgraph_path": task.path,
        "langgraph_checkpoint_ns": namespace_of(task, run),
        **node_metadata(task),
    }


def told_metadata(run: Run, task: Task) -> dict[str, Any]:
    """Of that what is not the engine's own, and the caller's tags, as the tasks mode shows it (R9.3)."""
    found = {**callers_metadata(run), **node_metadata(task)}
    found = {key: value for key, value in found.items() if key not in _OWN_METADATA}
    tags = [*(run.config.get("tags") or ()), *task.node.tags]
    mine = [tag for tag in tags if not tag.startswith(OF_SEQUENCES)]
    return {**found, "tags": mine} if mine else found


def node_metadata(task: Task) -> Mapping[str, Any]:
    """What the author gave to the task's node; a call has that of the node it is made in."""
    while task.call is not None and task.parent is not None:
        task = task.parent
    return task.node.metadata


def recorded_call(view: View, child: Task) -> tuple[bool, Any]:
    """Say whether a call of a `@task` has a recorded result, and which (R4.12 to R4.14).

    Raises NonDeterminismError where the arguments are others than recorded.
    """
    pairs = view.pending.get(child.id)
    call = child.call
    assert call is not None  # noqa: S101 - only calls come here
    if pairs is None:
        return False, None
    for channel, value in pairs:
        if channel == RETURN:
            record = view.record_of(child.id, CALL)
            _compare_arguments(view, child, record)
            return True, value
    return False, None


def recorded_failure(view: View, child: Task) -> str | None:
    """The recorded failure of a call after which the body went on, as text (R4.16)."""
    record = view.record_of(child.id, CALL)
    if not record or not record[5:]:
        return None  # it ended the attempt, or nobody saw it: the task runs again
    error: str | None = view.record_of(child.id, ERROR)
    return error


def _compare_arguments(view: View, child: Task, record: Any) -> None:
    call = child.call
    assert call is not None  # noqa: S101
    recorded = record[4] if record else None
    present = call.record[4] if call.record else None
    parent = child.parent
    if recorded is None or present is None or recorded == present or parent is None:
        return
    missing = listed_calls(not_made(view, parent))
    report(
        view,
        f"{parent.name!r} called task {child.name!r} (call number {call.number + 1} of that "
        f"name) with other arguments than recorded: digest {present}, recorded {recorded}. "
        f"Calls on record that it has not made so far: {missing}.",
        gently=was_edited(view),
    )


def not_made(view: View, parent: Task) -> list[Any]:
    """The records of finished calls that the present attempt has not made, in order."""
    recorded = view.recorded.get(parent.body_id, {})
    missing = [
        record
        for child_id, record in recorded.items()
        if child_id not in parent.made and view.record_of(child_id, RETURN) is not None
    ]
    return sorted(missing, key=lambda record: record[3])


def listed_calls(records: list[Any]) -> str:
    """Recorded calls as text: name, how-many-th, digest of the arguments."""
    return (
        ", ".join(
            f"{name}#{number + 1} with arguments of digest {digest}"
            for _, name, number, _, digest, *_ in records
        )
        or "none"
    )


def was_edited(view: View) -> bool:
    """Say whether a Command's update went into the present checkpoint.

    Then recorded calls are kept although the state they were made for is another (R5.21).
    """
    return any(task_id.startswith(OUTSIDE) for task_id in view.pending)


def check_calls_made(view: View, task: Task) -> None:
    """A body that ends must have made every call that its record holds (R4.14 b)."""
    if task.body_id not in view.recorded:
        return
    missing = not_made(view, task)
    if missing:
        report(
            view,
            f"{task.name!r} ended without making calls that its record holds: "
            f"{listed_calls(missing)}.",
        )


def report(view: View, text: str, *, gently: bool = False) -> None:
    """Raise or warn, as the setting `determinism` says (R4.14); `gently` never raises."""
    mode = view.run.settings.get("determinism", "error")
    if mode == "off":
        return
    where = f"thread {view.run.thread_id!r}: " if view.run.thread_id else ""
    advice = (
        'Make the body repeat its calls, or set configurable["determinism"] to "warn" '
        "to use the record."
    )
    full = " ".join(filter(None, (where + text, _code_since(view), advice)))
    if mode == "error" and not gently:
        if view.run.rehearsal is not None:
            view.run.rehearsal.differs(full)
        raise NonDeterminismError(full)
    if view.run.warn is not None:
        view.run.warn(full)


def _code_since(view: View) -> str:
    """Whether the graph's code is another than that of the checkpoint, in a sentence."""
    text = view.metadata.get(STAMP)
    found, now = Stamp.read(text), Stamp.read(view.code)
    if found is None or now is None or not view.code:
        return ""
    if text == view.code:
        covers = (
            ""
            if view.run.program.functional
            else " (it tells nodes, edges and keys, not the code in nodes)"
        )
        return f"The graph's fingerprint{covers} has not changed since."
    return f"The graph has changed since: {'; '.join(found.difference(now))}."
