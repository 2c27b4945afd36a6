"""Telling why a question takes no answer any more."""

from __future__ import annotations

from workflows.models import Interrupt
from workflows.services.action import AlreadyDecided, NotPending


def refuse_closed(row: Interrupt) -> None:
    """Raise what tells why `row` takes no answer; AlreadyDecided names the decision."""
    if row.status == Interrupt.Status.PENDING:
        return
    last = row.decisions.order_by("-round").first()
    if last is not None and last.round == row.round:
        raise AlreadyDecided(
            f"Question #{row.pk} was decided by {last.person_name}: {last.kind}.",
            who=last.person_name,
            when=last.created_at,
            kind=last.kind,
            reason=last.reason,
        )
    raise NotPending(
        f"Question #{row.pk} is {row.status} and takes no answer.",
        when=row.closed_at,
        kind=row.status,
        reason=row.reason,
    )
