"""How a task ends: finished, suspended by a question, failed, retried, handed to its handler."""

from __future__ import annotations

import random
from typing import Any

from workflows.engine.checkpoint.base import TaskWrites
from workflows.engine.constants import (
    ATTRIBUTES,
    CALL,
    ERROR,
    HANDLED,
    NO_WRITES,
    OF_SAVER,
    RESUME,
    UNDO,
)
from workflows.engine.errors import (
    GraphBubbleUp,
    GraphInterrupt,
    InterruptSwallowedError,
    NodeCancelledError,
)
from workflows.engine.fake_clock import to_wait
from workflows.engine.loop import (
    chunks,
    commit,
    effects,
    handling,
    messages,
    plan,
    resume,
    undos,
)
from workflows.engine.loop.effects import Dropped, Failed, Finished, Steps
from workflows.engine.loop.step import Step, is_part_of, leave, record, start
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.types import RetryPolicy


def end(view: View, step: Step, event: Finished | Failed | Dropped) -> Steps[None]:
    """Say how an ended attempt counts, and do what follows from it."""
    task = event.task
    taken_back = task.call is not None and task.call.future.cancelled()
    if taken_back or isinstance(event, Dropped):
        leave(step, task)
        task.state = "cancelled"
        step.replies.append((task, None))
        return
    if task.past_record:  # how it ended tells nothing of its record (RA.4)
        leave(step, task)
        task.state = "unrecorded"
        return
    error = event.error if isinstance(event, Failed) else None
    interrupts = [q for c in task.children.values() for q in c.interrupts]
    if error is None and task.raised:
        error = InterruptSwallowedError(
            f"thread {view.run.thread_id!r}: {task.name!r} caught an interrupt and went "
            f"on; question {task.raised[0].value!r} ({task.raised[0].id}) was not "
            "answered. Put `except GraphBubbleUp: raise` before a broad except, and look "
            "for it in what gather(return_exceptions=True) returns."
        )
    if error is None and not interrupts:
        error = _divergence(view, task)
    if error is None and not interrupts:
        assert isinstance(event, Finished)  # noqa: S101
        yield from _finish(view, step, task, event.writes)
    elif error is None or isinstance(error, GraphInterrupt):
        divergence = _divergence(view, task)
        if divergence is not None:
            yield from _fail(view, step, task, divergence)
            return
        mine = (
            resume.asked_by_hand(view, task, error.interrupts)
            if isinstance(error, GraphInterrupt)
            else []
        )
        seen = {q.id for q in mine}
        task.interrupts = [*mine, *(q for q in interrupts if q.id not in seen)]
        # a question that the body caught and went on from waits for nobody
        task.asked = [each for each in task.asked if each.interrupt.id in seen]
        yield from _suspend(view, step, task, event)
    else:
        yield from _fail(view, step, task, error)


def _divergence(view: View, task: Task) -> BaseException | None:
    if not view.recorded or task.body_id not in view.recorded:
        return None
    try:
        plan.check_calls_made(view, task)
    except Exception as error:  # noqa: BLE001 - becomes the task's failure
        return error
    return None


def _finish(view: View, step: Step, task: Task, writes: Any) -> Steps[None]:
    settle(view, step, task, writes)
    if view.run.modes:
        yield from tell(view, task)


def settle(view: View, step: Step, task: Task, writes: Any) -> None:
    """Keep what a finished task wrote; it is saved with what else has ended."""
    leave(step, task)
    task.state = "done"
    if task.call is not None:
        task.writes = [*writes, (CALL, task.call.record)]
        if len(writes) > 1:  # the result, and what goes with it
            _take_along(view, task, writes[1:])
        step.replies.append((task, writes[0][1]))
        view.pending[task.id] = list(task.writes)
        view.recorded.setdefault(task.call.record[0], {})[task.id] = task.call.record
    else:
        task.writes = writes or [(NO_WRITES, None)]
        if task.caught is not None:  # an error handler ran in the node's place
            task.writes = [(HANDLED, True), *task.writes]
    if view.pending or "carried" in task.due:
        step.closed += commit.closed_by(view, task)
    if task.asked_below:
        step.closed += commit.closed_below(task)
    if view.run.saver is not None and not task.is_saved:
        record(step, commit.writes_of(view, task), task)
    if task.kept_as is not None and task.caught is None:
        step.to_keep.append(task)


