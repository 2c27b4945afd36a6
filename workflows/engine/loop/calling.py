"""A `@task` was called: its answer from the record, or its start."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from workflows.engine.constants import RETURN
from workflows.engine.errors import GraphInterrupt
from workflows.engine.loop import caching, commit, plan, undo_node, undos
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.handling import revived
from workflows.engine.loop.rehearsal import RecordEnds
from workflows.engine.loop.resume import load_answers, may_start, questions
from workflows.engine.loop.step import Step, start
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.transacted import commit_of
from workflows.engine.loop.view import View


def call(view: View, step: Step, child: Task) -> Steps[None]:
    """A `@task` was called: answer from the record, or start it (R4.12)."""
    made = child.call
    parent = child.parent
    assert made is not None  # noqa: S101
    assert parent is not None  # noqa: S101
    parent.note_made(child)
    if not made.future.begin():
        return  # cancelled before it was taken up
    if child.node is undo_node.RECORD:
        undos.put_on_record(view, step, child)
        return
    if view.run.program.functional and parent.node is not undo_node.NODE:
        _inherit(view, child)
    step.unsaved += commit.failures_that_are_history(parent, made.position)
    twin = step.calls.get(child.id)
    if twin is not None and twin.call is not None:
        twin.call.future.also(made.future)  # a retried body meets its running call
        return
    try:
        found, value = plan.recorded_call(view, child)
    except Exception as error:  # noqa: BLE001 - the caller is told
        made.future.fail(error)
        return
    if found:
        made.future.answer(value)
        child.writes = [(RETURN, value)]
        return  # it was shown when it ended (R8.17)
    failure = plan.recorded_failure(view, child)
    if failure is not None:
        made.future.fail(revived(failure, _place_of(view, child)))
        return
    load_answers(view, [child])
    parent.take_child(child)
    # It asked, and nobody has answered (R5.17).
    if not may_start(view, child) and _still_asks(view, child):
        child.state = "suspended"
        child.interrupts = list(questions(view, child))
        made.future.fail(GraphInterrupt(child.interrupts))
        return
    if view.run.rehearsal is not None:
        asked_for = f"task {child.name!r}, call number {made.number + 1} of that name"
        made.future.fail(RecordEnds(asked_for))
        return
    if child.node.transaction is not None:
        child.to_commit = partial(commit_of, view, child)
    if child.node.cache is not None and view.run.cache is not None:
        try:
            known = yield from caching.recall_call(view, step, child)
        except Exception as error:  # noqa: BLE001 - the caller is told
            made.future.fail(error)
            return
        if known:
            return
    yield from start(view, step, child)


def _inherit(view: View, child: Task) -> None:
    """An entrypoint's retry and cache policies are those of the tasks in it that have none (R8.16)."""
    given, own = view.run.program.nodes[view.run.program.first], child.node
    retry, cache = own.retry or given.retry, own.cache or given.cache
    if own.transaction is not None:  # what it writes is no result to be kept
        cache = None
    if retry is not own.retry or cache is not own.cache:
        child.node = replace(own, retry=retry, cache=cache)


def _still_asks(view: View, child: Task) -> bool:
    """Say whether what a call asked is what its node's task waits for; else it asks anew.

    The task may have asked for something before it since then, as after an edit.
    """
    caller = child
    while caller.parent is not None:
        caller = caller.parent
    asked = {question.id for question in view.questions_of(caller.id)}
    return not asked or all(q.id in asked for q in questions(view, child))


def _place_of(view: View, child: Task) -> str:
    assert child.call is not None  # noqa: S101
    thread = f" of thread {view.run.thread_id!r}" if view.run.thread_id else ""
    return (
        f"task {child.name!r} (call number {child.call.number + 1} of that "
        f"name){thread}"
    )
