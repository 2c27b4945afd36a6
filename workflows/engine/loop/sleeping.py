"""Tasks whose time has come go on, whoever calls the graph again (RB.1)."""

from __future__ import annotations

from workflows.engine.checkpoint.base import TaskWrites
from workflows.engine.checkpoint.overriding import clock_of
from workflows.engine.loop import commit, effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.records import Answer, Task
from workflows.engine.loop.resume import (
    SLEPT,
    load_answers,
    open_questions,
    record_of_answers,
)
from workflows.engine.loop.view import View
from workflows.engine.types import Sleep


def sleep_out(view: View) -> Steps[None]:
    """Answer the sleeps of the present step that are over, and save that before a task starts."""
    if not (view.pending or any("carried" in item for item in view.due)):
        return
    tasks = due_tasks(view)
    load_answers(view, tasks)
    sleeping = [
        (task, each)
        for task, each in open_questions(view, tasks)
        if isinstance(each, Sleep)
    ]
    if not sleeping:
        return
    now = yield from effects.compute(clock_of(view.run.saver), (), {}, False)
    answers = _answers(view, [each for each in sleeping if each[1].until <= now])
    yield from commit.save_writes(view, answers)
    for writes in answers:
        view.note_answers(writes)


def _answers(view: View, over: list[tuple[Task, Sleep]]) -> list[TaskWrites]:
    woken: dict[str, Task] = {}
    for task, each in over:
        view.run.answers[each.id] = Answer(True, SLEPT)
        woken[task.id] = task
    return [record_of_answers(view, task) for task in woken.values()]
