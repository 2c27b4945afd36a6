"""What a task is called with: what was sent to it, or its part of the state, as its schema wants it."""

from __future__ import annotations

from typing import Any

from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View


def take_input(view: View, task: Task) -> None:
    """Give a node its input: what was sent to it, or what it reads of the state."""
    if "send" in task.due:
        task.input = task.due["send"]
    else:
        task.input = task.node.read(view.channels, view.run.remaining)


def argument_of(task: Task) -> Any:
    """The first argument of a node's function: its input, as an instance where the schema is a class.

    The instance is made once, for whoever needs it first (a stream, the key of a cache, the function), and is the
    same in each attempt and in the error handler. Raises what the schema raised, also to who asks later; a new
    attempt tries again.
    """
    mapper = task.node.mapper
    if mapper is None or "send" in task.due:
        return task.input
    if task.mapped is None:
        try:
            task.mapped = mapper(task.input), None
        except Exception as error:  # noqa: BLE001 - raised below, by each who asks
            task.mapped = None, error
    value, refused = task.mapped
    if refused is not None:
        raise refused
    return value