def _take_along(view: View, task: Task, writes: Any) -> None:
    """What a call has set of its thread, and what undoes it."""
    for channel, value in writes:
        if channel == ATTRIBUTES and not task.is_saved:
            view.take_attributes(value)
        elif channel == UNDO:
            undos.note(view, value)


def tell(view: View, task: Task) -> Steps[None]:
    """Stream what a finished task has to show."""
    if task.returned is not None:
        yield from messages.show(view, task)
    yield from chunks.update(view, task)
    yield from chunks.ended(view, task)


def _suspend(
    view: View, step: Step, task: Task, event: Finished | Failed
) -> Steps[None]:
    leave(step, task)
    error = event.error if isinstance(event, Failed) else None
    task.state = "suspended"
    if task.call is None:
        step.order += task.interrupts
    extra = getattr(error, "asked", ())
    task.asked = [*task.asked, *extra]
    view.take_attributes(_attributes_of(event))
    # Held by a breakpoint below, it asks what an edit has carried over to it still.
    asks = task.interrupts or resume.unanswered(view, resume.carried(task))
    step.closed += commit.closed_by(view, task, [q.id for q in asks])
    record(step, commit.questions_of(task, resume.set_aside(view, task)), task)
    step.unsaved += commit.failures_that_are_history(task)
    if task.call is not None:
        step.replies.append((task, GraphInterrupt(task.interrupts)))
    if task.interrupts:  # else a breakpoint below holds it: it has not ended
        yield from chunks.ended(view, task)


def _attributes_of(event: Finished | Failed) -> Any:
    """What an attempt has set of its thread that waits now."""
    if isinstance(event, Failed):
        return getattr(event.error, "attributes", None)
    return next((v for channel, v in event.writes if channel == ATTRIBUTES), None)


def _fail(view: View, step: Step, task: Task, error: BaseException) -> Steps[None]:
    if view.run.rehearsal is not None:  # no other attempt, no handler: they are work
        leave(step, task)
        task.state, task.failed = "failed", error
        step.failures.append((task, error))
        return
    refused = getattr(error, "__durableweb_invalid_resume__", None)
    if refused is not None:
        yield from _refuse(view, step, task, error, refused)
        return
    if isinstance(error, GraphBubbleUp):
        leave(step, task)
        if (
            task.call is not None
        ):  # a Command for the graph above goes on to who has called
            task.state = "failed"
            step.replies.append((task, error))
            return
        step.failures.append((task, error))
        yield from stop(view, step)
        return
    swallowed = isinstance(error, InterruptSwallowedError)  # R5.12 holds for it too
    policy = None
    if not swallowed:
        try:
            policy = _policy_for(task, error)
        except Exception as failed:  # noqa: BLE001 - what `retry_on` raised is the failure
            failed.__context__ = failed.__context__ or error
            error = failed
    if policy is not None and (not step.stopped or step.finishes):
        leave(step, task)
        delay = to_wait(delay_before_next(policy, task.attempt))
        task.attempt += 1
        task.start_over()
        yield from start(view, step, task, delay)
        return
    if task.node.transaction is not None and hasattr(error, OF_SAVER):
        raise error  # its transaction is gone with its connection: it has not failed
    leave(step, task)
    if task.node.handler is not None and not swallowed:
        yield from _handle(view, step, task, error)
        return
    task.state = "failed"
    task.failed = error
    _add_note(error, task)
    if task.call is None:
        task.interrupts = task.asked_below
    elif task.parent is not None:
        commit.note_asked_below(task.parent, task.asked_below)
    record(step, commit.failure_of(task, error), task)
    yield from chunks.ended(view, task, error=error)
    if task.call is not None:
        step.replies.append((task, error))
        if task.parent is not None:
            task.parent.failed_calls = (*task.parent.failed_calls, task)
        return
    step.failures.append((task, error))
    yield from stop(view, step)


