"""Runs that nobody will finish: their worker is gone, or their time is over."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q

from workflows.models import Run
from workflows.storage.claims import DatabaseNow
from workflows.storage.connections import (
    SQLITE,
    is_thread_free,
)
from workflows.storage.events import append_events
from workflows.storage.leases import keeper, lease_seconds
from workflows.storage.outage import outage
from workflows.storage.owners import is_dead
from workflows.storage.places import DIRECT_KINDS, end_run
from workflows.storage.saver import DjangoSaver
from workflows.storage.undos import to_undo

log = logging.getLogger(__name__)


def release_dead_leases(
    *, using: str = "default", only: int | None = None
) -> list[int]:
    """Put runs whose worker is gone back to pending; returns their ids, to be enqueued.

    All of them, or the one whose id is `only`.

    A lease is dead when it has lapsed, on SQLite also when its owner is a process of this
    host that does not live any more. A run that came back more than MAX_RECOVERIES times,
    the last time alone in a process, is parked as a crash loop; a direct run has no worker to go to and is abandoned; one that
    was to be cancelled is, if it has nothing to undo, and one whose time is over ends as that.
    """
    released = []
    breakable = connections[using].vendor == SQLITE
    for run in _dead(using):
        if only not in (None, run.pk):
            continue
        still_dead = Q(lease_until__lt=DatabaseNow())
        if breakable and is_dead(run.owner):
            still_dead |= Q(owner=run.owner)
        with transaction.atomic(using=using):
            if not is_thread_free(connections[using], run.thread_id):
                continue  # the next sweep finds it
            locked = (
                Run.objects.using(using)
                .select_for_update(of=("self",))
                .filter(
                    still_dead,
                    pk=run.pk,
                    fence=run.fence,
                    status=Run.Status.RUNNING,
                )
                .first()
            )
            if locked is not None and _release(locked, using):
                released.append(locked.pk)
    return released


def _dead(using: str) -> list[Run]:
    """Running runs that seem dead, but none that this process still works on.

    Its own leases lapse while the machine sleeps; the next beat renews them.
    """
    running = Run.objects.using(using).filter(status=Run.Status.RUNNING)
    lapsed = [*running.filter(lease_until__lt=DatabaseNow())]
    if outage.is_recent(lease_seconds()):
        # Nobody could renew. Who lives does so now: wait for it.
        lapsed = []
    if connections[using].vendor == SQLITE:
        known = {run.pk for run in lapsed}
        lapsed += [run for run in running if run.pk not in known and is_dead(run.owner)]
    return [run for run in lapsed if not keeper.holds(using, run.pk, run.fence)]


def _release(run: Run, using: str) -> bool:
    """Release one dead run; True when it is pending again."""
    where = f"run {run.pk} of thread {run.thread_id!r}"
    undoes = _undoes(run, using)
    if run.cancel_requested_at is not None and not undoes:
        log.info("%s lost its worker and ends as it was asked to", where)
        end_run(using, run.thread_id, run.pk, run.fence, "cancelled")
        return False
    if run.kind in DIRECT_KINDS:
        log.warning("%s was abandoned by %s", where, run.owner)
        end_run(using, run.thread_id, run.pk, run.fence, "error", reason="abandoned")
        return False
    if run.recoveries + 1 > settings.MAX_RECOVERIES:
        log.error("%s has killed its worker too often and is parked", where)
        end_run(using, run.thread_id, run.pk, run.fence, "error", reason="crash_loop")
        return False
    Run.objects.using(using).filter(pk=run.pk).update(
        status=Run.Status.PENDING,
        recoveries=F("recoveries") + 1,
        owner="",
        lease_until=None,
        **undoes,
    )
    data = {"run": run.pk, "kind": run.kind, "status": "pending", "reason": "recovered"}
    append_events(using, run.thread_id, run.pk, [("run", data)])
    log.warning("%s lost its worker %s and is pending again", where, run.owner)
    return True


def _undoes(run: Run, using: str) -> dict[str, Any]:
    """What to note of a run that was cancelled and has something to undo: another worker is to do that (RB.8)."""
    if run.cancel_requested_at is None or run.kind in DIRECT_KINDS:
        return {}
    found = to_undo(DjangoSaver(using), run.thread_id)
    if not (found.on_record or found.begun):
        return {}
    mode = Run.CancelMode.UNDO
    return {"cancel_requested_at": None, "cancel_mode": mode, "deadline": None}


def end_overdue(grace_seconds: float, *, using: str = "default") -> list[int]:
    """End runs that have not stopped `grace_seconds` after their deadline (RA.16).

    Their workers may be alive, in a function that nothing can stop: their next write is
    refused. Returns the ids.
    """
    over = Run.objects.using(using).filter(
        status=Run.Status.RUNNING,
        deadline__lt=DatabaseNow() - timedelta(seconds=grace_seconds),
    )
    ended = []
    for run in over:
        with transaction.atomic(using=using):
            if is_thread_free(connections[using], run.thread_id) and end_run(
                using, run.thread_id, run.pk, run.fence, "timeout", reason="run_timeout"
            ):
                ended.append(run.pk)
    return ended
