"""Start the tasks of a step, take their endings one by one, retry, stop on failure."""

from __future__ import annotations

import ast
import builtins
import random
from collections import deque
from collections.abc import Sequence
from typing import Any

from workflows.engine.checkpoint.base import Closed, TaskWrites
from workflows.engine.constants import (
    CALL,
    ERROR,
    HANDLED,
    INTERRUPT,
    NO_WRITES,
    RESUME,
    RETURN,
)
from workflows.engine.errors import (
    GraphBubbleUp,
    GraphInterrupt,
    InterruptSwallowedError,
    NodeError,
    RecordedTaskError,
)
from workflows.engine.loop import chunks, commit, effects, plan
from workflows.engine.loop.effects import (
    Called,
    Event,
    Failed,
    Finished,
    Start,
    Steps,
    Wrote,
)
from workflows.engine.loop.records import Call, Node, Task
from workflows.engine.loop.resume import load_answers, may_start, questions
from workflows.engine.loop.view import View, is_finished
from workflows.engine.types import Interrupt, RetryPolicy

_RECORDS = frozenset({CALL, ERROR, INTERRUPT, RESUME})


class Step:
    """The state of one superstep while its tasks run."""

    __slots__ = (
        "calls",
        "closed",
        "failures",
        "order",
        "parked",
        "queue",
        "replies",
        "running",
        "stopped",
        "tasks",
        "unsaved",
    )

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.queue: deque[Task] = deque()
        self.running: set[Task] = set()
        self.calls: dict[str, Task] = {}
        self.parked: dict[Task, Finished | Failed] = {}
        self.unsaved: list[TaskWrites] = []
        self.closed: list[Closed] = []
        self.replies: list[tuple[Task, Any]] = []
        self.failures: list[tuple[Task, BaseException]] = []
        self.order: list[Interrupt] = []
        self.stopped = False


def run_tasks(view: View, tasks: list[Task]) -> Steps[Step]:
    """Run the tasks of one step that are not finished yet; returns how it went.

    A failure is raised by the caller, after what has finished is saved.
    """
    step = Step(tasks)
    if view.pending:
        load_answers(view, tasks)
    for task in plan.start_order(tasks) if len(tasks) > 1 else tasks:
        if task.writes is None and may_start(view, task):
            step.queue.append(task)
        elif task.writes is None:
            step.order += [
                q for q in questions(view, task) if q.id not in view.run.answers
            ]
    limit = view.run.max_concurrency
    while True:
        while step.queue and not step.stopped and _free(step, limit):
            yield from _start(view, step, step.queue.popleft())
        if not step.running:
            break
        events = yield effects.WAIT
        for event in events:
            if type(event) is Finished and _is_simple(view, step, event.task):
                _settle(view, step, event.task, event.writes)
                if view.run.modes:
                    yield from _tell(view, event.task)
            else:
                yield from _take(view, step, event)
        yield from _save(view, step)
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


def _tell(view: View, task: Task) -> Steps[None]:
    yield from chunks.messages(view, task)
    yield from chunks.update(view, task)
    yield from chunks.ended(view, task)


def _free(step: Step, limit: int | None) -> bool:
    if not limit:
        return True
    return sum(1 for t in step.running if t.call is None) < limit


def _start(view: View, step: Step, task: Task, delay: float = 0.0) -> Steps[None]:
    if task.attempt == 1 and task.call is None:
        if "send" in task.due:
            task.input = task.due["send"]
        else:
            task.input = task.node.read(view.channels, view.run.remaining)
        if view.run.modes:
            yield from chunks.started(view, task)
    step.running.add(task)
    if task.call is not None:
        step.calls[task.id] = task
    yield Start(task, delay)


def _take(view: View, step: Step, event: Event) -> Steps[None]:
    if isinstance(event, Wrote):
        if event.mode in view.run.modes:
            yield from effects.emit(event.mode, event.chunk)
        return
    if isinstance(event, Called):
        yield from _call(view, step, event.child)
        return
    task = event.task
    if task not in step.running:
        return  # given up
    if any(child in step.running for child in task.children.values()):
        step.parked[task] = event
        return
    yield from _end(view, step, event)
    parent = task.parent
    if parent is not None and parent in step.parked:
        busy = any(child in step.running for child in parent.children.values())
        if not busy:
            yield from _end(view, step, step.parked.pop(parent))


