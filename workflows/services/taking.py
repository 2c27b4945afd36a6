"""What a claimed run gives to the engine: its input, an answer, or nothing to go on with.

A run that was claimed before may have handed its input over already. Then it must not be
given again: the engine goes on from the thread's head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflows.engine import serde
from workflows.models import Checkpoint, Decision, Interrupt, Run
from workflows.models.run import BESIDE
from workflows.storage.claims import Claim
from workflows.storage.sealing import RUN, unseal

REFUSED_UNSEEN = ("graph_changed", "unknown_graph")
"""Reasons for which a run ended before the engine took what it was given."""


class AnswerIsVoid(Exception):
    """The question was asked anew, or closed, before the answer could be handed over."""


@dataclass(frozen=True)
class Given:
    """`value` for the engine; `decisions` are those it answers with.

    What `was_taken`, an earlier claim has handed over, with its edits: they are saved.
    """

    value: Any = None
    decisions: tuple[Decision, ...] = ()
    was_taken: bool = False


def given_to_engine(claim: Claim) -> Given:
    """What the run of `claim` gives to the engine now; raises AnswerIsVoid."""
    if claim.kind == Run.Kind.RESUME:
        return _answer(claim)
    if claim.kind == Run.Kind.START and not has_checkpoint(claim):
        return Given(_payload(claim))
    if claim.kind == Run.Kind.CONTINUE:
        kept = Given() if has_checkpoint(claim) else _kept_answer(claim)
        return kept if kept.decisions else _untaken_input(claim)
    return Given()


def _kept_answer(claim: Claim) -> Given:
    """The answer of a run that was refused because the code had changed: it still counts."""
    earlier = Run.objects.filter(thread_id=claim.thread_id, pk__lt=claim.run_id)
    for run in earlier.exclude(kind__in=BESIDE).order_by("-id"):
        if run.status != Run.Status.ERROR or run.reason not in REFUSED_UNSEEN:
            break
        if run.kind == Run.Kind.RESUME:
            decisions = tuple(run.decisions.select_related("interrupt"))
            if any(_waits_for_answer(each) for each in decisions):
                return Given(_value(run.payload, claim), decisions)
            break
    return Given()


def _untaken_input(claim: Claim) -> Given:
    """The input of the thread's last start, where that ended before anything was saved.

    It was cancelled or given up in the queue, or its worker died at once: going on from the
    head would lose the input without a word.
    """
    start = (
        Run.objects.filter(
            thread_id=claim.thread_id, kind=Run.Kind.START, pk__lt=claim.run_id
        )
        .exclude(cancel_mode=Run.CancelMode.ROLLBACK)
        .order_by("-pk")
        .first()
    )
    if start is None or not start.payload:
        return Given()
    taken = Checkpoint.objects.filter(
        thread_id=claim.thread_id, namespace="", run_id__gte=start.pk
    )
    return Given() if taken.exists() else Given(_value(start.payload, claim))


def has_checkpoint(claim: Claim) -> bool:
    """Whether an earlier claim of the run has moved the thread's head."""
    if claim.fence == 1:
        return False
    return Checkpoint.objects.filter(
        thread_id=claim.thread_id, namespace="", run_id=claim.run_id
    ).exists()


def _answer(claim: Claim) -> Given:
    decisions = tuple(
        Decision.objects.filter(run_id=claim.run_id).select_related("interrupt")
    )
    if has_checkpoint(claim):
        return Given(_payload(claim), decisions, was_taken=True)
    open_ones = [each for each in decisions if _waits_for_answer(each)]
    if open_ones or not decisions:
        return Given(_payload(claim), decisions)
    if claim.fence > 1 and all(_is_resolved(each) for each in decisions):
        return Given(_payload(claim), decisions, was_taken=True)
    raise AnswerIsVoid


def _payload(claim: Claim) -> Any:
    return _value(claim.payload, claim)


def _value(text: str, claim: Claim) -> Any:
    return serde.loads(unseal(text, claim.thread_id, RUN))


def _waits_for_answer(decision: Decision) -> bool:
    row = decision.interrupt
    return row.status == Interrupt.Status.DECIDED and row.round == decision.round


def _is_resolved(decision: Decision) -> bool:
    row = decision.interrupt
    return row.status == Interrupt.Status.RESOLVED and row.round == decision.round
