"""Claims on runs: who works on what, for how long, under which fencing number.

The run row is the truth. A claim moves it from pending to running and raises its fencing
number; whatever writes for the run names that number. Instants are the database's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Func

from workflows.engine.errors import LeaseLostError
from workflows.storage.arrivals import wake_for_arrivals
from workflows.storage.connections import (
    LATER_SQL,
    NOT_IDLE_SQL,
    NOW_SQL,
    POSTGRESQL,
    SQLITE,
    connection_of,
    execute,
    lock_thread,
    taken_on_disk_later,
)
from workflows.storage.events import append_events
from workflows.storage.leases import keeper, lease_seconds, renew_lease, seconds_param
from workflows.storage.texts import clean
from workflows.storage.thread_status import PAUSED, thread_status_after

_RACES = 5


_SQLITE_NOW = NOW_SQL[SQLITE].replace("%", "%%")


class DatabaseNow(Func):
    """The database's clock at this moment, not at the start of the transaction."""

    template = "clock_timestamp()"
    output_field = DateTimeField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template=_SQLITE_NOW, **extra)


# Pending and due, on a thread where nothing runs and nothing due waits before it. The ORM
# made these texts anew each time: 8 ms of processor time a run, where its ten steps took 5.
_CLAIMABLE = """
FROM workflows_run AS run JOIN workflows_thread AS thread ON thread.id = run.thread_id
WHERE run.status = 'pending' AND run.due_at <= {now} AND {which}
  AND (run.start_by IS NULL OR run.start_by > {now})
  AND NOT EXISTS (
    SELECT 1 FROM workflows_run AS other
    WHERE other.thread_id = run.thread_id AND other.status = 'running')
  AND NOT EXISTS (
    SELECT 1 FROM workflows_run AS other
    WHERE other.thread_id = run.thread_id AND other.status = 'pending'
      AND other.due_at <= {now} AND other.id < run.id)
ORDER BY run.priority, run.due_at, run.id LIMIT %s"""
_TAKE = """
UPDATE workflows_run SET status = 'running', fence = fence + 1, owner = %s,
  lease_until = {later}, started_at = {now}, finished_at = NULL, reason = '',
  deadline = COALESCE(deadline, {later})
WHERE id = %s AND fence = %s AND status = 'pending'"""
_FINISH = """
UPDATE workflows_run SET status = %s, reason = %s, error = %s, error_node = %s,
  error_attempt = %s, traceback = %s, warnings = %s, lease_until = NULL, finished_at = {now}
WHERE id = %s AND fence = %s AND status = 'running'"""


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


class _Candidate(NamedTuple):
    run_id: int
    thread_id: str
    fence: int
    graph: str
    kind: str
    payload: str
    recoveries: int
    created_by_id: int | None
    run_timeout: float | None


class _Which(NamedTuple):
    """Which runs are asked for: an SQL condition and its values."""

    sql: str = "1 = 1"
    values: tuple[Any, ...] = ()

    def of(self, graphs: Collection[str] | None) -> _Which:
        """Those of them that belong to these workflows; None stands for all."""
        if graphs is None:
            return self
        names = tuple(graphs)
        places = ", ".join(["%s"] * len(names))
        sql = f"run.graph IN ({places})" if names else "1 = 0"
        return _Which(f"{self.sql} AND {sql}", (*self.values, *names))


_ANY = _Which()


def _claimable(using: str, which: _Which = _ANY, limit: int = 1) -> list[int]:
    """The ids of runs that could be claimed now, most urgent first."""
    wrapper = connection_of(using)
    sql = _CLAIMABLE.format(now=NOW_SQL[wrapper.vendor], which=which.sql)
    found = execute(wrapper, f"SELECT run.id {sql}", (*which.values, limit)).fetchall()
    return [row[0] for row in found]


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
    which = _ANY if thread_id is None else _Which("run.thread_id = %s", (thread_id,))
    return _claimable(using, which.of(graphs), limit)


