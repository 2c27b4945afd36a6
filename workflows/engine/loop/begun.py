"""Work that a call with a key has begun: told by its checkpoints, found again by the next call with that key (RB.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.constants import ERROR, INTERRUPT
from workflows.engine.errors import StaleResumeError
from workflows.engine.loop import chunks, effects, plan
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.notes import INPUT, KEY
from workflows.engine.loop.outcome import Outcome
from workflows.engine.loop.resume import load_answers, questions
from workflows.engine.loop.sleeping import sleep_out
from workflows.engine.loop.step import Step
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.undoing import Undo
from workflows.engine.loop.view import View
from workflows.engine.start_errors import IdempotencyConflict
from workflows.engine.types import Command
from workflows.engine.waits import Wait


class Keyed(Struct):
    """Given in the place of an input: begin with it, unless a call with this key has.

    `id` stands for graph and key, `digest` for the input; `key` and `graph` are to be named in errors.
    """

    input: Any
    key: str
    graph: str
    id: str
    digest: str


class Met(Struct):
    """What a call finds: what to give the loop now, and whether its work `is_begun`; `ended`: there is nothing to do."""

    given: Any
    is_begun: bool = False
    ended: Outcome | None = None


def meet(view: View, given: Any) -> Steps[Met]:
    """Look whether the work that a call asks for was begun on the thread, at whose head the view stands.

    Raises IdempotencyConflict where that was with another input, StaleResumeError where the thread has left it unfinished.
    """
    run = view.run
    if not isinstance(given, Keyed):
        if given is not None and not isinstance(given, Command | Undo):
            run.begun_with = None  # work of its own
        return Met(given)
    if run.begun_with is not None and run.begun_with[KEY] == given.id:
        _check_input(view, given, run.begun_with)
        return Met(None, is_begun=True)
    if view.id:
        earlier = yield from _earlier(view, given)
        if earlier is not None:
            return Met(None, ended=(yield from _ended(view, given, earlier)))
    run.begun_with = {KEY: given.id, INPUT: given.digest}
    return Met(given.input)


def _earlier(view: View, given: Keyed) -> Steps[CheckpointTuple | None]:
    """The newest checkpoint of work that lies further back on the thread."""
    config = checkpoint_config(view.run.thread_id or "", "")
    found = yield from effects.listing(config, {KEY: given.id}, limit=1)
    return found[0] if found else None


def _ended(view: View, given: Keyed, earlier: CheckpointTuple) -> Steps[Outcome]:
    """What earlier work has ended with."""
    run = view.run
    there = View(run)
    there.take(earlier)
    _check_input(view, given, there.metadata)
    if there.due:
        error = StaleResumeError(view.id, thread_id=run.thread_id)
        error.add_note(
            f"The work that key {given.key!r} has begun stands unfinished at checkpoint {there.id}, and the thread was "
            "given another input since. Give another key to begin anew"
        )
        raise error
    view.channels = there.channels
    yield from chunks.values(view)
    return Outcome(view.values(run.program.output_keys))


def _check_input(view: View, given: Keyed, noted: Mapping[str, Any]) -> None:
    if noted[INPUT] != given.digest:
        raise IdempotencyConflict(given.key, given.graph, view.run.thread_id or "")


def still_asked(view: View) -> Steps[Step | None]:
    """The present step, where nothing is left of it but questions to people, or breakpoints below; else None.

    So that who calls again is told of them, and no body runs up to its question again.
    """
    if any(task_id.startswith(plan.OUTSIDE) for task_id in view.pending):
        return None
    yield from sleep_out(view)
    tasks = plan.due_tasks(view)
    restore(view, tasks)
    load_answers(view, tasks)
    step = Step(tasks)
    for task in tasks:
        if task.writes is not None:
            continue
        asked = questions(view, task)
        is_held = asked or view.record_of(task.id, INTERRUPT) is not None
        if not is_held or view.record_of(task.id, ERROR) is not None:
            return None
        if any(isinstance(q, Wait) or q.id in view.run.answers for q in asked):
            return None
        step.order += asked
    return step if any(task.writes is None for task in tasks) else None
