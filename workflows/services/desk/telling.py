"""Words to the thread's events and to the audit about work on a question."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS

from workflows.models import Interrupt
from workflows.services.access import Person, by_of
from workflows.services.desk import audit
from workflows.storage.events import append_events


def tell(row: Interrupt, person: Person | None, action: str, **data: Any) -> None:
    """Say that somebody did `action` to the question: an event "desk", and an audit entry.

    Called in the transaction of the act; `data` is small and holds no secret value.
    """
    told = {"interrupt": row.pk, "action": action, "by": by_of(person), **data}
    append_events(DEFAULT_DB_ALIAS, row.thread_id, None, [("desk", told)])
    audit.record(
        person,
        f"question.{action}",
        graph=row.graph,
        thread=row.thread_id,
        subject=f"question {row.pk}",
        data=data,
    )
