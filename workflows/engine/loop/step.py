"""One superstep while its tasks run: what waits, what runs, what is not saved yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Sequence
from typing import Any

from workflows.engine.checkpoint.base import Closed, TaskWrites
from workflows.engine.constants import RUNS
from workflows.engine.loop import chunks
from workflows.engine.loop.effects import (
    Dropped,
    Failed,
    Finished,
    Start,
    Steps,
    Within,
)
from workflows.engine.loop.inputs import take_input
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.types import Interrupt


class Step:
    """The state of one superstep while its tasks run."""

    __slots__ = (
        "calls",
        "closed",
        "failures",
        "finishes",
        "limit",
        "order",
        "parked",
        "queue",
        "replies",
        "running",
        "stopped",
        "tasks",
        "to_keep",
        "unsaved",
    )

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.queue: deque[Task] = deque()
        self.running: set[Task] = set()
        self.calls: dict[str, Task] = {}
        self.parked: dict[Task, Finished | Failed | Dropped] = {}
        self.to_keep: list[Task] = []
        self.unsaved: list[TaskWrites] = []
        self.closed: list[Closed] = []
        self.replies: list[tuple[Task, Any]] = []
        self.failures: list[tuple[Task | None, BaseException]] = []
        self.order: list[Interrupt] = []
        self.limit: Within | None = None
        self.stopped = False
        self.finishes = False  # what ran when it was stopped may try again


def start(view: View, step: Step, task: Task, delay: float = 0.0) -> Steps[None]:
    """Begin an attempt, `delay` seconds from now."""
    make_ready(view, step, task)
    if task.attempt == 1 and view.run.modes:
        yield from chunks.started(view, task)
    yield Start(task, delay)


def make_ready(view: View, step: Step, task: Task) -> None:
    """All that an attempt needs before it begins."""
    if task.attempt == 1 and task.call is None:
        take_input(view, task)
    if not task.runs and view.pending:
        task.runs = view.runs_of(task.id)
    task.runs += 1
    step.running.add(task)
    if task.call is not None:
        step.calls[task.id] = task


def record(step: Step, writes: TaskWrites, task: Task) -> None:
    """Save this when the events at hand are dealt with; how often a task ran goes along (RA.3)."""
    step.unsaved.append(writes)
    if task.runs > 1 and task.call is None:
        writes.runs = task.runs
        counted = [(RUNS, task.runs)]
        step.unsaved.append(TaskWrites(task.id, task.path_text, task.name, counted))


def is_part_of(task: Task, bodies: Container[Task]) -> bool:
    """Say whether a task is one of these, or was called in one of them."""
    above: Task | None = task
    while above is not None and above not in bodies:
        above = above.parent
    return above is not None


def leave(step: Step, task: Task) -> None:
    """Take a task out of those that run."""
    step.running.discard(task)
    if task.call is not None:
        step.calls.pop(task.id, None)


def is_free(step: Step, limit: int | None) -> bool:
    """Say whether one more task of the graph may run at once (R3.6)."""
    if not limit:
        return True
    return sum(1 for t in step.running if t.call is None) < limit
