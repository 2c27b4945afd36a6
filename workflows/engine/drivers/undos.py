"""How a body says what undoes what it has done: to the loop of the root, however far below it runs (RB.8)."""

from __future__ import annotations

from typing import Any

from workflows.engine import ids
from workflows.engine.constants import UNDO
from workflows.engine.drivers.context import Context
from workflows.engine.drivers.future import TaskFuture
from workflows.engine.inject import is_coroutine_function, name_of
from workflows.engine.loop.tasks import Call, Task
from workflows.engine.loop.undo_node import NODE, RECORD
from workflows.engine.undo_calls import UndoCall, takes_result, undo_call


def record_undo(context: Context, call: UndoCall) -> TaskFuture:
    """Have the root put the call on record; the future ends when that is saved."""
    root = _of_root(context)
    future = TaskFuture(call["name"], root)
    asked = Call(None, (call,), {}, future)
    key = (root.task.id, UNDO, call["id"])
    child = Task(RECORD, root.task.path, key, parent=root.task, call=asked)
    root.driver.called(root.task, child)
    return future


def is_heard(context: Context) -> bool:
    """Whether what a body says counts: not where a record is gone over, nor in what undoes."""
    return context.run.rehearsal is None and not _is_undoing(context)


def check_is_kept(context: Context, doing: str) -> None:
    """Raise RuntimeError where nothing would keep it; `doing` says what the task does."""
    run = _of_root(context).run
    if run.saver is None:
        raise RuntimeError(
            f"{context.task.name!r} {doing} in graph {run.program.name!r}, which has no checkpointer to keep that; "
            "compile it with checkpointer=..."
        )


def check_can_run(context: Context, fn: Any, where: str) -> None:
    """Raise RuntimeError for a coroutine function where the root is run by blocking code."""
    body = getattr(getattr(fn, "node", None), "fn", fn)
    if is_coroutine_function(body) and not _of_root(context).driver.is_async:
        raise RuntimeError(
            f"{where}: {name_of(fn)!r} is a coroutine function; a blocking graph cannot run it. "
            "Use ainvoke or astream, or make it a plain function"
        )


class UndoOfTask:
    """What undoes the attempt at a `@task` that begins now, once it has worked.

    Raises RuntimeError where nothing would keep that, ValueError and SerializationError as `undo_call`: before the
    task does anything.
    """

    def __init__(self, task: Task, context: Context) -> None:
        self.task = task
        self.fn = task.node.undo
        self.where = f"task {task.name!r}: undo"
        check_is_kept(context, "has an undo")
        check_can_run(context, self.fn, self.where)
        self.call = self._made(())

    def after(self, result: Any) -> UndoCall:
        """The call, with the task's result where its function asks for that."""
        if takes_result(self.fn):
            return self._made((("result", result),))
        return self.call

    def _made(self, more: tuple[tuple[str, Any], ...]) -> UndoCall:
        called = self.task.call
        assert called is not None  # noqa: S101 - only calls have an undo
        kwargs = {**called.kwargs, **dict(more)}
        place = ids.interrupt_id(self.task.origin, UNDO)
        return undo_call(self.fn, called.args, kwargs, self.where, place)


def _of_root(context: Context) -> Context:
    found: Context = context.run.outermost or context
    return found


def _is_undoing(context: Context) -> bool:
    task: Task | None = _of_root(context).task
    while task is not None and task.node is not NODE:
        task = task.parent
    return task is not None
