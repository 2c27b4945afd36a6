"""Where the record of a body ends on a thread that was forked after one of its calls (RB.14).

The calls of the body up to that one stand, under the ids that they have on the other thread. Whatever the body does
after it has other ids there, so that no answer, child or record of the other thread is taken for its own. Where a step
was forked, all that its bodies do has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import Due
from workflows.engine.loop.tasks import Task

MARK_OF_FORKS = "00000000-0000-0000-0001-000000000000"
"""In the place of a task's id, where the marks of a step are saved: by the id of a node's task, or by that of the
checkpoint where they are of all that is due."""

Mark = Sequence[Any]
"""[calls, position, salt]: in the body to which these calls ([name, number] each) lead from a node's, the position of the
last call that stands, and what ids are made with after it. A fork of a fork has several."""


def forks_passed(task: Task, position: int) -> list[str]:
    """What ids are made with beside their place, for what a body does when it has made so many calls."""
    return [salt for calls, last, salt in task.forks if not calls and position > last]


def origin_here(task: Task, position: int | None = None) -> str:
    """What the ids of a task's questions, waits and graphs below hang on, at the place to which its body has come."""
    if not task.forks:
        return task.origin
    passed = forks_passed(task, task.position if position is None else position)
    return ids.task_id(task.origin, *passed) if passed else task.origin


def marks_below(task: Task, name: str, number: int) -> Sequence[Mark]:
    """The marks of the body that this call of a task runs."""
    return [
        [calls[1:], last, salt]
        for calls, last, salt in task.forks
        if calls and [*calls[0]] == [name, number]
    ]


def marks_of_handler(task: Task) -> Sequence[Mark]:
    """Those of the error handler that takes a forked body's place: all that it does is its own."""
    return [[[], -1, salt] for calls, _, salt in task.forks if not calls]


def carried_origin(task: Task) -> Due:
    """What a due item has of a task that it carries over an edit, so that its body finds its answers."""
    found: Due = {"origin": task.origin}
    return {**found, "forks": [*task.forks]} if task.forks else found
