"""Claims on runs: who works on what, for how long, under which fencing number.

The run row is the truth. A claim moves it from pending to running and raises its fencing
number; whatever writes for the run names that number. Instants are the database's.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.db.models import DateTimeField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from workflows.engine.errors import LeaseLostError
from workflows.models import Run
from workflows.storage.connections import SQLITE, lock_thread
from workflows.storage.events import append_events
from workflows.storage.interrupts import clean
from workflows.storage.leases import keeper, lease_seconds, renew_lease
from workflows.storage.outage import outage
from workflows.storage.owners import is_dead
from workflows.storage.places import DIRECT_KINDS, end_run, thread_status_after

log = logging.getLogger(__name__)

_RACES = 5


class DatabaseNow(Func):
    """The database's clock at this moment, not at the start of the transaction."""

    template = "clock_timestamp()"
    output_field = DateTimeField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return Now().as_sqlite(compiler, connection, **extra)


def _later(seconds: float) -> Any:
    return DatabaseNow() + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a run: every write names `fence`."""

    run_id: int
    thread_id: str
    fence: int
    owner: str
    graph: str
    kind: str
    payload: str
    recoveries: int = 0
    created_by_id: int | None = None
    lease_seconds: float = 10.0
    using: str = "default"


def _claimable(using: str) -> QuerySet[Run]:
    """Pending and due, on a thread where nothing runs and nothing due waits before it."""
    thread = OuterRef("thread_id")
    runs = Run.objects.using(using)
    return runs.filter(
        Q(start_by__isnull=True) | Q(start_by__gt=DatabaseNow()),
        ~Exists(runs.filter(thread_id=thread, status=Run.Status.RUNNING)),
        ~Exists(
            runs.filter(
                thread_id=thread,
                status=Run.Status.PENDING,
                due_at__lte=DatabaseNow(),
                id__lt=OuterRef("id"),
            )
        ),
        status=Run.Status.PENDING,
        due_at__lte=DatabaseNow(),
    ).order_by("priority", "due_at", "id")


def due_runs(
    *,
    limit: int = 100,
    using: str = "default",
    graphs: Collection[str] | None = None,
    thread_id: str | None = None,
) -> list[int]:
    """The ids of runs that a worker could claim now, most urgent first.

    Only those of the workflows `graphs` and of that thread, where these are given.
    """
    runs = _of(_claimable(using), graphs)
    if thread_id is not None:
        runs = runs.filter(thread_id=thread_id)
    return list(runs.values_list("id", flat=True)[:limit])


def _of(runs: QuerySet[Run], graphs: Collection[str] | None) -> QuerySet[Run]:
    return runs if graphs is None else runs.filter(graph__in=graphs)


def claim_run(
    run_id: int,
    owner: str,
    lease_seconds: float | None = None,
    *,
    using: str = "default",
    graphs: Collection[str] | None = None,
) -> Claim | None:
    """Claim this run if it is pending, due and first on a thread where nothing runs.

    With `graphs`, a run of any other workflow is left to workers that know it.
    """
    runs = _of(_claimable(using).filter(pk=run_id), graphs)
    return _claim(runs, owner, lease_seconds, using)


def claim_next(
    owner: str, lease_seconds: float | None = None, *, using: str = "default"
) -> Claim | None:
    """Claim the most urgent run there is; None when there is none."""
    for _ in range(_RACES):
        claimable = _claimable(using)
        claim = _claim(claimable, owner, lease_seconds, using, skip_locked=True)
        if claim is not None or not claimable.exists():
            return claim
    return None


def _claim(
    candidates: QuerySet[Run],
    owner: str,
    seconds: float | None,
    using: str,
    *,
    skip_locked: bool = False,
) -> Claim | None:
    seconds = lease_seconds() if seconds is None else seconds
    try:
        with transaction.atomic(using=using):
            # The thread's row is taken first, by all who write for it. SQLite ignores the
            # lock: its IMMEDIATE transaction lets nobody else write.
            run = (
                candidates.select_related("thread")
                .select_for_update(skip_locked=skip_locked, of=("thread",), no_key=True)
                .first()
            )
            if run is None or not _take(run, owner, seconds, using):
                return None
    except IntegrityError:
        # Another run of the thread began since we looked: one_running_run_per_thread.
        return None
    claim = Claim(
        run_id=run.pk,
        thread_id=run.thread_id,
        fence=run.fence + 1,
        owner=owner,
        graph=run.graph,
        kind=run.kind,
        payload=run.payload,
        recoveries=run.recoveries,
        created_by_id=run.created_by_id,
        lease_seconds=seconds,
        using=using,
    )
    keeper.hold(using, claim.run_id, claim.fence, seconds)
    return claim


def _take(run: Run, owner: str, seconds: float, using: str) -> bool:
    """Move the run to running, if it is still as it was when we looked."""
    taken = Run.objects.using(using).filter(
        pk=run.pk, fence=run.fence, status=Run.Status.PENDING
    )
    changed = taken.update(
        status=Run.Status.RUNNING,
        fence=F("fence") + 1,
        owner=owner,
        lease_until=_later(seconds),
        started_at=DatabaseNow(),
        finished_at=None,
        reason="",
        **_deadline(run),
    )
    if changed:
        data = {"run": run.pk, "kind": run.kind, "status": "running"}
        append_events(
            using, run.thread_id, run.pk, [("run", data)], thread_status="busy"
        )
    return bool(changed)


def _deadline(run: Run) -> dict[str, Any]:
    """The instant at which the run's time is over, fixed by its first claim (RA.16)."""
    if run.run_timeout is None or run.deadline is not None:
        return {}
    return {"deadline": _later(run.run_timeout)}