def claim_run(
    run_id: int,
    owner: str,
    lease_seconds: float | None = None,
    *,
    using: str = "default",
    graphs: Collection[str] | None = None,
    in_company: bool = False,
) -> Claim | None:
    """Claim this run if it is pending, due and first on a thread where nothing runs.

    With `graphs`, a run of any other workflow is left to workers that know it; `in_company`
    leaves the last attempt of one whose workers have died to a process of its own.
    """
    which = _Which("run.id = %s", (run_id,)).of(graphs)
    if in_company:
        limit = max(1, settings.MAX_RECOVERIES)
        which = _Which(f"{which.sql} AND run.recoveries < %s", (*which.values, limit))
    return _claim(owner, lease_seconds, using, which)


def claim_next(
    owner: str, lease_seconds: float | None = None, *, using: str = "default"
) -> Claim | None:
    """Claim the most urgent run there is; None when there is none."""
    for _ in range(_RACES):
        claim = _claim(owner, lease_seconds, using, skip_locked=True)
        if claim is not None or not _claimable(using):
            return claim
    return None


def _claim(
    owner: str,
    seconds: float | None,
    using: str,
    which: _Which = _ANY,
    *,
    skip_locked: bool = False,
) -> Claim | None:
    seconds = lease_seconds() if seconds is None else seconds
    try:
        taken = taken_on_disk_later(connection_of(using))
        with taken, transaction.atomic(using=using):
            run = _candidate(using, which, skip_locked)
            if run is None or not _take(run, owner, seconds, using):
                return None
    except IntegrityError:
        # Another run of the thread began since we looked: one_running_run_per_thread.
        return None
    claim = Claim(
        run_id=run.run_id,
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


def _candidate(using: str, which: _Which, skip_locked: bool) -> _Candidate | None:
    """The most urgent run, its thread's row locked: all who write for a thread begin there.

    SQLite needs no lock: its IMMEDIATE transaction lets nobody else write.
    """
    wrapper = connection_of(using)
    lock = limit = ""
    if wrapper.vendor == POSTGRESQL:
        limit = f", {NOT_IDLE_SQL}"
        lock = " FOR NO KEY UPDATE OF thread" + (" SKIP LOCKED" if skip_locked else "")
    columns = ", ".join(f"run.{name}" for name in ("id", *_Candidate._fields[1:]))
    sql = _CLAIMABLE.format(now=NOW_SQL[wrapper.vendor], which=which.sql)
    values = (*which.values, 1)
    found = execute(wrapper, f"SELECT {columns}{limit} {sql}{lock}", values).fetchone()
    return _Candidate(*found[: len(_Candidate._fields)]) if found else None


def _take(run: _Candidate, owner: str, seconds: float, using: str) -> bool:
    """Move the run to running, if it is still as it was when we looked."""
    wrapper = connection_of(using)
    vendor = wrapper.vendor
    limit = run.run_timeout
    changed = execute(
        wrapper,
        _TAKE.format(now=NOW_SQL[vendor], later=LATER_SQL[vendor]),
        (
            owner,
            seconds_param(vendor, seconds),
            None if limit is None else seconds_param(vendor, limit),
            run.run_id,
            run.fence,
        ),
    ).rowcount
    if changed:
        data = {"run": run.run_id, "kind": run.kind, "status": "running"}
        append_events(
            using, run.thread_id, run.run_id, [("run", data)], thread_status="busy"
        )
    return bool(changed)


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
    wrapper = connection_of(claim.using)
    with transaction.atomic(using=claim.using):
        lock_thread(wrapper, claim.thread_id)
        ended = execute(
            wrapper,
            _FINISH.format(now=NOW_SQL[wrapper.vendor]),
            (
                str(status),
                reason,
                clean(error),
                clean(error_node)[:200],
                error_attempt,
                clean(traceback),
                clean(warnings),
                claim.run_id,
                claim.fence,
            ),
        )
        if not ended.rowcount:
            raise LeaseLostError(str(claim.run_id), claim.fence)
        data: dict[str, Any] = {
            "run": claim.run_id,
            "kind": claim.kind,
            "status": status,
        }
        if reason:
            data["reason"] = reason
        left = thread_status_after(claim.using, claim.thread_id, status)
        append_events(
            claim.using,
            claim.thread_id,
            claim.run_id,
            [("run", data)],
            thread_status=left,
        )
        if left in PAUSED:
            wake_for_arrivals(claim.using, claim.thread_id)
    following = due_runs(using=claim.using, thread_id=claim.thread_id, limit=1)
    return following[0] if following else None
