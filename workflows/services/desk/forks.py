"""Decisions and the forks on which their questions were asked again: which belongs to which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from workflows.models import Interrupt, Reopening
from workflows.services.queueing import UNFINISHED

_PLACE = ("thread_id", "node", "task_path", "ordinal", "key")


@dataclass(frozen=True)
class Fork:
    """One fork for one decision: by whom, why, and the `question` that is its own again.

    `question` is None while the run has not asked it, and where it went another way; `status`
    is that of the question, or else of the run.
    """

    decision: int
    who: str
    reason: str
    at: datetime
    run: int | None
    question: int | None
    status: str

    @property
    def is_under_way(self) -> bool:
        """Whether its run may still come to the question."""
        return self.question is None and self.status in UNFINISHED

    @property
    def is_open(self) -> bool:
        """Whether the question waits for its new answer, or is on the way to."""
        return self.is_under_way or self.status in (
            Interrupt.Status.PENDING,
            Interrupt.Status.DECIDED,
        )


def forks_of(threads: Collection[str]) -> list[Fork]:
    """All forks of these threads that reopened a decision, oldest first."""
    found = list(
        Reopening.objects.filter(decision__interrupt__thread__in=threads)
        .select_related("decision__interrupt", "run")
        .order_by("id")
    )
    if not found:
        return []
    asked = list(
        Interrupt.objects.filter(
            thread__in={each.decision.interrupt.thread_id for each in found},
            pk__gt=min(each.last_question for each in found),
        )
        .only("id", "status", *_PLACE)
        .order_by("id")
    )
    return [_fork(each, asked) for each in found]


def _fork(row: Reopening, asked: list[Interrupt]) -> Fork:
    first = row.decision.interrupt
    again = next(
        (
            each
            for each in asked
            if each.pk > row.last_question and _place(each) == _place(first)
        ),
        None,
    )
    run_status = row.run.status if row.run else ""
    return Fork(
        row.decision_id,
        row.person_name or "system",
        row.reason,
        row.created_at,
        row.run_id,
        again.pk if again else None,
        again.status if again else run_status,
    )


def _place(row: Interrupt) -> tuple[str, str, str, int, str]:
    """Where in its thread a question is asked, whatever checkpoint that was at."""
    return (row.thread_id, row.node, row.task_path, row.ordinal, row.key)
