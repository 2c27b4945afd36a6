"""Load, open, then (plan, superstep, apply, checkpoint) until nothing is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.callbacks import PauseStatus
from workflows.engine.errors import GraphDrained, GraphRecursionError, RunCancelled
from workflows.engine.loop import (
    begun,
    chunks,
    commit,
    fitting,
    lifecycle,
    opening,
    plan,
    sent,
    undoing,
)
from workflows.engine.loop.apply import apply_writes
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.given_updates import check_supersteps
from workflows.engine.loop.namespaces import with_map
from workflows.engine.loop.outcome import Outcome
from workflows.engine.loop.past import gone_past
from workflows.engine.loop.resume import pauses_after, pauses_before
from workflows.engine.loop.run import Run
from workflows.engine.loop.step import Step
from workflows.engine.loop.superstep import is_whole, restore, run_tasks
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.update import update
from workflows.engine.loop.view import View
from workflows.engine.types import Command, Interrupt, StateUpdate
from workflows.engine.waits import questions_among

_SEES_CHECKPOINTS = frozenset({"checkpoints", "debug"})


def execute(run: Run, given: Any) -> Steps[Outcome]:
    """One call of a graph, from its input to its end, its pause or its failure."""
    answers = isinstance(given, Command) and given.resume is not None
    view = yield from opening.load_view(run, answers=answers)
    try:
        holds = is_begun = False
        if run.begun_with is not None or isinstance(given, begun.Keyed):
            met = yield from begun.meet(view, given)
            if met.ended is not None:
                return met.ended
            given, is_begun = met.given, met.is_begun
            holds = is_begun and not view.pending
        yield from fitting.fit(view, given)
        if is_begun and (step := (yield from begun.still_asked(view))):
            return (yield from _interrupted(view, [*step.tasks], step))
        was_there = bool(view.id)
        going = True
        if isinstance(given, undoing.Undo):
            yield from undoing.enter(view, given)
        else:
            going = yield from opening.enter(view, given)
        if run.outer is not None:
            view.past = yield from gone_past(run)
        past = opening.passes_break(view, given, was_there=was_there)
        outcome = yield from _steps(view, skip_break=past and not holds, holds=holds)
    except (Exception, RunCancelled):
        yield from commit.finish(view)
        raise
    yield from commit.finish(view)
    if going:
        yield from lifecycle.paused(view, outcome)
    return outcome


def edit(run: Run, supersteps: Sequence[Sequence[StateUpdate]]) -> Steps[Any]:
    """One call of update_state or its bulk form; returns the config of the last checkpoint."""
    check_supersteps(supersteps)
    view = yield from opening.load_view(run)
    if run.namespace:  # still the subgraph that its parent's task began
        run.parent_task = str(view.metadata.get("task") or "")
        run.origin = str(view.metadata.get("origin") or "")
        run.began = int(view.metadata.get("began", -1))
        run.parents = dict(view.metadata.get("parents") or {})
    yield from fitting.fit_for_edit(view)
    config = yield from update(view, supersteps)
    return with_map(config, view.metadata)


def _steps(view: View, *, skip_break: bool, holds: bool) -> Steps[Outcome]:
    """Step by step to an outcome; with `holds` the breakpoints at which the thread stands count once more."""
    run = view.run
    first = run.program.first
    ran = 0
    # Where a node takes the input, that is one of the steps.
    limit = run.limit + 1 if run.program.subscribers else run.limit
    run.remaining = limit
    if looks := sent.takes(run):
        yield from sent.before_steps(view)
    wrote = view.metadata.get("wrote") or []
    if view.due and undoing.is_due(view):
        return (yield from _undo(view))
    if (holds or run.namespace in run.reached) and pauses_after(view, wrote):
        yield from chunks.pause(view, ())
        return _outcome(view, "paused", at="interrupt_after")
    while view.due:
        if run.stopping:
            return _outcome(view, "stopped")
        if run.stop.mode and run.is_root:
            raise run.stop.error()
        is_start = view.due[0]["node"] == first and not run.program.functional
        if not is_start:
            if ran >= limit:
                return (yield from _failed(view, _too_many(view)))
            run.remaining = limit - ran - 1
        tasks = plan.due_tasks(view)
        names = [task.name for task in tasks] if run.before or run.after else []
        run.live_checkpoint = view.anchor
        run.live_step = view.step + 1
        run.channels = view.channels
        if names and not is_start and not skip_break and pauses_before(view, names):
            yield from chunks.pause(view, ())
            return _outcome(view, "paused", at="interrupt_before")
        if _drains(run, ran):
            reason = run.control.drain_reason if run.control else None
            raise GraphDrained(reason or "shutdown", thread_id=run.thread_id)
        skip_break = False
        if view.pending:
            for task in restore(view, tasks):
                yield from chunks.update(view, task, cached=True)
        if is_start and len(tasks) == 1 and not tasks[0].node.branches:
            _enter_at_once(view, tasks[0])
            step = None
        else:
            step = yield from run_tasks(view, tasks)
            if step.failures:
                yield from _asked_beside(view, step)
                return (yield from _failed(view, step.failures[0][1]))
            if not is_whole(step):
                return (yield from _interrupted(view, tasks, step))
        closed = step.closed if step else ()
        failed = None
        try:
            changed, due = apply_writes(view, tasks)
        except Exception as error:  # noqa: BLE001 - the author's reducer may raise anything
            held, view.held = view.held, []
            yield from commit.save_writes(view, held, closed)
            failed = error
        if failed is not None:
            return (yield from _failed(view, failed))
        if view.staged:
            view.take_attributes(view.staged)
        if view.dirty:
            changed = [*{*changed, *view.dirty}]
            view.dirty.clear()
        if run.is_silent:
            _note_output(view, changed)
        if names:  # a handler's, where it ran in its node's place
            names = [task.name for task in tasks]
        if run.saver is None:
            commit.step_on(view, due)
        else:
            wrote = [tasks[0].name]
            if len(tasks) > 1:
                wrote = sorted({task.name for task in tasks})
            saving = commit.advance(
                view, "loop", due, changed, closed=closed, extra={"wrote": wrote}
            )
            if not due:
                saving.ending = lifecycle.ending(view, "success", names)
            yield from commit.save_checkpoint(view, saving)
        if run.modes:
            yield from _show(view, changed)
        if not is_start:
            # Only a body that begins anew leads an entrypoint on (RB.15).
            ran = 0 if due and run.program.functional else ran + 1
            if names and pauses_after(view, names):
                yield from chunks.pause(view, ())
                return _outcome(view, "paused", at="interrupt_after")
        if looks and due and (moved := (yield from sent.between_steps(view))):
            yield from _show(view, moved)
    if ran >= limit:
        return (yield from _failed(view, _too_many(view)))
    return _outcome(view, "success")


def _failed(view: View, error: BaseException) -> Steps[Outcome]:
    """The work has failed with `error`: undo what is on record, then raise it (RB.8)."""
    if not undoing.is_wanted(view, error):
        raise error
    notes = getattr(error, "__notes__", ())
    yield from undoing.begin(view, undoing.FAILED, repr(error), notes)
    return (yield from _undo(view, error))


def _undo(view: View, error: BaseException | None = None) -> Steps[Outcome]:
    """The step that undoes; it ends with what the work has ended with, each time it is come to."""
    run = view.run
    if run.stop.mode and run.is_root:
        raise run.stop.error()
    tasks = plan.due_tasks(view)
    run.live_checkpoint = view.anchor
    run.live_step = view.step + 1
    run.channels = view.channels
    if view.pending:
        restore(view, tasks)
    step = yield from run_tasks(view, tasks)
    if step.failures:
        raise step.failures[0][1]
    if not is_whole(step):
        return (yield from _interrupted(view, tasks, step))
    held, view.held = view.held, []
    yield from commit.save_writes(view, held, step.closed)
    raise undoing.end_of(view, tasks[0], error)


def _drains(run: Run, ran: int) -> bool:
    """Say whether the run is to stop before its next step; an answer is on record when its task has run."""
    if run.control is None or not run.control.drain_requested:
        return False
    return ran > 0 or not run.resuming


def _enter_at_once(view: View, task: Task) -> None:
    """The input without a branch on START: nothing of the author's runs, so no task starts."""
    task.writes = task.node.write(task.due["send"])
    task.state = "done"
    if view.run.saver is not None:
        view.held.append(commit.writes_of(view, task))


