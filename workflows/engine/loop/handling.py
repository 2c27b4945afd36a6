"""A node's failure on its way to the node's error handler, live or from the record (R1.39)."""

from __future__ import annotations

import ast
import builtins
import contextlib

from workflows.engine.constants import ERROR, HANDLER_OF
from workflows.engine.errors import NodeError, RecordedTaskError
from workflows.engine.loop.forking import marks_of_handler
from workflows.engine.loop.identity import STAMP
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task, handled_id
from workflows.engine.loop.view import View
from workflows.engine.wait_errors import ChildFailed, InterruptTimeout, WaitTimeout

# Failures that no handler was given: the node was given up, or has swallowed a question.
_NOT_HANDED_OVER = ("CancelledError()", "InterruptSwallowedError(")


def hand_over(task: Task, error: BaseException, text: str) -> None:
    """Let the task's error handler run in the node's place; `text` is the error on record."""
    handler = task.node.handler
    assert handler is not None  # noqa: S101
    task.ask_as(handled_id(task.origin))
    task.forks = marks_of_handler(task)
    task.node = handler
    task.name = handler.name
    task.failed = error
    task.caught = text
    task.attempt = 1
    task.start_over()


def take_up(view: View, task: Task) -> None:
    """Go on with the handler where the run was stopped between failure and handler.

    The node does not run again then, so that an answer which the handler has got stays the answer
    to the handler's question. Under other code it does: it may have been mended since; and in
    another attempt of the node that this graph is, which is to try all that failed again.
    """
    if task.node.handler is None or view.metadata.get(STAMP, view.code) != view.code:
        return
    if _is_tried_again(view.run):
        return
    text = view.record_of(task.id, ERROR)
    if text is None or text.startswith(_NOT_HANDED_OVER):
        return
    where = f"node {task.name!r}"
    if view.run.thread_id:
        where += f" of thread {view.run.thread_id!r}"
    hand_over(task, revived(text, where), text)


def _is_tried_again(run: Run | None) -> bool:
    while run is not None:
        if run.parent is not None and run.parent.attempt > 1:
            return True
        run = run.outer
    return False


def failure_for_handler(task: Task) -> NodeError | None:
    """What an error handler is told."""
    if task.failed is None:
        return None
    return NodeError(task.name.removeprefix(HANDLER_OF), task.failed)


_OF_WAITS = {
    each.__name__: each for each in (WaitTimeout, InterruptTimeout, ChildFailed)
}


def revived(text: str, where: str) -> BaseException:
    """A recorded failure as an exception again: Python's own ones, and those of waits, as themselves (R4.16)."""
    name, _, rest = text.partition("(")
    kind = _OF_WAITS.get(name) or getattr(builtins, name, None)
    try:
        arguments = ast.literal_eval(f"({rest[:-1]},)") if rest[:-1] else ()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return RecordedTaskError(name, rest[:-1], where=where)
    if isinstance(kind, type) and issubclass(kind, Exception):
        # A class of the author's may have the name of one of Python's and other arguments.
        with contextlib.suppress(TypeError):
            return kind(*arguments)
    return RecordedTaskError(name, ", ".join(map(str, arguments)), where=where)
