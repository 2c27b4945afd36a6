"""A decision becomes rows: the question taken, the decision, its run, its event, its audit entry.

All in the caller's transaction, with the thread's row locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F

from workflows.engine import ids
from workflows.models import Decision, Draft, Interrupt, Run, Thread
from workflows.services.access import by_of
from workflows.services.desk import audit
from workflows.services.outbound.events import tell_decided
from workflows.services.queueing import queue_run
from workflows.storage.events import append_events
from workflows.storage.sealing import ANSWER, EDITS, seal


def take(row: Interrupt, version: int, round: int) -> bool:
    """Take the question for one decision: of several callers exactly one gets True."""
    return bool(
        Interrupt.objects.filter(
            pk=row.pk,
            status=Interrupt.Status.PENDING,
            version=version,
            round=round,
        ).update(
            status=Interrupt.Status.DECIDED,
            version=F("version") + 1,
            reason="",
            claimed_by=None,
            claimed_until=None,
            next_step_at=None,
        )
    )


def record_decision(
    row: Interrupt,
    thread: Thread,
    decision: Decision,
    command: str | None,
    *,
    override: bool = False,
    edited: Sequence[str] = (),
    bulk: int | None = None,
) -> Decision:
    """Save `decision` on the taken question and queue the run that hands `command` over.

    Answer and edits come as plain text and are sealed here, where a cipher is set.

    `command` is the tagged JSON text of a Command. The run waits until the decision's
    `start_at`. Without one no run follows. `row` is the question as it was before it was taken.
    `bulk` is the number of the order that the decision is part of.
    """
    told: dict[str, Any] = {
        "interrupt": row.pk,
        "kind": decision.kind,
        "by": by_of(decision.person),
    }
    if override:
        told["override"] = True
    if bulk is not None:
        told["bulk"] = bulk
    if edited:
        told["edited"] = list(edited)
    asked = {
        "interrupt": row.pk,
        "node": row.node,
        "title": row.title,
        "status": Interrupt.Status.DECIDED.value,
        "round": row.round,
    }
    events = [("interrupt", asked), ("decision", told)]
    if command is None:
        append_events(DEFAULT_DB_ALIAS, thread.pk, None, events)
    else:
        decision.run = queue_run(
            thread,
            Run.Kind.RESUME,
            command,
            decision.person,
            # Runs are taken with the smallest number first, questions with the greatest.
            priority=-row.priority,
            due_at=decision.start_at,
            events=events,
        )
    decision.interrupt = row
    decision.round = row.round
    decision.original = row.value
    digest = ids.digest(decision.answer)
    decision.answer = seal(decision.answer, thread.pk, ANSWER)
    decision.edits = seal(decision.edits, thread.pk, EDITS)
    decision.save(force_insert=True)
    if decision.start_at is None:  # otherwise it may be wanted again
        Draft.objects.filter(interrupt=row, person=decision.person).delete()
    tell_decided(row, decision)
    # Last, because it makes all others wait who write an entry, until the commit.
    audit.record(
        decision.person,
        "question.decided",
        channel=decision.channel,
        graph=thread.graph,
        thread=thread.pk,
        subject=f"question {row.pk}",
        data={
            "kind": decision.kind,
            "decision": decision.pk,
            "round": row.round,
            "answer": digest,
            "edited": list(edited),
            **({"override": True} if override else {}),
            **({"bulk": bulk} if bulk is not None else {}),
        },
    )
    return decision
