"""Updates that were sent to the thread: carried out between two steps, or while nothing runs, and answered (RB.16).

What changes is the state alone: what is due stays due, an open question stays open, finished work of the step counts.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from workflows.engine.checkpoint.base import Commit
from workflows.engine.checkpoint.updating import (
    UpdateAnswer,
    UpdateRequest,
    UpdateWithdrawn,
)
from workflows.engine.constants import OF_SAVER
from workflows.engine.errors import SerializationError, ThreadBusyError
from workflows.engine.loop import commit, effects, fitting, opening, undoing
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.program import Writes
from workflows.engine.loop.run import Run
from workflows.engine.loop.update import work_of
from workflows.engine.loop.view import View
from workflows.engine.update_errors import UnknownUpdateError, UpdateRefused

SENT = "sent_update"
"""In a checkpoint's metadata: which update made it, and who sent that."""


class Taken(Struct):
    """Whether an update has waited, and how the saver is told that its thread was left."""

    is_one: bool = False
    status: str = "success"


def takes(run: Run) -> bool:
    """Say whether a run looks between its steps for what was sent.

    With durability "exit" nothing is saved there, so what is sent waits for the end of the run.
    """
    return (
        bool(run.program.updates)
        and run.outer is None
        and run.saver is not None
        and run.durability != "exit"
    )


def settle(view: View) -> Steps[None]:
    """Answer the update that has made the present checkpoint: whoever saved that may not have come to say so."""
    note = view.metadata.get(SENT)
    if isinstance(note, dict) and not view.run.saver.answers_in_commit:
        done = UpdateAnswer("done", note.get("result"))
        given = view.run.thread_id, note.get("id"), done
        yield from effects.updates("answer_update", *given)


def before_steps(view: View) -> Steps[None]:
    """Where a run goes on after a whole step, what was sent meanwhile comes first; else its first step does, which knows the answers given."""
    yield from settle(view)
    is_whole = not (view.pending or view.run.answers)
    if is_whole and view.due and view.due[0]["node"] != view.run.program.first:
        yield from between_steps(view)


def between_steps(view: View) -> Steps[list[str]]:
    """Answer all that waits; returns the channels that moved."""
    moved: list[str] = []
    sent = yield from effects.updates("waiting_updates", view.run.thread_id)
    for request in sent:
        moved += yield from _answer(view, request)
    return moved


def first_waiting(run: Run) -> Steps[Taken]:
    """One update to a thread at which no run is at work: the oldest that waits, if one does.

    Raises ThreadBusyError while a run is, or is to begin where the thread could not take an update yet.
    """
    view = yield from opening.load_view(run)
    thread_id = run.thread_id
    yield from settle(view)
    sent = yield from effects.updates("waiting_updates", thread_id)
    if not sent:
        return Taken()
    if not view.due and (yield from effects.updates("is_to_go_on", thread_id)):
        raise ThreadBusyError("?", thread_id=thread_id or "")
    if view.id:
        yield from fitting.fit_for_edit(view)
        view.step = max(view.step, -1)
    before = view.id
    yield from _answer(view, sent[0])
    yield from commit.finish(view)
    return Taken(True, "success" if view.id != before else "refused")


def _answer(view: View, request: UpdateRequest) -> Steps[list[str]]:
    """Carry an update out, or say why not; where it is refused the view is as it was."""
    thread_id = view.run.thread_id
    before = {name: getattr(view, name) for name in View.__slots__}
    view.channels = {key: channel.twin() for key, channel in view.channels.items()}
    try:
        saving = yield from _carried_out(view, request)
        yield from effects.updates("hold_update", thread_id, request.id)
        yield from effects.save(saving)
    except Exception as error:
        if _is_of_the_saver(error):
            raise
        for name, value in before.items():
            setattr(view, name, value)
        if isinstance(error, UpdateWithdrawn):
            return []
        answer = _refusal(error)
        yield from effects.updates("answer_update", thread_id, request.id, answer)
        return []
    view.base_id, view.saved = view.id, True
    if not view.run.saver.answers_in_commit and saving.answers is not None:
        yield from effects.updates("answer_update", thread_id, *saving.answers)
    return list(saving.changed)


def _is_of_the_saver(error: BaseException) -> bool:
    """Say whether the saver failed; that it cannot keep a value is the handler's fault, not the run's."""
    if isinstance(error, SerializationError | UpdateWithdrawn):
        return False
    return bool(getattr(error, OF_SAVER, False))


def _refusal(error: BaseException) -> UpdateAnswer:
    """The answer that an error is, as plain text: it has to be kept, whatever a handler has put into it."""
    if isinstance(error, UpdateRefused):
        errors = {_text(name): _text(why) for name, why in error.errors.items()}
        return UpdateAnswer("refused", reason=_text(error.reason), errors=errors)
    return UpdateAnswer("failed", reason=f"{type(error).__name__}: {_text(error)}")


def _text(said: object) -> str:
    try:
        return str(said)
    except Exception:  # noqa: BLE001 - the author's class may raise anything
        return f"a {type(said).__name__} without a text"


def _carried_out(view: View, request: UpdateRequest) -> Steps[Commit]:
    """Have the handler called and put what it gives into the channels; returns what there is to save."""
    run = view.run
    handler = run.program.updates.get(request.name)
    if handler is None:
        known = run.program.updates
        raise UnknownUpdateError(request.name, run.program.name, known)
    _check_standing(view)
    args = handler.arguments(request.args)
    work = yield from work_of(view, True)
    state = handler.read(view.channels, run.limit)
    returned = yield from effects.compute(handler.fn, (state,), args, handler.is_async)
    writes, result = handler.outcome(returned)
    changed = {*work.changed, *view.dirty, *_written(view, writes)}
    view.dirty = set()
    note: dict[str, Any] = {"id": request.id, "name": request.name, "by": request.by}
    if not run.saver.answers_in_commit:
        note |= {"args": request.args, "result": result}
    extra: dict[str, Any] = {"wrote": [*(view.metadata.get("wrote") or ())], SENT: note}
    if work.over:
        extra["over"] = sorted(work.over)
    due = work.keep([], set(), explicit=True)
    saving = commit.advance(view, "update", due, changed, extra=extra)
    saving.last, saving.durability = True, "sync"
    saving.answers = request.id, UpdateAnswer("done", result)
    return saving


def _check_standing(view: View) -> None:
    thread = f"thread {view.run.thread_id!r}"
    if not view.id:
        raise UpdateRefused(
            f"{thread} has not begun, so it has no state to update; start it first"
        )
    if not view.due:
        raise UpdateRefused(
            f"{thread} has ended, and nothing of it would see the update; start it again, or edit its state"
        )
    if undoing.is_due(view):
        raise UpdateRefused(
            f"what {thread} has done is being undone; it takes no updates any more"
        )


def _written(view: View, writes: Writes) -> list[str]:
    """The channels that moved. What holds for one step stays: the step is still to come."""
    grouped: dict[str, list[Any]] = {}
    for channel, value in writes:
        grouped.setdefault(channel, []).append(value)
    return [
        channel
        for channel, values in grouped.items()
        if view.channels[channel].update(values)
    ]
