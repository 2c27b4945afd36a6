"""Carry out one run: claim it, hand it to the engine, record how it ended.

Called by workers with a run's id. The claim's fencing number guards every write, so a
worker that was taken for dead does no harm: it stops at its first refused write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from workflows.engine.errors import LeaseLostError, UnknownInterruptError
from workflows.engine.types import Command
from workflows.models import Decision, Interrupt, Run
from workflows.services import registry
from workflows.services.binding import bound
from workflows.services.custom_events import CustomEvents
from workflows.services.outcomes import Outcome, node_of, outcome_of
from workflows.services.queueing import hold_thread, wake
from workflows.services.run_warnings import collected_warnings
from workflows.services.taking import AnswerIsVoid, Given, given_to_engine
from workflows.storage.claims import Claim, claim_run, finish_run
from workflows.storage.events import append_events
from workflows.storage.leases import keeper
from workflows.storage.owners import process_owner
from workflows.storage.saver import DjangoSaver

log = logging.getLogger(__name__)

LOST = "lost"
ANSWER_REFUSED = "answer_refused"
INTERRUPT_KEY = "__interrupt__"
_OPEN = (Interrupt.Status.PENDING, Interrupt.Status.DECIDED)


_DATABASE_IS_AWAY = (OperationalError, InterfaceError)


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
) -> str:
    """Carry out the run if it can be claimed now; returns the status it ends with.

    A run that somebody else works on, or whose thread is busy, is left alone. Where
    `should_stop` says so between two steps, the run is given back to the queue.
    """
    claim = claim_run(run_id, owner or process_owner())
    if claim is None:
        found = Run.objects.filter(pk=run_id).values_list("status", flat=True).first()
        return found or LOST
    return perform(claim, should_stop)


def perform(claim: Claim, should_stop: Callable[[], bool] | None = None) -> str:
    """Carry out a claimed run."""
    with collected_warnings() as warnings:
        return _perform(claim, should_stop, warnings)


def _perform(
    claim: Claim, should_stop: Callable[[], bool] | None, warnings: list[str]
) -> str:
    given = Given()
    try:
        try:
            given = given_to_engine(claim)
            outcome = _run_graph(claim, given, should_stop)
        except _Stopped as stopped:
            if stopped.status == Run.Status.PENDING:
                return _give_back(claim)
            outcome = Outcome(stopped.status)
        except AnswerIsVoid:
            outcome = Outcome(Run.Status.CANCELLED, "question_changed")
        except LeaseLostError:
            raise
        except Exception as error:
            if isinstance(error, _DATABASE_IS_AWAY) and not node_of(error):
                raise
            outcome = _failed(claim, given, error)
        return _finish(claim, outcome, given, warnings)
    except LeaseLostError:
        log.warning("run %s was taken over; stopped", claim.run_id)
        return LOST
    except _DATABASE_IS_AWAY:
        # The engine could not save: the lease lapses and a sweep takes the run up again.
        log.exception("run %s stopped: the database did not answer", claim.run_id)
        return LOST
    finally:
        keeper.drop(claim.using, claim.run_id)


def _run_graph(
    claim: Claim, given: Given, should_stop: Callable[[], bool] | None
) -> Outcome:
    item = registry.find(claim.graph)
    if item is None:
        text = str(registry.UnknownGraphError(claim.graph))
        return Outcome(Run.Status.ERROR, "unknown_graph", error=text)
    graph = bound(item.graph, DjangoSaver(claim.using, claim))
    try:
        asks = _drain(claim, graph, given.value, should_stop)
    except UnknownInterruptError:
        first = claim.fence == 1 and claim.kind == Run.Kind.RESUME
        if first or not isinstance(given.value, Command):
            raise
        # An earlier claim, or an earlier run, has handed the answer over, with its edits:
        # they are saved. Go on as a resume does, without starting what waits for an answer.
        again: Command[Any] = Command(resume=given.value.resume)
        asks = _drain(claim, graph, again, should_stop, strict_resume=False)
    if asks or _has_open_questions(claim.thread_id):
        return Outcome(Run.Status.INTERRUPTED)
    return Outcome(Run.Status.SUCCESS)


def _drain(
    claim: Claim,
    graph: Any,
    value: Any,
    should_stop: Callable[[], bool] | None,
    **settings: Any,
) -> bool:
    """Run the graph to its end or to a question; whether it stopped at one."""
    chunks: Iterator[tuple[str, Any]] = graph.stream(
        value,
        {"configurable": {"thread_id": claim.thread_id, **settings}},
        stream_mode=["updates", "custom", "checkpoints"],
        durability="sync",
    )
    custom = CustomEvents(claim)
    asks = False
    try:
        for mode, chunk in chunks:
            if mode == "custom":
                custom.add(chunk)
            elif mode == "updates":
                asks = isinstance(chunk, Mapping) and INTERRUPT_KEY in chunk
            else:
                _stop_here(claim, should_stop)
        custom.flush()
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return asks


def _stop_here(claim: Claim, should_stop: Callable[[], bool] | None) -> None:
    """Called when a step is safely saved: stop where somebody asked for it."""
    if should_stop is not None and should_stop():
        raise _Stopped(Run.Status.PENDING)
    if Run.objects.filter(pk=claim.run_id, cancel_requested_at__isnull=False).exists():
        raise _Stopped(Run.Status.CANCELLED)


def _failed(claim: Claim, given: Given, error: Exception) -> Outcome:
    outcome = outcome_of(error)
    if given.decisions and is_refused_answer(error):
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


def is_refused_answer(error: BaseException) -> bool:
    """Whether the engine refused an answer that does not fit its question's schema (R5.9)."""
    return hasattr(error, "__durableweb_invalid_resume__")


def _finish(claim: Claim, outcome: Outcome, given: Given, warnings: list[str]) -> str:
    """End the run, with what follows from it, in one transaction."""
    with transaction.atomic(using=claim.using):
        hold_thread(claim.thread_id)
        if outcome.reason == ANSWER_REFUSED:
            for decision in given.decisions:
                _ask_again(claim, decision, outcome.error)
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
        if following is not None:
            wake(following)
    return outcome.status


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
    return Run.Status.PENDING.value


def _has_open_questions(thread_id: str) -> bool:
    return Interrupt.objects.filter(thread_id=thread_id, status__in=_OPEN).exists()
