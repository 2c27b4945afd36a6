"""Events: which one a task gets that waits, and which threads one makes due (RB.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.engine.waits import EventWait, Happened
from workflows.models import Awaited, Checkpoint, Emitted, Thread
from workflows.storage.clock import database_now
from workflows.storage.sealing import AWAITED, EVENT, unseal
from workflows.storage.thread_status import PAUSED


def event_for(using: str, wait: EventWait) -> Happened | None:
    """The first event that counts for a wait; None where none was told yet."""
    told = _told(using, wait.topic, wait.key, wait.since, wait.after)
    for row in told.iterator():
        payload = serde.loads(unseal(row.payload, row.name, EVENT))
        if wait.matches(payload):
            return Happened(payload, row.pk, row.emitted_at)
    return None


def _told(
    using: str, name: str, key: str, since: datetime | None, after: int
) -> QuerySet[Emitted]:
    rows = Emitted.objects.using(using).filter(name=name, key=key, pk__gt=after)
    return rows.filter(emitted_at__gte=since).order_by("pk")


def told_for(using: str, row: Awaited) -> Emitted | None:
    """The first event that was told and counts for the wait of this row; None where none was.

    One that cannot be read here counts: the run that wakes fails with the reason, where people see it.
    """
    told = _told(using, row.topic, row.key, row.since, row.after)
    return next((event for event in told.iterator() if _is_for(row, event)), None)


def wake_for_events(using: str, thread_id: str) -> bool:
    """Make a thread due now where an event was told that a task of it waits for; whether one was.

    Called by who holds the thread's row.
    """
    rows = Awaited.objects.using(using).filter(thread_id=thread_id, kind="event")
    if not any(told_for(using, row) for row in rows):
        return False
    threads = Thread.objects.using(using).filter(pk=thread_id)
    return bool(threads.update(wake_at=database_now(using)))


def threads_waiting_for(using: str, event: Emitted) -> list[str]:
    """The ids of the threads for whose waits this event counts, in order."""
    rows = Awaited.objects.using(using).filter(
        kind="event",
        topic=event.name,
        key=event.key,
        since__lte=event.emitted_at,
        after__lt=event.pk,
    )
    return sorted({row.thread_id for row in rows if _is_for(row, event)})


def _is_for(row: Awaited, event: Emitted) -> bool:
    if not row.matching:
        return True
    try:
        payload = serde.loads(unseal(event.payload, event.name, EVENT))
        return wait_of(row).matches(payload)
    except SerdeError:
        return True  # as in `told_for`


def threads_not_told(using: str) -> list[str]:
    """The ids of threads that are not due and wait for an event that was told: whoever told it died at that moment."""
    told = Emitted.objects.using(using).filter(
        name=OuterRef("topic"),
        key=OuterRef("key"),
        pk__gt=OuterRef("after"),
        emitted_at__gte=OuterRef("since"),
    )
    rows = Awaited.objects.using(using).filter(
        Exists(told), kind="event", thread__status__in=PAUSED
    )
    rows = rows.exclude(thread__wake_at__lte=database_now(using))
    return sorted({row.thread_id for row in rows if told_for(using, row)})


def wait_of(row: Awaited) -> EventWait:
    """The wait that a row is of, as far as it says which events count."""
    where = None
    if row.matching:
        where = serde.loads(unseal(row.matching, row.thread_id, AWAITED))
    since: Any = row.since  # an event's row has one
    return EventWait(row.wait, row.topic, row.key, where, since, after=row.after)


def began_at(using: str, thread_id: str) -> datetime | None:
    """When the run was queued that brought a thread its present input, by the database's clock; None without one."""
    inputs = Checkpoint.objects.using(using).filter(
        thread_id=thread_id, namespace="", source="input"
    )
    newest = inputs.select_related("run").order_by("-id").first()
    run = getattr(newest, "run", None)
    return None if run is None else run.due_at
