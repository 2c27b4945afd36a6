"""When the work of a thread is undone, how that begins, and what it ends with (RB.8)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from workflows.engine.checkpoint.base import CheckpointTuple, Closed, Due
from workflows.engine.constants import NO_WRITES, OF_SAVER, UNDO
from workflows.engine.errors import (
    DurablewebError,
    GraphBubbleUp,
    InterruptSwallowedError,
    NoParentGraphError,
    RecordedTaskError,
    RunCancelled,
    SerdeError,
)
from workflows.engine.loop import chunks, commit, plan
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.handling import revived
from workflows.engine.loop.opening import open_to_supersede
from workflows.engine.loop.outside import adopt_outside
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.response_schemas import is_refused
from workflows.engine.undo_calls import UndoCall
from workflows.engine.wait_errors import ChildFailed

FAILED, CANCELLED = "failed", "cancelled"
"""Why the work of a thread is undone."""


class Undo(Struct):
    """Given in the place of an input: do not go on, undo what is on record, and end as cancelled for this reason."""

    reason: str = ""


def is_wanted(view: View, error: BaseException) -> bool:
    """Say whether the work of a run that has failed with `error` is to be undone.

    Not where the engine itself refuses to go on: the thread stands as it stood, and can be continued.
    """
    run = view.run
    if not run.is_root or run.saver is None or run.rehearsal is not None:
        return False
    return _is_of_work(error) and bool(_own_calls(view))


def _is_of_work(error: BaseException) -> bool:
    if not isinstance(error, Exception) or is_refused(error):
        return False
    if isinstance(error, GraphBubbleUp):
        return isinstance(error, NoParentGraphError)
    if hasattr(error, OF_SAVER):
        return False
    of_work = (RecordedTaskError, ChildFailed, SerdeError, InterruptSwallowedError)
    return not isinstance(error, DurablewebError) or isinstance(error, of_work)


def _own_calls(view: View) -> list[UndoCall]:
    """What undoes what this thread itself has done; a copy has the calls of the other one on record, too."""
    return [call for call in view.undo_calls if call["thread"] == view.run.thread_id]


def is_due(view: View) -> bool:
    """Say whether nothing is left but to undo, or it is done already."""
    return any(item["node"] == UNDO for item in view.due)


def enter(view: View, given: Undo) -> Steps[None]:
    """The work of the thread was cancelled: begin to undo it, or go on with that. Raises RunCancelled where nothing is to be undone."""
    if is_due(view):
        return
    if not _own_calls(view):
        raise RunCancelled(given.reason)
    adopt_outside(view, routes=False)
    yield from begin(view, CANCELLED, given.reason, end="withdrawn")


def begin(
    view: View, why: str, text: str, notes: Sequence[str] = (), end: str = "superseded"
) -> Steps[None]:
    """Let all that is on record be what is due next, newest first; open questions are closed.

    `text` is the error that the work has failed with, or the reason of a cancel; `notes` are the error's.
    """
    calls = [*reversed(_own_calls(view))]
    view.drop_undos()
    asked = open_to_supersede(view)
    closed = [Closed(each.interrupt_id, end) for each in asked]
    given = {"why": why, "text": text, "notes": [*notes], "undo": calls}
    due: list[Due] = [{"node": UNDO, "by": [why], "send": given}]
    extra = {"wrote": list(view.metadata.get("wrote") or ())}
    kept, view.dirty = view.dirty, set()
    saving = commit.advance(view, "loop", due, kept, closed=closed, extra=extra)
    saving.last = False
    yield from commit.save_checkpoint(view, saving)
    yield from chunks.checkpoint(view, plan.due_tasks(view))


def end_of(view: View, task: Task, failed: BaseException | None) -> BaseException:
    """What a run ends with whose work is undone; `failed` is what it has met itself."""
    given = task.due["send"]
    if given["why"] == CANCELLED:
        return RunCancelled(given["text"], cause="undone")
    if failed is not None:
        return failed
    error = revived(given["text"], f"the work of thread {view.run.thread_id!r}")
    for each in given["notes"]:
        error.add_note(each)
    return error


def has_undo(saved: CheckpointTuple | None) -> bool:
    """Say whether a thread whose newest checkpoint this is has something on record to undo, and has not begun with it."""
    if saved is None:
        return False
    made = [v for _, channel, v in saved.pending_writes or () if channel == UNDO]
    return bool(calls_before(saved) or _of_thread(saved, made))


def calls_before(saved: CheckpointTuple) -> list[UndoCall]:
    """What undoes what that thread had done when this checkpoint was saved; what its step has done since stands not there."""
    return _of_thread(saved, saved.checkpoint.get("channel_values", {}).get(UNDO) or ())


def _of_thread(saved: CheckpointTuple, calls: Sequence[UndoCall]) -> list[UndoCall]:
    thread_id = str(saved.config["configurable"]["thread_id"])
    return [call for call in calls if call["thread"] == thread_id]


def calls_begun(saved: CheckpointTuple) -> list[UndoCall]:
    """What has been called, or will be, from this checkpoint on; empty where it does not undo."""
    due = saved.checkpoint.get("due") or ()
    sent = [item["send"] for item in due if item["node"] == UNDO]
    return [call for each in sent for call in each["undo"]]


def is_begun(saved: CheckpointTuple | None) -> bool:
    """Say whether what that thread has done is being undone, and that has not ended."""
    return _undoes(saved) and not is_over(saved)


def is_over(saved: CheckpointTuple | None) -> bool:
    """Say whether what that thread has done is undone: who goes on with it meets only what it has ended with."""
    writes = (saved and saved.pending_writes) or ()
    return _undoes(saved) and any(name == NO_WRITES for _, name, _ in writes)


def _undoes(saved: CheckpointTuple | None) -> bool:
    due = (saved and saved.checkpoint.get("due")) or ()
    return any(item["node"] == UNDO for item in due)
