"""Telling why a question takes no answer any more."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.models import Decision, Interrupt
from workflows.services.action import AlreadyDecided, NotPending

PAST_TENSE: dict[str, str] = {
    Decision.Kind.APPROVE: "approved",
    Decision.Kind.EDIT: "edited and approved",
    Decision.Kind.REJECT: "rejected",
    Decision.Kind.RESPOND: "answered",
    Decision.Kind.CHANGES: "sent back",
    Decision.Kind.CLOSE: "closed without an answer",
    Decision.Kind.TIMEOUT: "closed for want of an answer in time",
}


def refuse_closed(row: Interrupt) -> None:
    """Raise what tells why `row` takes no answer; AlreadyDecided names the decision."""
    if row.status != Interrupt.Status.PENDING:
        raise why_closed(row, row.decisions.order_by("-round")[:1])


def why_closed(row: Interrupt, made: Iterable[Decision]) -> NotPending:
    """What tells why `row`, which is not pending, takes no answer.

    `made` are the decisions on it, the newest first.
    """
    last = next(iter(made), None)
    if last is not None and last.round == row.round:
        by = f" by {last.person_name}" if last.person_name else ""
        return AlreadyDecided(
            f"Question #{row.pk} was {PAST_TENSE.get(last.kind, last.kind)}{by}.",
            who=last.person_name,
            when=last.created_at,
            kind=last.kind,
            reason=last.reason,
        )
    return NotPending(
        f"Question #{row.pk} is {row.status} and takes no answer.",
        when=row.closed_at,
        kind=row.status,
        reason=row.reason,
    )
