"""Carry out one run: claim it, hand it to the engine, record how it ended.

Called by workers with a run's id. The claim's fencing number guards every write, so a
worker that was taken for dead does no harm: it stops at its first refused write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from workflows.engine.errors import (
    LeaseLostError,
    RunCancelled,
    UnknownInterruptError,
)
from workflows.engine.response_schemas import is_refused
from workflows.engine.types import Command
from workflows.models import Decision, Interrupt, Run
from workflows.services import lost_runs, registry
from workflows.services.afterwards import after_commit
from workflows.services.binding import bound
from workflows.services.cancel_run import cancel_thread
from workflows.services.desk.arranging import arrange_new
from workflows.services.driving import drive
from workflows.services.ends import (
    CHILDREN,
    NOTHING_SLEEPS,
    children_to_wait_for,
    note_end,
    wait_for_children,
)
from workflows.services.lines import move_up, wake_when_window_opens, was_let_in
from workflows.services.outcomes import Outcome, node_of, outcome_of
from workflows.services.queueing import hold_thread, wake
from workflows.services.run_warnings import collected_warnings
from workflows.services.sleepers import wake_if_due
from workflows.services.taking import AnswerIsVoid, Given, given_to_engine
from workflows.services.undoing import undo_cancelled
from workflows.services.waking import note_what_waits, woken_by
from workflows.storage.admission import Line, hands
from workflows.storage.awaited import is_waited_on, may_wait
from workflows.storage.claims import Claim, claim_run, finish_run
from workflows.storage.connections import is_lost, is_unwritten
from workflows.storage.events import append_events
from workflows.storage.leases import keeper
from workflows.storage.outage import LOCKED, is_away, why_unwritable
from workflows.storage.owners import process_owner
from workflows.storage.places import settle_cancelled
from workflows.storage.saver import DjangoSaver
from workflows.storage.undos import NOT_UNDONE

log = logging.getLogger(__name__)

LOST = "lost"
ANSWER_REFUSED = "answer_refused"
_at_work: dict[int, Claim] = {}
_SETTLED = ("", NOT_UNDONE)
_PAUSED = (Run.Status.WAITING, Run.Status.INTERRUPTED)
_OPEN = (Interrupt.Status.PENDING, Interrupt.Status.DECIDED)


class _Stopped(Exception):
    """The run was asked to stop at a safe place; `status` says what becomes of it."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def execute_run(
    run_id: int,
    *,
    owner: str | None = None,
    should_stop: Callable[[], bool] | None = None,
    in_company: bool = False,
) -> str:
    """Carry out the run if it can be claimed now; returns the status it ends with.

    A run that somebody else works on, or whose thread is busy, is left alone, and so is one
    of a workflow that this process does not know: it waits for a worker that does. Where
    `should_stop` says so between two steps, the run is given back to the queue. A process
    that works on others too says `in_company`, and is not given a run's last attempt.
    """
    claim = claim_run(
        run_id,
        owner or process_owner(),
        graphs=registry.names(),
        in_company=in_company,
    )
    if claim is None:
        return _left(run_id)
    after_commit(was_let_in, claim.line)  # who fails there is not to leave the claim
    return perform(claim, should_stop)


def _left(run_id: int) -> str:
    """The status of a run that could not be claimed; where its queue did not let it in, it is seen to that it comes again."""
    rows = Run.objects.filter(pk=run_id)
    found = rows.values_list("status", "queue", "partition").first()
    if found is None:
        return LOST
    status, *line = found
    if status == Run.Status.PENDING:
        wake_when_window_opens(Line(*line))
    return str(status)


def perform(claim: Claim, should_stop: Callable[[], bool] | None = None) -> str:
    """Carry out a claimed run."""
    with collected_warnings() as warnings:
        return _perform(claim, should_stop, warnings)


def _perform(
    claim: Claim, should_stop: Callable[[], bool] | None, warnings: list[str]
) -> str:
    _at_work[claim.run_id] = claim
    try:
        given, outcome = _carried_out(claim, should_stop)
        if outcome.status == Run.Status.CANCELLED and not outcome.reason:
            outcome = _undone(claim, should_stop)
        if outcome.status == Run.Status.PENDING:
            return _give_back(claim)
        return _finish(claim, outcome, given, warnings)
    except LeaseLostError:
        log.warning("run %s was taken over; stopped", claim.run_id)
        return LOST
    except Exception as error:
        if not is_away(error):
            raise
        log.exception("run %s stopped: the database could not be used", claim.run_id)
        lost_runs.remember(claim, error)
        return LOST
    finally:
        _at_work.pop(claim.run_id, None)
        keeper.drop(claim.using, claim.run_id)
        hands.drop(claim.using, claim.run_id, claim.fence)


