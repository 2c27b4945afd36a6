"""Tasks whose time has come go on, whoever calls the graph again (RB.1, RB.4)."""

from __future__ import annotations

from workflows.engine.checkpoint.base import TaskWrites
from workflows.engine.checkpoint.overriding import clock_of, has_desk
from workflows.engine.loop import commit, effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.resume import (
    SLEPT,
    TIMED_OUT,
    accept,
    load_answers,
    open_questions,
    record_of_answers,
)
from workflows.engine.loop.run import Answer
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.types import Interrupt
from workflows.engine.waits import Sleep, Wait


def sleep_out(view: View) -> Steps[None]:
    """End what waits in the present step and whose time has come, and save that before a task starts.

    Questions are left to people's desk where they are kept at one: they may have been given more time there.
    """
    if not (view.pending or any("carried" in item for item in view.due)):
        return
    tasks = due_tasks(view)
    load_answers(view, tasks)
    at_desk = has_desk(view.run.saver)
    timed = [
        (task, each, each.until)
        for task, each in open_questions(view, tasks)
        if each.until is not None and (isinstance(each, Wait) or not at_desk)
    ]
    if not timed:
        return
    now = yield from effects.compute(clock_of(view.run.saver), (), {}, False)
    over = [(task, each) for task, each, until in timed if until <= now]
    answers = _answers(view, over)
    yield from commit.save_writes(view, answers)
    for writes in answers:
        view.note_answers(writes)


def _answers(view: View, over: list[tuple[Task, Interrupt]]) -> list[TaskWrites]:
    ended: dict[str, Task] = {}
    for task, each in over:
        if each.id in view.run.answers:  # withdrawn
            continue
        slept = isinstance(each, Sleep)
        answer = Answer(True, SLEPT) if slept else Answer(None, TIMED_OUT)
        accept(view, task, each, answer)
        ended[task.id] = task
    return [record_of_answers(view, task) for task in ended.values()]