def renew(claim: Claim) -> bool:
    """Move the end of the claim's lease; False when the run is no longer ours."""
    seconds = claim.lease_seconds
    return renew_lease(claim.using, claim.run_id, claim.fence, seconds) is not None


def finish_run(
    claim: Claim,
    status: str,
    *,
    reason: str = "",
    error: str = "",
    error_node: str = "",
    error_attempt: int | None = None,
    traceback: str = "",
    warnings: str = "",
) -> int | None:
    """End a claimed run; returns the next due run of its thread, to be enqueued.

    Raises LeaseLostError, with nothing written, when another has taken the run over.
    """
    keeper.settle(claim.using, claim.run_id)
    runs = Run.objects.using(claim.using)
    with transaction.atomic(using=claim.using):
        lock_thread(connections[claim.using], claim.thread_id)
        changed = runs.filter(
            pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING
        ).update(
            status=status,
            reason=reason,
            error=clean(error),
            error_node=clean(error_node)[:200],
            error_attempt=error_attempt,
            traceback=clean(traceback),
            warnings=clean(warnings),
            lease_until=None,
            finished_at=DatabaseNow(),
        )
        if not changed:
            raise LeaseLostError(str(claim.run_id), claim.fence)
        data: dict[str, Any] = {
            "run": claim.run_id,
            "kind": claim.kind,
            "status": status,
        }
        if reason:
            data["reason"] = reason
        append_events(
            claim.using,
            claim.thread_id,
            claim.run_id,
            [("run", data)],
            thread_status=thread_status_after(claim.using, claim.thread_id, status),
        )
    return next(iter(due_runs(using=claim.using, thread_id=claim.thread_id)), None)


def release_dead_leases(*, using: str = "default") -> list[int]:
    """Put runs whose worker is gone back to pending; returns their ids, to be enqueued.

    A lease is dead when it has lapsed, on SQLite also when its owner is a process of this
    host that does not live any more. A run that came back more than MAX_RECOVERIES times
    is parked as a crash loop; a direct run has no worker to go to and is abandoned; one that
    was to be cancelled is, and one whose time is over ends as that.
    """
    released = []
    breakable = connections[using].vendor == SQLITE
    for run in _dead(using):
        still_dead = Q(lease_until__lt=DatabaseNow())
        if breakable and is_dead(run.owner):
            still_dead |= Q(owner=run.owner)
        with transaction.atomic(using=using):
            lock_thread(connections[using], run.thread_id)
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
    if run.cancel_requested_at is not None:
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
    )
    data = {"run": run.pk, "kind": run.kind, "status": "pending", "reason": "recovered"}
    append_events(using, run.thread_id, run.pk, [("run", data)])
    log.warning("%s lost its worker %s and is pending again", where, run.owner)
    return True


def end_overdue(grace_seconds: float, *, using: str = "default") -> list[int]:
    """End runs that have not stopped `grace_seconds` after their deadline (RA.16).

    Their workers may be alive, in a function that nothing can stop: their next write is
    refused. Returns the ids.
    """
    over = Run.objects.using(using).filter(
        status=Run.Status.RUNNING,
        deadline__lt=DatabaseNow() - timedelta(seconds=grace_seconds),
    )
    return [
        run.pk
        for run in over
        if end_run(
            using, run.thread_id, run.pk, run.fence, "timeout", reason="run_timeout"
        )
    ]