def _carried_out(
    claim: Claim, should_stop: Callable[[], bool] | None
) -> tuple[Given, Outcome]:
    """What the engine was given, and how it ended; with status pending the run is to be given back."""
    given = Given()
    try:
        if claim.fence > 1:
            _stop_here(claim, None)
            _stop_where_undone(claim)
        given = given_to_engine(claim)
        return given, _run_graph(claim, given, should_stop)
    except _Stopped as stopped:
        return given, Outcome(stopped.status)
    except AnswerIsVoid:
        return given, Outcome(Run.Status.CANCELLED, "question_changed")
    except RunCancelled as stopped:
        return given, _stopped(claim, stopped)
    except LeaseLostError:
        raise
    except Exception as error:
        if _is_of_the_database(claim, error):
            raise
        return given, _failed(claim, given, error)


def _undone(claim: Claim, should_stop: Callable[[], bool] | None) -> Outcome:
    """How a run ends that was cancelled: what its thread has done is undone first (RB.8)."""
    try:
        return undo_cancelled(claim, partial(_stop_here, claim, should_stop))
    except _Stopped as stopped:
        is_over = stopped.status == Run.Status.CANCELLED
        return Outcome(stopped.status, NOT_UNDONE if is_over else "")
    except RunCancelled as stopped:
        return _stopped(claim, stopped)
    except LeaseLostError:
        raise
    except Exception as error:
        if _is_of_the_database(claim, error):
            raise
        return _failed(claim, Given(), error)


def give_back_all() -> None:
    """Put what this process is at work on back into the queue: the process is about to end.

    Another begins the present steps again, and no recovery is counted.
    """
    for claim in list(_at_work.values()):
        try:
            _give_back(claim)
        except LeaseLostError:
            continue  # it has just ended, or been taken over
        log.warning(
            "run %s of thread %s did not come to the end of its step in time; it is "
            "given back, and its step begins again elsewhere",
            claim.run_id,
            claim.thread_id,
        )


def _run_graph(
    claim: Claim, given: Given, should_stop: Callable[[], bool] | None
) -> Outcome:
    item = registry.find(claim.graph)
    if item is None:  # taken out since the claim
        raise _Stopped(Run.Status.PENDING)
    graph = bound(item.graph, DjangoSaver(claim.using, claim))
    look_up = partial(_stop_here, claim, should_stop)
    was_taken, value = given.was_taken, given.value
    waited = may_wait(claim.using, claim.thread_id)
    if claim.kind == Run.Kind.WAKE:
        value = woken_by(claim, graph)
        if value is None:
            return _nothing_woken(claim)
    if not was_taken:
        try:
            stopped = drive(claim, graph, value, look_up)
        except UnknownInterruptError:
            first = claim.fence == 1 and claim.kind == Run.Kind.RESUME
            if first or not isinstance(value, Command):
                raise
            was_taken = True  # by an earlier claim, or an earlier run
    if was_taken:
        # Go on as a resume does, without starting what waits for an answer.
        again: Command[Any] = Command(resume=value.resume)
        stopped = drive(claim, graph, again, look_up, strict_resume=False)
    if waited:
        note_what_waits(claim, graph)
    if _has_open_questions(claim.thread_id):
        return Outcome(Run.Status.INTERRUPTED)
    return Outcome(stopped)


def _nothing_woken(claim: Claim) -> Outcome:
    """Nothing has waited long enough: the thread is left as it is."""
    if _has_open_questions(claim.thread_id):
        return Outcome(Run.Status.INTERRUPTED)
    if may_wait(claim.using, claim.thread_id):
        return Outcome(Run.Status.WAITING)
    if children_to_wait_for(claim.thread_id):
        return Outcome(Run.Status.SUCCESS)
    return Outcome(Run.Status.CANCELLED, NOTHING_SLEEPS)


def _stop_here(claim: Claim, should_stop: Callable[[], bool] | None) -> None:
    """Called when a step is safely saved: stop where somebody asked for it."""
    if should_stop is not None and should_stop():
        raise _Stopped(Run.Status.PENDING)
    asked = Run.objects.filter(pk=claim.run_id, cancel_requested_at__isnull=False)
    if asked.exclude(cancel_mode=Run.CancelMode.UNDO).exists():
        raise _Stopped(Run.Status.CANCELLED)


def _stop_where_undone(claim: Claim) -> None:
    """A run that was cancelled, and undoes, goes on with that and with nothing else."""
    run = Run.objects.filter(pk=claim.run_id, cancel_mode=Run.CancelMode.UNDO)
    if run.exists():
        raise _Stopped(Run.Status.CANCELLED)


def _stopped(claim: Claim, stopped: RunCancelled) -> Outcome:
    """How a run ends that was stopped in the middle of a step, or has undone what a cancelled one did."""
    if stopped.cause == "lost":
        raise LeaseLostError(str(claim.run_id), claim.fence)
    if stopped.cause == "timeout":
        return Outcome(Run.Status.TIMEOUT, "run_timeout", error=str(stopped))
    if stopped.cause == "undone":
        mine = Run.objects.filter(pk=claim.run_id, fence=claim.fence, cancel_reason="")
        mine.update(cancel_reason=stopped.reason)
    return Outcome(Run.Status.CANCELLED)


