"""Answers that came too late: to a question that the thread has asked, and asks no more."""

from __future__ import annotations

from typing import Any

from workflows.engine.checkpoint.base import TaskWrites, checkpoint_config
from workflows.engine.constants import ERROR, INTERRUPT, RESUME
from workflows.engine.errors import StaleAnswerError, UnknownInterruptError
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.resume import match, questions
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View, is_finished
from workflows.engine.types import Interrupt

LOOKED_BACK = 200
"""How many checkpoints are looked through for the question: what retention keeps unless told otherwise."""


def matched(view: View, resume: Any, *, is_forked: bool) -> Steps[list[TaskWrites]]:
    """As `match`; an answer that came too late is told from one that nobody asked for.

    Where it begins a branch of its own at an older checkpoint (`is_forked`) it cannot be late.
    """
    try:
        return match(view, resume)
    except UnknownInterruptError as error:
        if is_forked:
            raise
        raise (yield from _told_apart(view, error)) from None


def _told_apart(view: View, error: UnknownInterruptError) -> Steps[Exception]:
    """`error`, or StaleAnswerError where the thread has asked what it says is unknown (R5.24).

    An id that is answered names what the caller saw, so that it can be told that somebody was
    faster. The history is read, on this way to an error only.
    """
    run = view.run
    if error.reason == "nothing_pending":
        hint = _goes_on(view, None)
        if hint:
            return UnknownInterruptError(
                error.reason, thread_id=run.thread_id, hint=hint
            )
    if error.reason != "not_pending" or not view.id:
        return error
    wanted = set(error.interrupt_ids)
    here = checkpoint_config(run.thread_id or "", run.namespace)
    for found in (yield from effects.listing(here, limit=LOOKED_BACK)):
        for _, channel, kept in found.pending_writes or ():
            if channel == INTERRUPT:
                wanted -= {each.id for each in kept if isinstance(each, Interrupt)}
            elif channel == RESUME and isinstance(kept, dict):
                wanted -= kept.keys()
    if wanted:
        return error
    return StaleAnswerError(
        view.id,
        error.interrupt_ids,
        error.pending_ids,
        thread_id=run.thread_id,
        hint=_goes_on(view, set(error.interrupt_ids)),
    )


def _goes_on(view: View, asked: set[str] | None) -> str:
    """What to do where a task of the present step has its answer and has not ended since (R5.20); "" elsewhere.

    Only tasks that were asked these questions, or, for None, any.
    """
    for task in due_tasks(view):
        given = (view.record_of(task.id, RESUME) or {}).keys()
        if not given or (asked is not None and not asked <= given):
            continue
        if is_finished(view.pending[task.id]) or not _asked_by(view, task) <= given:
            continue
        failed = view.record_of(task.id, ERROR)
        since = f" and has failed since ({failed})" if failed else ""
        return f" {task.name!r} has its answer{since}: invoke(None) runs it again with that."
    return ""


def _asked_by(view: View, task: Task) -> set[str]:
    return {question.id for question in questions(view, task)}
