"""New code against the record of an old thread: which bodies are run, and what came of each (RA.4).

A body runs as on a resume, by the same rooms and with the same comparisons; `rehearsal.py` says where it
is stopped. Nothing is saved, so the history may be gone over step by step, oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Set
from dataclasses import dataclass
from typing import Any, Literal, Self

from msgspec.structs import replace

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.constants import ERROR, RESUME
from workflows.engine.errors import (
    GraphBubbleUp,
    GraphChangedError,
    NonDeterminismError,
)
from workflows.engine.loop import effects, fitting, opening, outside, plan
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.identity import STAMP
from workflows.engine.loop.rehearsal import rehearse
from workflows.engine.loop.resume import (
    has_record,
    question_digest,
    questions,
)
from workflows.engine.loop.run import Answer, Run
from workflows.engine.loop.superstep import run_tasks
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.undo_node import NODE as UNDO_NODE
from workflows.engine.loop.view import View, is_finished
from workflows.engine.runtime import Stop
from workflows.engine.types import Interrupt

Turn = tuple[Run, Steps[Any]]
Ended = Literal["returned", "asked", "failed", "past_record"]


@dataclass(frozen=True, slots=True)
class CheckedBody:
    """One body that was run against its record.

    `ended`: it returned, asked the question on record, failed as on record, or asked for something
    that the record does not hold, which `past_record` names; what comes after that was not seen.
    `calls` counts the calls of tasks that the record has answered or taken note of.
    """

    node: str
    task_id: str
    checkpoint_id: str
    namespace: str
    step: int
    ended: Ended
    calls: int
    past_record: str = ""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What `replay_check` has gone over, oldest step first, and what it has to say beside."""

    thread_id: str
    bodies: tuple[CheckedBody, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is gone over, and by whom.

    `history`: every checkpoint that is kept, with the bodies that have finished; else what the head goes on
    with. `strict`: what of the record lies behind a request that it does not hold counts as a difference.
    `is_async`: coroutine functions can be run.
    """

    history: bool = True
    strict: bool = False
    is_async: bool = False


class Turns:
    """The turns of a check, for either driver: each is driven, and its result set as `answer`, before the next.

    `report` is there when they are through.
    """

    report: ReplayReport

    def __init__(self, check: Generator[Turn, Any, ReplayReport]) -> None:
        self.answer: Any = None
        self._check = check

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Turn:
        try:
            return self._check.send(self.answer)
        except StopIteration as end:
            self.report = end.value
            raise


def replay(
    root: Run, look_into: Callable[[str], Run], scope: Scope
) -> Generator[Turn, Any, ReplayReport]:
    """Go over the thread of `root`: yields what a driver is to answer, one run after the other.

    Raises ValueError for a thread without any checkpoint, GraphChangedError where it could not go
    on, NonDeterminismError for the first difference, TypeError for a coroutine function in a blocking check.
    """
    thread_id = root.thread_id or ""
    head = yield root, effects.load(checkpoint_config(thread_id, root.namespace))
    if head is None:
        raise ValueError(
            f"thread {thread_id!r} has no checkpoints in {type(root.saver.inner).__name__}, so "
            "there is no record to check; was it pruned, or is it kept elsewhere?"
        )
    going_on = replace(root, answers={})
    yield going_on, _fit(going_on, head)
    kept: list[CheckpointTuple] = [head]
    if scope.history:
        thread = {"configurable": {"thread_id": thread_id}}
        kept = (yield root, effects.listing(thread))[::-1]
    runs = {"": root}
    answers = _answers_of(kept)
    open_now = frozenset(opening.open_at(going_on, head))
    bodies: dict[str, CheckedBody] = {}
    for saved in kept:
        namespace = str(saved.config["configurable"].get("checkpoint_ns") or "")
        if namespace not in runs:
            below = _below(root, look_into(namespace))
            below.answers = answers
            runs[namespace] = below
        view = _view_at(runs[namespace], root, saved)
        if view is None:
            continue
        for task in plan.due_tasks(view):
            if task.id not in bodies and _is_to_check(view, task, scope):
                check = _check(view, task, open_now, strict=scope.strict)
                bodies[task.id] = yield view.run, check
    warnings = tuple(dict.fromkeys(root.rehearsal.warnings))
    return ReplayReport(thread_id, tuple(bodies.values()), warnings)


def _fit(run: Run, head: CheckpointTuple) -> Steps[None]:
    """Meet what a run would meet that goes on with the thread (R4.20)."""
    view = View(run)
    view.code = run.program.identity.text(run.program)
    view.take(head)
    yield from fitting.fit(view, None)


def _below(root: Run, found: Run) -> Run:
    """A run for the steps of a graph below: what it is given is what the root is given."""
    found.config, found.settings = root.config, root.settings
    found.context, found.metadata = root.context, root.metadata
    rehearse(found, root.rehearsal)
    return found


def _answers_of(kept: Iterable[CheckpointTuple]) -> dict[str, Answer]:
    """All answers of the thread: those to a graph below stand with the root's task that it is in."""
    return {
        question_id: Answer(*answer)
        for saved in kept
        for _, channel, value in saved.pending_writes or ()
        if channel == RESUME
        for question_id, answer in value.items()
    }


def _view_at(run: Run, root: Run, saved: CheckpointTuple) -> View | None:
    """Where the tasks of a checkpoint find what they found then; None where nothing can be run."""
    metadata = saved.metadata or {}
    here = replace(run, answers={}, stop=Stop())
    if run is not root:
        here.answers = dict(run.answers)
        here.outer = root
        here.parent_task = str(metadata.get("task") or "")
        here.origin = str(metadata.get("origin") or "")
        here.began = int(metadata.get("began", -1))
        here.parents = dict(metadata.get("parents") or {})
    view = View(here)
    view.code = here.program.identity.text(here.program)
    try:
        view.take(saved)
    except GraphChangedError as error:
        _warn(here, f"checkpoint {saved.checkpoint['id']} is left out: {error}")
        return None
    has_bodies = any(has_record(view, task) for task in plan.due_tasks(view))
    why, place = "", f"checkpoint {view.id}"
    if here.unknown:
        why = f"a node or task of {root.program.name!r} calls that graph itself"
        place = "what has finished"
    elif callable(here.program.identity.on_change) and metadata.get(STAMP) != view.code:
        why = "on_change migrates what this code has saved, and its tasks begin anew"
    if why:
        if has_bodies:
            place += f" of namespace {here.namespace!r}" if here.namespace else ""
            _warn(here, f"the bodies of {place} are left out: {why}")
        return None
    outside.adopt_outside(view)
    here.channels, here.live_checkpoint = view.channels, view.anchor
    here.live_step, here.remaining = view.step + 1, here.limit
    return view


def _is_to_check(view: View, task: Task, scope: Scope) -> bool:
    if task.node.subgraph is not None:
        # Its steps are in the history; without that, they are gone over by its own run.
        return not scope.history and not is_finished(view.pending.get(task.id, []))
    if task.node is UNDO_NODE or not has_record(view, task):
        return False
    if is_finished(view.pending.get(task.id, [])) and not scope.history:
        return False  # its body will not be run any more
    if task.due["node"] not in view.run.program.nodes:
        _warn(
            view.run,
            f"the body of {task.name!r} at checkpoint {view.id} is left out: graph "
            f"{view.run.program.name!r} has no such node any more",
        )
        return False
    if task.node.is_async and not scope.is_async:
        raise TypeError(
            f"{task.name!r} of graph {view.run.program.name!r} is a coroutine function; a "
            "blocking check cannot run it: await areplay_check(...)"
        )
    return True


def _check(
    view: View, task: Task, open_now: Set[str], *, strict: bool
) -> Steps[CheckedBody]:
    """Run one body against its record; raises NonDeterminismError for its first difference.

    `open_now` are the ids of the questions that wait. In an old step others may be without an answer that
    were passed all the same: an edit went past them, or the answer's run saved nothing until its end (R4.4).
    """
    run = view.run
    given = {*(view.record_of(task.id, RESUME) or ()), *run.answers}
    unanswered = {q.id: q for q in questions(view, task) if q.id not in given}
    waiting = {key: q for key, q in unanswered.items() if key in open_now}
    finished = is_finished(view.pending.get(task.id, []))
    step = yield from run_tasks(view, [task])
    error = step.failures[0][1] if step.failures else None
    ended: Ended = "returned"
    if run.rehearsal.difference:
        raise _difference(view, task, run.rehearsal.difference) from error
    if task.past_record:
        ended = "past_record"
        _tell_unreached(view, task, waiting, strict=strict)
    elif task.state == "suspended":
        ended = "asked"
        _compare_questions(view, task, unanswered)
        if waiting and not waiting.keys() & {q.id for q in task.interrupts}:
            asks = ", ".join(repr(question.value) for question in task.interrupts)
            text = f"now asks {asks} before it comes to {_shown(waiting)}, which waits"
            _report_question(view, task, text)
    elif error is not None and not isinstance(error, GraphBubbleUp):
        ended = "failed"
        failed_then = view.record_of(task.id, ERROR) is not None
        missing = _unreached(view, task, waiting)
        if not failed_then and (finished or missing):
            raise _difference(view, task, _failure(view, task, error)) from error
    elif waiting and not finished:
        text = f"does not ask {_shown(waiting)} any more, which waits"
        _report_question(view, task, text)
    return CheckedBody(
        node=task.name,
        task_id=task.id,
        checkpoint_id=view.id,
        namespace=run.namespace,
        step=view.step + 1,
        ended=ended,
        calls=len(task.made & view.pending.keys()),
        past_record=task.past_record,
    )


def _difference(view: View, task: Task, text: str) -> NonDeterminismError:
    place = f"step {view.step + 1}, checkpoint {view.id}"
    if view.run.namespace:
        place += f" of namespace {view.run.namespace!r}"
    return NonDeterminismError(
        f"{text.removesuffix('.')}. Found by a replay check of {task.name!r} at {place}; nothing was written."
    )


def _failure(view: View, task: Task, error: BaseException) -> str:
    return f"thread {view.run.thread_id!r}: {task.name!r} raised {error!r} where its record goes on."


def _unreached(view: View, task: Task, waiting: dict[str, Interrupt]) -> str:
    """What of its record a body has not come to, as text."""
    calls = plan.not_made(view, task)
    asked = {question.id for question in task.interrupts}
    left = {key: q for key, q in waiting.items() if key not in asked}
    parts = []
    if calls:
        parts.append(plan.listed_calls(calls))
    if left:
        parts.append(_shown(left))
    return ", ".join(parts)


def _shown(waiting: dict[str, Interrupt]) -> str:
    return "question " + ", ".join(repr(q.value) for q in waiting.values())


def _tell_unreached(
    view: View, task: Task, waiting: dict[str, Interrupt], *, strict: bool
) -> None:
    missing = _unreached(view, task, waiting)
    if not missing:
        return
    text = (
        f"thread {view.run.thread_id!r}: {task.name!r} asks for {task.past_record}, which its "
        f"record does not hold, before it comes to {missing}. Whether it does after that cannot "
        "be seen without running it."
    )
    if strict:
        raise _difference(view, task, text)
    _warn(view.run, text)


def _compare_questions(
    view: View, task: Task, unanswered: dict[str, Interrupt]
) -> None:
    """The questions on record, and those that the body asks in their place."""
    for question in task.interrupts:
        known = unanswered.get(question.id)
        if known is None:
            continue
        if question_digest(known.value) != question_digest(question.value):
            text = f"now asks {question.value!r} in the place of {known.value!r}, which is on record"
            _report_question(view, task, text)


def _report_question(view: View, task: Task, what: str) -> None:
    """A question that waits would not be what its answer is for (R5.6)."""
    mode = view.run.settings.get("question_changed", "error")
    text = f"thread {view.run.thread_id!r}: {task.name!r} {what}."
    if mode == "error":
        raise _difference(view, task, text)
    if mode != "off":
        _warn(view.run, text)


def _warn(run: Run, text: str) -> None:
    assert run.warn is not None  # noqa: S101 - a rehearsal collects
    run.warn(text)
