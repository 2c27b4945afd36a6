"""Undo what a thread has done whose work is cancelled (RB.8).

Work is undone by the very run that was cancelled, before it ends: whoever replaces it waits, and a worker that
takes it over goes on with that. Of a thread that waits the run that has led there is queued again for it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS
from django.db.models.functions import Now

from workflows.engine.errors import CompensationFailed, LeaseLostError, RunCancelled
from workflows.engine.loop.undoing import Undo
from workflows.models import Run
from workflows.services import registry
from workflows.services.binding import bound
from workflows.services.driving import drive
from workflows.services.outcomes import Outcome, outcome_of
from workflows.services.queueing import wake
from workflows.services.waking import note_what_waits
from workflows.storage.awaited import may_wait
from workflows.storage.claims import Claim
from workflows.storage.events import append_events
from workflows.storage.outage import is_away
from workflows.storage.places import DIRECT_KINDS
from workflows.storage.saver import DjangoSaver
from workflows.storage.undos import NOT_UNDONE, to_undo

NO_WORKER = (
    "What it has done is not undone: no worker carries this thread out, a program does."
)


def undo_cancelled(claim: Claim, look_up: Callable[[], None]) -> Outcome:
    """How a claimed run ends that is cancelled: what its thread has on record is undone before.

    `look_up` is called after each saving, and ends the run by raising.
    """
    ended = Outcome(Run.Status.CANCELLED)
    found = to_undo(DjangoSaver(claim.using), claim.thread_id)
    if found.problem:
        return _not_undone(found.problem)
    if not found.on_record and not found.begun:
        return ended
    item = registry.find(claim.graph)
    if item is None:  # taken out since the claim: another worker may know it
        return Outcome(Run.Status.PENDING)
    graph = bound(item.graph, DjangoSaver(claim.using, claim))
    reason = _note(claim)
    waited = may_wait(claim.using, claim.thread_id)
    try:
        stopped = drive(claim, graph, Undo(reason), look_up)
    except RunCancelled as stop:
        if stop.cause == "lost":
            raise
        return ended if stop.cause == "undone" else _not_undone("It was stopped.")
    except (LeaseLostError, CompensationFailed):
        raise
    except Exception as error:
        if (
            is_away(error)
            or to_undo(DjangoSaver(claim.using), claim.thread_id).on_record is False
        ):
            raise
        return _not_undone(outcome_of(error).error)
    if waited:
        note_what_waits(claim, graph)
    return Outcome(stopped)


def _not_undone(why: str) -> Outcome:
    return Outcome(Run.Status.CANCELLED, NOT_UNDONE, error=why)


def _note(claim: Claim) -> str:
    """Have the run's row say that it undoes from now on, and is not to end for having been cancelled; the reason of that.

    It may take longer than the work was given. Raises LeaseLostError where the run is no longer ours.
    """
    mine = Run.objects.using(claim.using).filter(
        pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING
    )
    changed = mine.update(
        cancel_requested_at=None, cancel_mode=Run.CancelMode.UNDO, deadline=None
    )
    if not changed:
        raise LeaseLostError(str(claim.run_id), claim.fence)
    told = {"run": claim.run_id, "kind": claim.kind, "status": "running"}
    told["undoes"] = True
    append_events(claim.using, claim.thread_id, claim.run_id, [("run", told)])
    return mine.values_list("cancel_reason", flat=True).get()


def has_undo(thread_id: str) -> bool:
    """Whether something is on record on the thread that is undone when its work is cancelled."""
    return to_undo(DjangoSaver(DEFAULT_DB_ALIAS), thread_id).on_record


def queue_undo(run: Run, reason: str, by: str) -> str:
    """Queue `run` again, with which a thread waits that is cancelled, where something is to be undone.

    Called with the thread's row locked. Returns "" where it is queued or nothing is on record; else why what is on record stays.
    """
    found = to_undo(DjangoSaver(DEFAULT_DB_ALIAS), run.thread_id)
    if found.problem or not found.on_record:
        return found.problem
    if run.kind in DIRECT_KINDS or registry.find(run.graph) is None:
        return NO_WORKER
    Run.objects.filter(pk=run.pk).update(
        status=Run.Status.PENDING,
        cancel_mode=Run.CancelMode.UNDO,
        cancel_requested_at=None,
        cancel_reason=reason,
        due_at=Now(),
        start_by=None,
        deadline=None,
        finished_at=None,
        recoveries=0,
        owner="",
        lease_until=None,
        reason="",
        # Another run may have it by now.
        dedup_key=None,
    )
    told = {"run": run.pk, "kind": run.kind, "by": by, "status": "pending"}
    told["undoes"] = True
    append_events(DEFAULT_DB_ALIAS, run.thread_id, run.pk, [("run", told)])
    wake(run.pk)
    return ""