def _refuse(
    view: View, step: Step, task: Task, error: BaseException, question_id: str
) -> Steps[None]:
    """An answer did not fit its schema: the question stays open, nothing else is kept (R5.9)."""
    leave(step, task)
    task.state = "failed"
    asker = task
    while asker.parent is not None:
        asker = asker.parent
    kept = dict(view.record_of(asker.id, RESUME) or {})
    kept.pop(question_id, None)
    step.unsaved.append(
        TaskWrites(asker.id, asker.path_text, asker.name, [(RESUME, kept)])
    )
    if task.call is not None:
        step.replies.append((task, error))
        return
    step.failures.append((task, error))
    yield from stop(view, step)


def _handle(view: View, step: Step, task: Task, error: BaseException) -> Steps[None]:
    yield from chunks.ended(view, task, error=error)
    step.closed += commit.closed_below(task)
    handling.hand_over(task, error, repr(error))
    step.unsaved.append(commit.failure_of(task, error))
    if step.stopped and not step.finishes:  # the handler's turn comes when it goes on
        task.state = "cancelled"
        return
    step.running.add(task)
    yield from effects.start(task)


def run_late(view: View, step: Step) -> Steps[None]:
    """A step has taken longer than it may: it fails, as if one of its tasks had (R3.20)."""
    if step.stopped or not step.running:
        return
    run = view.run
    late = sorted({task.name for task in step.running if task.call is None})
    where = f"graph {run.program.name!r}"
    if run.thread_id:
        where += f" on thread {run.thread_id!r}"
    error = TimeoutError(
        f"{where}: a step took longer than its step_timeout of {run.step_timeout} seconds, "
        f"{', '.join(map(repr, late))} had not ended. What has ended is saved: invoke(None) "
        "goes on; set graph.step_timeout to more if so long is meant."
    )
    step.failures.append((None, error))
    yield from stop(view, step)


def stop(view: View, step: Step) -> Steps[None]:
    """After a failure: start nothing more, give up what can be given up (R3.11).

    A body that has returned is not given up, nor are its calls, which nobody would make again; one
    that has raised or asks does not wait for its calls any more.
    """
    if step.stopped:
        return
    step.stopped = True
    step.queue.clear()
    returned = [t for t, event in step.parked.items() if isinstance(event, Finished)]
    running = tuple(
        task
        for task in step.running
        if task not in step.parked and not is_part_of(task, returned)
    )
    given_up: tuple[Task, ...] | None = ()
    if running:
        given_up = yield effects.Cancel(running)
        step.finishes = given_up is None
    for task in given_up or ():
        leave(step, task)
        task.state = "cancelled"
        step.unsaved.append(cancellation_of(task))
    if given_up is not None:
        for task in [task for task in step.parked if task not in returned]:
            yield from end(view, step, step.parked.pop(task))


def cancellation_of(task: Task) -> TaskWrites:
    """What a task saves that was given up while it ran."""
    text = "CancelledError()"
    pairs = [(ERROR, task.caught or text)]
    return TaskWrites(task.id, task.path_text, task.name, pairs, error=text)


def _policy_for(task: Task, error: BaseException) -> RetryPolicy | None:
    if not isinstance(error, Exception):
        return None
    if isinstance(error, NodeCancelledError) and error.node == task.name:
        return None  # R1.41; one from a graph below is a failure like others
    for policy in task.node.retry:
        if matches(policy, error):
            return policy if task.attempt < policy.max_attempts else None
    return None


def matches(policy: RetryPolicy, error: Exception) -> bool:
    """Say whether a policy retries this error (R1.33)."""
    on = policy.retry_on
    if isinstance(on, type):
        return isinstance(error, on)
    if callable(on):
        return bool(on(error))
    return isinstance(error, tuple(on))


def delay_before_next(policy: RetryPolicy, attempt: int) -> float:
    """Seconds until the attempt after `attempt` (R1.33)."""
    seconds = min(
        policy.max_interval,
        policy.initial_interval * policy.backoff_factor ** (attempt - 1),
    )
    if policy.jitter:
        seconds += random.uniform(0, min(1.0, seconds))  # noqa: S311 - no secret
    return seconds


def _add_note(error: BaseException, task: Task) -> None:
    note = f"During task with name {task.name!r} and id {task.id!r}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    if not hasattr(error, "__durableweb_attempt__"):
        error.__durableweb_attempt__ = task.attempt  # type: ignore[attr-defined]
