"""A new run that waits its turn: its row, its event and the word to the queue.

Called inside the transaction of the action that needs the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Func, QuerySet, TextField
from django.db.models.functions import Now

from workflows.engine.errors import LeaseLostError
from workflows.models import Run, Thread
from workflows.models.interrupt import END_OF_TIME
from workflows.services import ports, registry
from workflows.services.access import Person, by_of, row_of
from workflows.services.lines import NOWHERE, place_of
from workflows.storage.claims import Claim
from workflows.storage.connections import NOT_IDLE_SQL
from workflows.storage.events import append_events
from workflows.storage.sealing import RUN, seal

# The reason code of a pending run whose workflow no worker knows.
UNKNOWN_GRAPH = "unknown_graph"
# When a run is due that somebody lets go by hand (services/desk/holding.py).
HELD = END_OF_TIME
UNFINISHED = (Run.Status.PENDING, Run.Status.RUNNING)


def queue_run(
    thread: Thread,
    kind: str,
    payload: str,
    person: Person | None,
    *,
    idempotency_key: str | None = None,
    priority: int = 0,
    due_at: datetime | None = None,
    run_timeout: float | None = None,
    start_timeout: float | None = None,
    events: list[tuple[str, dict[str, Any]]] | None = None,
    dedup_key: str | None = None,
    place: Mapping[str, Any] | None = None,
) -> Run:
    """Make a run on `thread` that waits, until `due_at` or not at all.

    `events` are told before its own. One that is due at HELD is told to nobody. Seconds that are not given are those of the workflow's
    registration (RA.16). `place` is where a start stands in a queue (lines.py); what goes on with one stands there too.
    """
    more: dict[str, Any] = {"priority": priority}
    if due_at is not None:
        more["due_at"] = due_at
    if place is None and kind != Run.Kind.START:
        place = place_of(thread.pk)
    more |= place or NOWHERE
    item = registry.find(thread.graph)
    if item is not None and run_timeout is None:
        run_timeout = item.run_timeout
    if item is not None and start_timeout is None and kind == Run.Kind.START:
        start_timeout = item.start_timeout
    run = Run.objects.create(
        thread=thread,
        graph=thread.graph,
        kind=kind,
        payload=seal(payload, thread.pk, RUN),
        idempotency_key=idempotency_key,
        dedup_key=dedup_key,
        created_by=row_of(person),
        run_timeout=run_timeout,
        start_by=_after(start_timeout, due_at),
        **more,
    )
    told = {"run": run.pk, "kind": kind, "status": run.status, "by": by_of(person)}
    append_events(DEFAULT_DB_ALIAS, thread.pk, run.pk, [*(events or []), ("run", told)])
    if due_at != HELD:
        wake(run.pk, due_at, more["priority"])
    return run


def _after(seconds: float | None, due_at: datetime | None) -> Any:
    return None if seconds is None else (due_at or Now()) + timedelta(seconds=seconds)


def wake(run_id: int, due_at: datetime | None = None, priority: int = 0) -> None:
    """Tell the queue that a run is due."""
    ports.run_queue().enqueue(run_id, due_at, priority)


def lock_thread(thread_id: str) -> Thread:
    """The thread row, held until the transaction ends.

    Every action that changes a thread takes this row first, so that two of them never wait
    for each other. On SQLite the transaction itself is the lock.
    """
    return _locked().get(pk=thread_id)


def lock_known_thread(thread_id: str) -> Thread | None:
    """The same for a thread that need not be there: None then."""
    return _locked().filter(pk=thread_id).first()


def lock_free_thread(thread_id: str) -> Thread | None:
    """The same, without waiting: None where somebody else holds the row just now.

    For a sweep, which comes again and has other threads to see to.
    """
    return _locked(skip_locked=True).filter(pk=thread_id).first()


def lock_thread_of(question: int) -> Thread | None:
    """The thread row of question number `question`, held likewise; None without one."""
    return _locked(of=("self",)).filter(interrupts=question).first()


def hold_thread(thread_id: str) -> None:
    """Take the lock of `lock_thread` where the row is not needed, or may be gone."""
    rows = Thread.objects.select_for_update().filter(pk=thread_id)
    list(rows.values_list("pk", _NotIdle()))


def hold_run(claim: Claim) -> None:
    """Hold the claim's run until the transaction ends; raises LeaseLostError where it is no longer ours.

    Taken after the thread's row.
    """
    runs = Run.objects.using(claim.using).select_for_update()
    ours = runs.filter(
        pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING
    ).values_list("pk", flat=True)
    if ours.first() is None:
        raise LeaseLostError(str(claim.run_id), claim.fence)


def _locked(**how: Any) -> QuerySet[Thread]:
    return Thread.objects.select_for_update(**how).annotate(not_idle=_NotIdle())


class _NotIdle(Func):
    """What the statement says that takes a lock (see `NOT_IDLE_SQL`)."""

    template = NOT_IDLE_SQL
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return "NULL", []


def has_unfinished_run(thread_id: str) -> bool:
    """Whether work is running on the thread or waits its turn."""
    return Run.objects.filter(thread_id=thread_id, status__in=UNFINISHED).exists()
