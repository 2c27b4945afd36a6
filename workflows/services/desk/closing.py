"""A question is closed without an answer by ending the work that asks it."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F

from workflows.models import Interrupt
from workflows.services.access import Person
from workflows.services.cancel_run import cancel_thread
from workflows.storage.clock import machine_now
from workflows.storage.events import append_events

CLOSED = "Closed without an answer."


def end_work(row: Interrupt, person: Person, reason: str) -> None:
    """Cancel the work of the question's thread; its other open questions are withdrawn.

    Called in the transaction that took the question, with the thread's row locked. Work that
    runs just now ends after its step, and the question is withdrawn with it; where nothing
    is left to cancel it is withdrawn here.
    """
    if cancel_thread(row.thread_id, reason=reason or CLOSED, person=person):
        return
    Interrupt.objects.filter(pk=row.pk, status=Interrupt.Status.DECIDED).update(
        status=Interrupt.Status.WITHDRAWN,
        version=F("version") + 1,
        closed_at=machine_now(),
    )
    told = {
        "interrupt": row.pk,
        "node": row.node,
        "title": row.title,
        "status": Interrupt.Status.WITHDRAWN.value,
        "round": row.round,
    }
    append_events(DEFAULT_DB_ALIAS, row.thread_id, None, [("interrupt", told)])