def _end(view: View, step: Step, event: Finished | Failed) -> Steps[None]:
    task = event.task
    error = event.error if isinstance(event, Failed) else None
    interrupts = [q for c in task.children.values() for q in c.interrupts]
    if error is None and task.raised:
        error = InterruptSwallowedError(
            f"{task.name!r} caught its own interrupt and went on; question "
            f"{task.raised[0].value!r} ({task.raised[0].id}) was not answered. Put "
            "`except GraphBubbleUp: raise` before a broad except."
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
        mine = list(error.interrupts) if isinstance(error, GraphInterrupt) else []
        seen = {q.id for q in mine}
        task.interrupts = [*mine, *(q for q in interrupts if q.id not in seen)]
        yield from _suspend(view, step, task, error)
    else:
        yield from _fail(view, step, task, error)


def _divergence(view: View, task: Task) -> BaseException | None:
    if not view.recorded or task.id not in view.recorded:
        return None
    try:
        plan.check_calls_made(view, task)
    except Exception as error:  # noqa: BLE001 - becomes the task's failure
        return error
    return None


def _finish(view: View, step: Step, task: Task, writes: Any) -> Steps[None]:
    _settle(view, step, task, writes)
    if view.run.modes:
        yield from _tell(view, task)


def _settle(view: View, step: Step, task: Task, writes: Any) -> None:
    _leave(step, task)
    task.state = "done"
    if task.call is not None:
        task.writes = [*writes, (CALL, task.call.record)]
        step.replies.append((task, writes[0][1]))
        view.pending[task.id] = list(task.writes)
        view.recorded.setdefault(task.call.record[0], {})[task.id] = task.call.record
    else:
        task.writes = writes or [(NO_WRITES, None)]
        if task.failed is not None:  # an error handler ran in the node's place
            task.writes = [(HANDLED, True), *task.writes]
    if view.pending or "carried" in task.due:
        step.closed += commit.closed_by(view, task)
    if view.run.saver is not None:
        step.unsaved.append(commit.writes_of(task))


def _leave(step: Step, task: Task) -> None:
    step.running.discard(task)
    if task.call is not None:
        step.calls.pop(task.id, None)


def _suspend(
    view: View, step: Step, task: Task, error: BaseException | None
) -> Steps[None]:
    _leave(step, task)
    task.state = "suspended"
    if task.call is None:
        step.order += task.interrupts
    extra = getattr(error, "asked", ())
    task.asked = [*task.asked, *extra]
    step.closed += commit.closed_by(view, task, [q.id for q in task.interrupts])
    step.unsaved.append(commit.questions_of(task))
    if task.call is not None:
        step.replies.append((task, GraphInterrupt(task.interrupts)))
    yield from chunks.ended(view, task)


def _fail(view: View, step: Step, task: Task, error: BaseException) -> Steps[None]:
    refused = getattr(error, "__durableweb_invalid_resume__", None)
    if refused is not None:
        yield from _refuse(view, step, task, error, refused)
        return
    if isinstance(error, GraphBubbleUp):
        step.failures.append((task, error))
        _leave(step, task)
        yield from _stop(view, step)
        return
    policy = _policy_for(task, error)
    if policy is not None and not step.stopped:
        _leave(step, task)
        delay = _delay(policy, task.attempt)
        task.attempt += 1
        task.start_over()
        yield from _start(view, step, task, delay)
        return
    _leave(step, task)
    if task.node.handler is not None:
        yield from _handle(view, step, task, error)
        return
    task.state = "failed"
    task.failed = error
    _add_note(error, task)
    step.unsaved.append(commit.failure_of(task, error))
    yield from chunks.ended(view, task, error=error)
    if task.call is not None:
        step.replies.append((task, error))
        return
    step.failures.append((task, error))
    yield from _stop(view, step)


def _refuse(
    view: View, step: Step, task: Task, error: BaseException, question_id: str
) -> Steps[None]:
    """An answer did not fit its schema: the question stays open, nothing else is kept (R5.9)."""
    _leave(step, task)
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
    yield from _stop(view, step)


def _handle(view: View, step: Step, task: Task, error: BaseException) -> Steps[None]:
    handler = task.node.handler
    assert handler is not None  # noqa: S101
    task.node = handler
    task.name = handler.name
    task.failed = error
    task.attempt = 1
    task.start_over()
    step.unsaved.append(commit.failure_of(task, error))
    step.running.add(task)
    yield from effects.start(task)


def failure_for_handler(task: Task) -> NodeError | None:
    """What an error handler is told."""
    if task.failed is None:
        return None
    return NodeError(task.name.removeprefix("__error_handler__"), task.failed)


def _stop(view: View, step: Step) -> Steps[None]:
    """After a failure: start nothing more, give up what can be given up (R3.11)."""
    if step.stopped:
        return
    step.stopped = True
    step.queue.clear()
    running = tuple(step.running)
    if not running:
        return
    given_up: tuple[Task, ...] = yield effects.Cancel(running)
    for task in given_up:
        _leave(step, task)
        step.parked.pop(task, None)
        task.state = "cancelled"
        step.unsaved.append(
            TaskWrites(
                task.id,
                task.path_text,
                task.name,
                [(ERROR, "CancelledError()")],
                error="CancelledError()",
            )
        )


def _call(view: View, step: Step, child: Task) -> Steps[None]:
    """A `@task` was called: answer from the record, or start it (R4.12)."""
    call = child.call
    parent = child.parent
    assert call is not None  # noqa: S101
    assert parent is not None  # noqa: S101
    parent.made.add(child.id)
    twin = step.calls.get(child.id)
    if twin is not None and twin.call is not None:
        twin.call.future.also(call.future)  # a retried body meets its running call
        return
    try:
        found, value = plan.recorded_call(view, child)
    except Exception as error:  # noqa: BLE001 - the caller is told
        call.future.fail(error)
        return
    if found:
        call.future.answer(value)
        child.writes = [(RETURN, value)]
        yield from chunks.update(view, child, cached=True)
        return
    failure = plan.recorded_failure(view, child)
    if failure is not None:
        call.future.fail(_revived(failure))
        return
    load_answers(view, [child])
    parent.children[child.id] = child
    if not may_start(view, child):  # it asked, and nobody has answered (R5.17)
        child.state = "suspended"
        child.interrupts = list(questions(view, child))
        call.future.fail(GraphInterrupt(child.interrupts))
        return
    yield from _start(view, step, child)


def _revived(text: str) -> BaseException:
    """A recorded failure as an exception again: Python's own ones as themselves (R4.16)."""
    name, _, rest = text.partition("(")
    kind = getattr(builtins, name, None)
    try:
        arguments = ast.literal_eval(f"({rest[:-1]},)") if rest[:-1] else ()
    except (SyntaxError, ValueError):
        return RecordedTaskError(name, rest[:-1])
    if isinstance(kind, type) and issubclass(kind, Exception):
        return kind(*arguments)
    return RecordedTaskError(name, ", ".join(map(str, arguments)))


def _save(view: View, step: Step) -> Steps[None]:
    """Save what has ended; the last of a step that succeeds goes with the checkpoint."""
    if not step.unsaved and not step.replies and not step.closed:
        return
    complete = (
        not step.running
        and not step.queue
        and all(task.writes is not None for task in step.tasks)
    )
    unsaved, step.unsaved = step.unsaved, []
    closed, step.closed = step.closed, []
    if complete and not step.failures:
        view.held += unsaved
        step.closed = closed
    else:
        yield from commit.save_writes(view, unsaved, closed)
    replies, step.replies = step.replies, []
    for task, value in replies:
        assert task.call is not None  # noqa: S101
        if isinstance(value, BaseException) and task.state != "done":
            task.call.future.fail(value)
        else:
            task.call.future.answer(value)


def _policy_for(task: Task, error: BaseException) -> RetryPolicy | None:
    if not isinstance(error, Exception):
        return None
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


def _delay(policy: RetryPolicy, attempt: int) -> float:
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


__all__ = ["Call", "Node", "Step", "failure_for_handler", "restore", "run_tasks"]
