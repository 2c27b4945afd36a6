"""Which tasks are due: the checkpoint's list of `Send`s and nodes, deferred ones last."""

from __future__ import annotations

from typing import Any

from workflows.engine.checkpoint.base import Due
from workflows.engine.constants import CALL, ERROR, RETURN
from workflows.engine.errors import GraphChangedError, NonDeterminismError
from workflows.engine.loop.records import Run, Task, namespace_of
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
    for item in ready(view):
        if "send" in item and item["node"] != view.run.program.first:
            path: tuple[Any, ...] = ("send", sends, item["node"])
            sends += 1
        else:
            path = ("node", item["node"])
        tasks.append(make_task(view, item, path))
    return tasks


def make_task(view: View, item: Due, path: tuple[Any, ...]) -> Task:
    """The task of one due item."""
    name = item["node"]
    program = view.run.program
    node = program.nodes.get(name)
    if node is None:
        raise GraphChangedError(
            f"thread {view.run.thread_id!r} waits at node {name!r}, which graph "
            f"{program.name!r} does not have any more (it has: "
            f"{', '.join(n for n in program.nodes if not n.startswith('__'))}). Bring the "
            "node back, or move the thread on with update_state. Nothing was written.",
            [f"missing node: {name}"],
        )
    key = (
        view.anchor,
        view.run.namespace,
        view.step + 1,
        name,
        *path,
    )
    run = view.run
    below = None
    if run.origin:
        below = (run.origin, view.step - run.began, name, *path)
    return Task(node, path, key, due=item, origin_key=below)


def start_order(tasks: list[Task]) -> list[Task]:
    """Sends first, then nodes by name (R3.5)."""
    return sorted(
        tasks, key=lambda t: (t.path[0] == "node", 0 if t.path[0] == "send" else t.name)
    )


def triggers_of(task: Task) -> tuple[str, ...]:
    """What made the task due, in the field's words."""
    if task.call is not None or task.path[0] == "send":
        return ("__pregel_push",)
    joins = [by for by in task.due.get("by", ()) if by.startswith("join:")]
    others = len(task.due.get("by", ())) > len(joins)
    return (*([f"branch:to:{task.name}"] if others or not joins else []), *joins)


def metadata_of(run: Run, task: Task) -> dict[str, Any]:
    """The metadata of a task: the caller's, what says where it runs, the node's own (R1.5)."""
    return {
        **run.metadata,
        **({"thread_id": run.thread_id} if run.saver else {}),
        "langgraph_step": run.live_step,
        "langgraph_node": task.name,
        "langgraph_triggers": triggers_of(task),
        "langgraph_path": task.path,
        "langgraph_checkpoint_ns": namespace_of(task, run),
        **task.node.metadata,
    }


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
    error = view.record_of(child.id, ERROR)
    parent = child.parent
    if error is None or parent is None:
        return None
    mine = view.record_of(child.id, CALL)
    position = mine[3] if mine else 0
    later = any(
        record[3] > position for record in view.recorded.get(parent.id, {}).values()
    )
    return error if later or view.questions_of(parent.id) else None


def _compare_arguments(view: View, child: Task, record: Any) -> None:
    call = child.call
    assert call is not None  # noqa: S101
    recorded = record[4] if record else None
    present = call.record[4] if call.record else None
    if recorded is None or present is None or recorded == present:
        return
    parent = child.parent
    report(
        view,
        f"{parent.name if parent else '?'!r} called task {child.name!r} (call number "
        f"{call.number + 1} of that name) with other arguments than recorded: digest "
        f"{present}, recorded {recorded}. Make the body repeat its calls, or set "
        'configurable["determinism"] to "warn" to use the record.',
        gently=was_edited(view),
    )


def was_edited(view: View) -> bool:
    """Say whether a Command's update went into the present checkpoint.

    Then recorded calls are kept although the state they were made for is another (R5.21).
    """
    return any(task_id.startswith(OUTSIDE) for task_id in view.pending)


def check_calls_made(view: View, task: Task) -> None:
    """A body that ends must have made every call that its record holds (R4.14 b)."""
    recorded = view.recorded.get(task.id)
    if not recorded:
        return
    missing = [
        record
        for child_id, record in recorded.items()
        if child_id not in task.made and view.record_of(child_id, RETURN) is not None
    ]
    if missing:
        names = ", ".join(f"{name}#{number + 1}" for _, name, number, *_ in missing)
        report(
            view,
            f"{task.name!r} ended without making calls that its record holds: {names}. "
            'Make the body repeat its calls, or set configurable["determinism"] to '
            '"warn".',
        )


def report(view: View, text: str, *, gently: bool = False) -> None:
    """Raise or warn, as the setting `determinism` says (R4.14); `gently` never raises."""
    where = f"thread {view.run.thread_id!r}: " if view.run.thread_id else ""
    mode = view.run.settings.get("determinism", "error")
    if mode == "error" and not gently:
        raise NonDeterminismError(where + text)
    if mode != "off" and view.run.warn is not None:
        view.run.warn(where + text)