def _show(view: View, changed: list[str]) -> Steps[None]:
    """Stream what a step has made of the state."""
    run = view.run
    is_over = run.program.functional and not view.due
    if is_over or _shows(view, changed):
        yield from chunks.values(view)
    if run.modes & _SEES_CHECKPOINTS:
        yield from chunks.checkpoint(view, plan.due_tasks(view))


def _shows(view: View, changed: list[str]) -> bool:
    """Say whether a step changed what the values mode shows."""
    return _has(view, view.run.stream_keys, changed)


def _has(view: View, keys: tuple[str, ...] | str, changed: list[str]) -> bool:
    """Say whether one of these keys, or the one key, has changed and holds something."""
    return any(
        (name == keys if isinstance(keys, str) else name in keys)
        and view.channels[name].is_available()
        for name in changed
    )


def _note_output(view: View, changed: list[str]) -> None:
    """A graph below gives nothing that it did not write; one of subscriptions gives what it has shown last (R1.49)."""
    run = view.run
    if not _has(view, run.program.output_keys, changed):
        return
    if run.program.subscribers:
        view.output = view.values(run.program.output_keys)
    else:
        run.is_silent = False


def _interrupted(view: View, tasks: list[Task], step: Step) -> Steps[Outcome]:
    """The pause; its values show what the finished tasks wrote, the checkpoint does not.

    Without anything to wait for it is a static breakpoint in a subgraph.
    """
    interrupts = _unique(step.order)
    asked = questions_among(interrupts)
    finished = [task for task in tasks if task.writes is not None]
    changed: list[str] = []
    if finished:  # else the step goes on, and its one-step values stay
        changed = _applied(view, finished)
    if not asked and _shows(view, changed):
        yield from chunks.values(view)
    yield from chunks.pause(view, interrupts)
    if asked:
        if view.run.program.subscribers:
            view.output = view.values(view.run.program.output_keys)
        yield from chunks.values(view, asked)
        _warn_of_no_saver(view)
    status = "interrupted" if asked else "waiting" if interrupts else "paused"
    outcome = _outcome(view, status, interrupts)
    outcome.asked = tuple(asked for task in step.tasks for asked in task.asked)
    return outcome


