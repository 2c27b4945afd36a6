"""Questions of a graph below that has failed: they go up with its failure (R5.13)."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.engine.checkpoint.base import Asked
from workflows.engine.loop.records import Task
from workflows.engine.types import Interrupt

_OPEN = "__durableweb_open__"


def hand_up(
    error: BaseException, questions: Sequence[Interrupt], asked: Sequence[Asked]
) -> None:
    """Let the failure of a graph tell the graph above what was asked beside it."""
    if questions:
        setattr(error, _OPEN, (questions, asked))


def take_over(task: Task, error: BaseException) -> None:
    """Make what was asked in the graph of a failed task the task's own, so that it can be answered."""
    task.interrupts, task.asked = error.__dict__.pop(_OPEN, ((), ()))
