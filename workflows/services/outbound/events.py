"""What webhooks are told: one row in the outbox for each endpoint that asked for the event.

A call names things and says what happened to them; it holds no state, no payload and no
answer. Whoever wants those asks for them with rights of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from workflows.models import Decision, Delivery, Interrupt, Run, Webhook
from workflows.services.one_line import one_line
from workflows.services.queueing import HELD
from workflows.storage.clock import database_now, machine_now

ASKED = "question.asked"
DECIDED = "question.decided"
OVERDUE = "question.overdue"
RUN_FAILED = "run.failed"
# The events, with what people read.
EVENTS = {
    ASKED: "A question is asked",
    DECIDED: "A question is decided, and nobody can take that back any more",
    OVERDUE: "A question is overdue",
    RUN_FAILED: "A run has failed or run out of time",
}
_FAILED = {Run.Status.ERROR.value, Run.Status.TIMEOUT.value}


def tell_question(event: str, row: Interrupt, **more: Any) -> int:
    """Tell of a question, in the caller's transaction; returns how many endpoints listen."""
    about = {
        "question": row.pk,
        "round": row.round,
        "title": one_line(row.title),
        "workflow": row.graph,
        "node": row.node,
        "thread": row.thread_id,
        **more,
    }
    return _write(event, row.graph, about, ("review", row.pk))


def tell_decided(row: Interrupt, decision: Decision) -> int:
    """Tell of a decision once its time to be taken back is over, and it is held no more."""
    start_at = None if decision.start_at == HELD else decision.start_at
    about = {
        "question": row.pk,
        "round": decision.round,
        "title": one_line(row.title),
        "workflow": row.graph,
        "node": row.node,
        "thread": row.thread_id,
        "decision": decision.pk,
        "kind": decision.kind,
        "by": decision.person_name or "system",
        "channel": decision.channel,
    }
    page = ("review", row.pk)
    return _write(DECIDED, row.graph, about, page, decision, start_at)


def hear(
    using: str,
    thread_id: str,
    run_id: int | None,
    events: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    """Called with every event of a thread, in its transaction: tells of runs that failed."""
    for kind, data in events:
        if kind == "run" and data.get("status") in _FAILED:
            number: Any = data.get("run", run_id)
            run = Run.objects.using(using).filter(pk=number).first()
            if run is not None:
                _tell_run(run, str(data["status"]))


def _tell_run(run: Run, status: str) -> None:
    about = {
        "run": run.pk,
        "status": status,
        "reason": run.reason,
        "node": run.error_node,
        "workflow": run.graph,
        "thread": run.thread_id,
    }
    _write(RUN_FAILED, run.graph, about, ("run", run.pk))


def body_of(event: str, about: dict[str, Any]) -> str:
    """The JSON text of a call."""
    told = {"type": event, "timestamp": machine_now().isoformat(), "data": about}
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"))


def address(name: str, *args: Any) -> str:
    """The whole address of a page of this site; "" where a host has left the page out."""
    try:
        return str(settings.PUBLIC_URL) + reverse(f"workflows:{name}", args=args)
    except NoReverseMatch:
        return ""


def wanted_by(row: Webhook) -> tuple[frozenset[str], frozenset[str]]:
    """The events and the workflows that an endpoint wants; no workflow means all."""
    return frozenset(json.loads(row.events)), frozenset(json.loads(row.graphs))


def listeners(event: str, graph: str) -> list[Webhook]:
    """The endpoints that want an event of a workflow."""
    found = []
    for row in Webhook.objects.filter(is_active=True):
        events, graphs = wanted_by(row)
        if event in events and (not graphs or graph in graphs):
            found.append(row)
    return found


def _write(
    event: str,
    graph: str,
    about: dict[str, Any],
    page: tuple[str, int],
    decision: Decision | None = None,
    at: datetime | None = None,
) -> int:
    listening = listeners(event, graph)
    if not listening:
        return 0
    body = body_of(event, {**about, "url": address(*page)})
    next_at = at or database_now()
    made = Delivery.objects.bulk_create(
        Delivery(
            channel=Delivery.Channel.WEBHOOK,
            kind=event,
            webhook=row,
            decision=decision,
            body=body,
            next_at=next_at,
        )
        for row in listening
    )
    return len(made)