def _warn_of_no_saver(view: View) -> None:
    run = view.run
    if run.saver is None and run.is_root and run.warn is not None:
        run.warn(
            f"graph {run.program.name!r} asks a question and has no checkpointer, so nothing was "
            "saved and nobody can answer; compile it with checkpointer=... (R5.11)"
        )


def _applied(view: View, finished: list[Task]) -> list[str]:
    """What has finished, put into the values of a pause; returns the keys that moved.

    What cannot be applied fails a graph below when its step ends, not before its question is asked:
    nobody is given the values of its pause. The root's are the result of the call.
    """
    if view.run.outer is None:
        return apply_writes(view, finished)[0]
    before = view.channels
    view.channels = {key: channel.twin() for key, channel in before.items()}
    try:
        return apply_writes(view, finished)[0]
    except Exception:  # noqa: BLE001 - the author's reducer may raise anything
        view.channels = before
        return []


def _asked_beside(view: View, step: Step) -> Steps[None]:
    """Stream the questions of a step that fails; they are saved and open like others (R5.13)."""
    if step.order:
        interrupts = _unique(step.order)
        yield from chunks.pause(view, interrupts)
        if asked := questions_among(interrupts):
            yield from chunks.values(view, asked)
    if view.run.parent is not None:
        inside = [q for task, _ in step.failures if task for q in task.interrupts]
        commit.note_asked_below(view.run.parent, [*step.order, *inside])


def _unique(interrupts: list[Interrupt]) -> tuple[Interrupt, ...]:
    return tuple({question.id: question for question in interrupts}.values())


def _outcome(
    view: View,
    status: str,
    interrupts: tuple[Interrupt, ...] = (),
    at: PauseStatus = "pending",
) -> Outcome:
    program = view.run.program
    if program.functional and status == "paused" and at != "interrupt_after":
        # its body has returned nothing; what is saved is the result of an earlier run
        return Outcome(None, interrupts, status, paused_at=at)
    if view.run.is_silent:
        return Outcome(view.output, interrupts, status, paused_at=at)
    return Outcome(view.values(program.output_keys), interrupts, status, paused_at=at)


def _too_many(view: View) -> GraphRecursionError:
    run = view.run
    where = f" on thread {run.thread_id!r}" if run.thread_id else ""
    goes_on = "The state is saved: invoke(None) goes on"
    if undoing.is_wanted(view, GraphRecursionError()):
        goes_on = "What it has done is undone: begin anew"
    return GraphRecursionError(
        f"graph {run.program.name!r}{where} did not end within recursion_limit={run.limit} steps. "
        f"{goes_on}; raise config['recursion_limit'] if so many are meant."
    )
