"""Start the tasks of a step and take their endings one by one, until none runs."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.engine.constants import CALL, ERROR, INTERRUPT, RESUME, RUNS
from workflows.engine.loop import caching, commit, effects, lifecycle, plan
from workflows.engine.loop.calling import call
from workflows.engine.loop.effects import Called, Event, Finished, Overdue, Steps, Wrote
from workflows.engine.loop.endings import (
    cancellation_of,
    end,
    run_late,
    settle,
    tell,
)
from workflows.engine.loop.handling import take_up
from workflows.engine.loop.resume import load_answers, may_start, questions
from workflows.engine.loop.step import Step, is_free, make_ready, start
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View, is_finished
from workflows.engine.waits import has_waits

_RECORDS = frozenset({CALL, ERROR, INTERRUPT, RESUME, RUNS})


def run_tasks(view: View, tasks: list[Task]) -> Steps[Step]:
    """Run the tasks of one step that are not finished yet; returns how it went.

    A failure is raised by the caller, after what has finished is saved.
    """
    step = Step(tasks)
    if view.pending:
        load_answers(view, tasks)
    for task in plan.start_order(tasks) if len(tasks) > 1 else tasks:
        if task.writes is not None:
            continue
        if not view.run.resuming or may_start(view, task):
            if view.pending:
                take_up(view, task)
                if view.run.resuming:
                    task.waits_for = view.questions_of(task.id)
            step.queue.append(task)
        else:
            step.order += [
                q for q in questions(view, task) if q.id not in view.run.answers
            ]
    if view.run.cache is not None and step.queue:
        yield from caching.recall(view, step)
        if not step.queue:
            if not _hold(view, step):
                yield from _save(view, step)
            _reply(step)
    if view.run.step_timeout and step.queue:
        step.limit = effects.Within(view.run.step_timeout)
        yield step.limit
    limit, modes = view.run.max_concurrency, view.run.modes
    while True:
        while step.queue and not step.stopped and (not limit or is_free(step, limit)):
            task = step.queue.popleft()
            if modes:
                yield from start(view, step, task)
            else:
                make_ready(view, step, task)
                yield effects.Start(task)
        if not step.running:
            break
        try:
            events = yield effects.WAIT
        except effects.Abandoned as end:
            if end.cancelled:
                step.unsaved += [cancellation_of(t) for t in step.running if not t.call]
            yield from _save(view, step)
            raise
        for event in events:
            if type(event) is Finished and _is_simple(view, step, event.task):
                settle(view, step, event.task, event.writes)
                if modes:
                    yield from tell(view, event.task)
            else:
                yield from _take(view, step, event)
        if step.to_keep:
            yield from caching.keep(step)
        if not _hold(view, step):
            yield from _save(view, step)
        if step.replies:
            _reply(step)
    return step


def _is_simple(view: View, step: Step, task: Task) -> bool:
    """Say whether a return is all there is to an ending: no calls, questions, records."""
    return (
        task.call is None
        and not task.children
        and not task.raised
        and not view.recorded
        and task in step.running
    )


def _take(view: View, step: Step, event: Event) -> Steps[None]:
    if isinstance(event, Wrote):
        if event.mode in view.run.modes:
            yield effects.Emit(event.mode, event.chunk, event.namespace, event.below)
        return
    if isinstance(event, Called):
        if event.parent.state != "cancelled":  # else nobody waits for it
            yield from call(view, step, event.child)
        return
    if isinstance(event, Overdue):
        if event.limit is step.limit:  # else it was told of a step that has ended
            yield from run_late(view, step)
        return
    task = event.task
    if task not in step.running:
        return  # given up
    if any(child in step.running for child in task.children.values()):
        step.parked[task] = event
        return
    yield from end(view, step, event)
    parent = task.parent
    if parent is not None and parent in step.parked:
        busy = any(child in step.running for child in parent.children.values())
        if not busy:
            yield from end(view, step, step.parked.pop(parent))


def is_whole(step: Step) -> bool:
    """Say whether every task of the step has finished."""
    for task in step.tasks:  # noqa: SIM110 - a generator for the mostly one task costs thrice
        if task.writes is None:
            return False
    return True


def _hold(view: View, step: Step) -> bool:
    """Leave what has ended to the checkpoint, if it ends a step that succeeds; False if it does not."""
    if step.running or step.queue or step.failures or not is_whole(step):
        return False
    view.held += step.unsaved
    step.unsaved = []
    return True


def _save(view: View, step: Step) -> Steps[None]:
    """Save what has ended by now."""
    unsaved, step.unsaved = step.unsaved, []
    closed, step.closed = step.closed, []
    ending = lifecycle.ending(view, "interrupted") if _only_asks(step) else ""
    yield from commit.save_writes(view, unsaved, closed, ending)


def _reply(step: Step) -> None:
    """Answer the calls of tasks that have ended, now that it is safe."""
    replies, step.replies = step.replies, []
    for task, value in replies:
        assert task.call is not None  # noqa: S101
        if task.state == "cancelled":
            task.call.future.drop()
        elif isinstance(value, BaseException) and task.state != "done":
            task.call.future.fail(value)
        else:
            task.call.future.answer(value)


def _only_asks(step: Step) -> bool:
    """Say whether nothing is left of the step but questions, so that the run ends with it."""
    busy = step.running or step.queue or step.parked or step.replies or step.failures
    if not step.order or busy or has_waits(step.order):
        return False
    return not any(task.writes is not None for task in step.tasks)


def restore(view: View, tasks: Sequence[Task]) -> list[Task]:
    """Give tasks of the step that had finished before their saved writes back."""
    restored = []
    for task in tasks:
        pairs = view.pending.get(task.id)
        if pairs and is_finished(pairs):
            task.writes = [(c, v) for c, v in pairs if c not in _RECORDS]
            task.state = "done"
            restored.append(task)
    return restored