def _is_of_the_database(claim: Claim, error: Exception) -> bool:
    """Whether a run has ended because the database is away: another attempt is to carry it out."""
    return is_away(error) and (not node_of(error) or _is_not_its_own(claim, error))


def _is_not_its_own(claim: Claim, error: Exception) -> bool:
    """Whether a node failed because the storage, or everybody, has lost the database.

    A task, or a graph that a node calls, is saved while the node runs: what is lost there comes
    out of the node as if it were the node's own.
    """
    why = why_unwritable(error)
    if why == LOCKED:  # a node that writes may have taken the lock itself
        return is_unwritten(error)
    return bool(why) or is_lost(error) or lost_runs.was_away(claim)


def _failed(claim: Claim, given: Given, error: Exception) -> Outcome:
    outcome = outcome_of(error)
    if given.decisions and is_refused(error):
        return Outcome(
            Run.Status.INTERRUPTED, ANSWER_REFUSED, outcome.error, outcome.error_node
        )
    log.warning(
        "run %s of thread %s ended with %s",
        claim.run_id,
        claim.thread_id,
        outcome.error,
    )
    return outcome


def _finish(claim: Claim, outcome: Outcome, given: Given, warnings: list[str]) -> str:
    """End the run, with what follows from it, in one transaction."""
    # Not inside: a beat that is waited for may wait for the lock of that transaction.
    keeper.settle(claim.using, claim.run_id)
    with transaction.atomic(using=claim.using):
        hold_thread(claim.thread_id)
        if outcome.reason == ANSWER_REFUSED:
            for decision in given.decisions:
                _ask_again(claim, decision, outcome.error)
        if outcome.status == Run.Status.INTERRUPTED:
            arrange_new(claim.thread_id, claim.using)
        if outcome.status == Run.Status.CANCELLED and outcome.reason in _SETTLED:
            _settle_cancelled(claim)
        if outcome.status == Run.Status.SUCCESS and wait_for_children(claim.thread_id):
            outcome = Outcome(Run.Status.WAITING, CHILDREN)
        if warnings:
            told = [("warning", {"text": text}) for text in warnings]
            append_events(claim.using, claim.thread_id, claim.run_id, told)
        following = finish_run(
            claim,
            outcome.status,
            reason=outcome.reason,
            error=outcome.error,
            error_node=outcome.error_node,
            error_attempt=outcome.error_attempt,
            traceback=outcome.traceback,
            warnings="\n".join(warnings),
        )
        note_end(claim.thread_id, cancel_thread)
        move_up(claim.line)
        if following is not None:
            wake(following)
        elif outcome.status in _PAUSED and is_waited_on(claim.using, claim.thread_id):
            wake_if_due(claim.thread_id)  # what it waits for was there already
    return outcome.status


def _settle_cancelled(claim: Claim) -> None:
    """Withdraw what is asked, and where the run makes way for another, say so."""
    held = Run.objects.filter(pk=claim.run_id, fence=claim.fence)
    mode = held.values_list("cancel_mode", flat=True).first()
    if mode is None:
        raise LeaseLostError(str(claim.run_id), claim.fence)
    settle_cancelled(claim.using, claim.thread_id, claim.run_id, mode)


def _ask_again(claim: Claim, decision: Decision, reason: str) -> None:
    """Open the question again, in its next round, with the reason of the refusal."""
    row = decision.interrupt
    changed = Interrupt.objects.filter(
        pk=row.pk, status=Interrupt.Status.DECIDED, round=decision.round
    ).update(
        status=Interrupt.Status.PENDING,
        reason=reason,
        version=F("version") + 1,
        round=F("round") + 1,
    )
    if changed:
        told = {
            "interrupt": row.pk,
            "node": row.node,
            "title": row.title,
            "status": Interrupt.Status.PENDING.value,
            "round": decision.round + 1,
        }
        append_events(claim.using, claim.thread_id, claim.run_id, [("interrupt", told)])


def _give_back(claim: Claim) -> str:
    """Put the run back into the queue, as a worker does that has to stop."""
    with transaction.atomic(using=claim.using):
        hold_thread(claim.thread_id)
        changed = Run.objects.filter(
            pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING
        ).update(status=Run.Status.PENDING, owner="", lease_until=None)
        if not changed:
            raise LeaseLostError(str(claim.run_id), claim.fence)
        told = {"run": claim.run_id, "kind": claim.kind, "status": "pending"}
        append_events(claim.using, claim.thread_id, claim.run_id, [("run", told)])
        wake(claim.run_id)
        move_up(claim.line)
    return Run.Status.PENDING.value


def _has_open_questions(thread_id: str) -> bool:
    return Interrupt.objects.filter(thread_id=thread_id, status__in=_OPEN).exists()
