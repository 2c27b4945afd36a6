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
from workflows.storage.admission import (
    NO_LINE,
    Line,
    admissible_anywhere,
    admits,
    hands,
    known,
)
from workflows.storage.arrivals import wake_for_arrivals
from workflows.storage.claimable import (
    URGENT,
    Waiting,
    Which,
    claimable,
    claimable_sql,
)
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


_TAKE = """
UPDATE workflows_run SET status = 'running', fence = fence + 1, owner = %s,
  lease_until = {later}, started_at = {now}, finished_at = NULL, reason = '',
  deadline = COALESCE(deadline, {later}), start_by = NULL
WHERE id = %s AND fence = %s AND status = 'pending'"""
# The first claim of a run that stands in a line is what a rate counts.
_LET_IN = _TAKE.replace(
    "\nWHERE", ",\n  admitted_at = COALESCE(admitted_at, {now})\nWHERE"
)
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
    line: Line = NO_LINE


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
    queue: str
    partition: str
    admitted_at: Any

    @property
    def line(self) -> Line:
        """Where it stands in line."""
        return Line(self.queue, self.partition)

    @property
    def is_new(self) -> bool:
        """Whether it starts something, and was not let in before."""
        return self.kind == "start" and self.admitted_at is None


_ANY = Which()
_IN_NO_LINE = Which("run.queue = ''")


def due_runs(
    *,
    limit: int = 100,
    using: str = "default",
    graphs: Collection[str] | None = None,
    thread_id: str | None = None,
) -> list[int]:
    """The ids of runs that a worker could claim now, most urgent first.

    Only those of the workflows `graphs`, where these are given. Those of a thread may have to wait for a slot of their queue.
    """
    if thread_id is not None:
        which = Which("run.thread_id = %s", (thread_id,)).of(graphs)
        return [row.run_id for row in claimable(using, which, limit)]
    found = _due(using, graphs, limit)
    return [row.run_id for row in sorted(found, key=lambda row: row.place)[:limit]]


def due_runs_apart(
    graphs: Collection[str], limit: int = 100, *, using: str = "default"
) -> list[int]:
    """The same, `limit` of those in no queue and of each queue: many of one do not hide the others."""
    return [row.run_id for row in _due(using, graphs, limit)]


def _due(using: str, graphs: Collection[str] | None, limit: int) -> list[Waiting]:
    found = claimable(using, _IN_NO_LINE.of(graphs), limit)
    return found + admissible_anywhere(using, graphs, limit) if known else found


def claim_run(
    run_id: int,
    owner: str,
    lease_seconds: float | None = None,
    *,
    using: str = "default",
    graphs: Collection[str] | None = None,
    in_company: bool = False,
) -> Claim | None:
    """Claim this run if it is pending, due and first on a thread where nothing runs, and its queue lets it in.

    With `graphs`, a run of any other workflow is left to workers that know it; `in_company`
    leaves the last attempt of one whose workers have died to a process of its own.
    """
    which = Which("run.id = %s", (run_id,)).of(graphs)
    if in_company:
        limit = max(1, settings.MAX_RECOVERIES)
        which = which.but("run.recoveries < %s", limit)
    return _claim(owner, lease_seconds, using, which, graphs)


def claim_next(
    owner: str, lease_seconds: float | None = None, *, using: str = "default"
) -> Claim | None:
    """Claim the most urgent run that stands in no queue; None when there is none."""
    for _ in range(_RACES):
        claim = _claim(owner, lease_seconds, using, _IN_NO_LINE, skip_locked=True)
        if claim is not None or not claimable(using, _IN_NO_LINE, 1):
            return claim
    return None


def _claim(
    owner: str,
    seconds: float | None,
    using: str,
    which: Which = _ANY,
    graphs: Collection[str] | None = None,
    *,
    skip_locked: bool = False,
) -> Claim | None:
    seconds = lease_seconds() if seconds is None else seconds
    run: _Candidate | None = None
    has_hand = is_taken = False
    try:
        taken = taken_on_disk_later(connection_of(using))
        with taken, transaction.atomic(using=using):
            run = _candidate(using, which, skip_locked)
            if run is None:
                return None
            if run.queue:
                has_hand = hands.take(using, run.run_id, run.fence + 1, run.queue)
                if not (has_hand and _is_let_in(run, using, graphs)):
                    return None
            changed = _take(run, owner, seconds, using)
        is_taken = changed
    except IntegrityError:
        # Another run of the thread began since we looked: one_running_run_per_thread.
        return None
    finally:
        if run is not None and has_hand and not is_taken:
            hands.drop(using, run.run_id, run.fence + 1)
    if not is_taken:
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
        line=run.line,
    )
    keeper.hold(using, claim.run_id, claim.fence, seconds)
    return claim


def _is_let_in(run: _Candidate, using: str, graphs: Collection[str] | None) -> bool:
    """Whether its queue lets the run in (RB.9)."""
    return admits(using, run.run_id, run.line, run.is_new, graphs)


def _candidate(using: str, which: Which, skip_locked: bool) -> _Candidate | None:
    """The most urgent run, its thread's row locked: all who write for a thread begin there.

    SQLite needs no lock: its IMMEDIATE transaction lets nobody else write.
    """
    wrapper = connection_of(using)
    lock = limit = ""
    if wrapper.vendor == POSTGRESQL:
        limit = f", {NOT_IDLE_SQL}"
        lock = " FOR NO KEY UPDATE OF thread" + (" SKIP LOCKED" if skip_locked else "")
    columns = ", ".join(f"run.{name}" for name in ("id", *_Candidate._fields[1:]))
    sql = claimable_sql(wrapper.vendor, which) + URGENT
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
        (_LET_IN if run.queue else _TAKE).format(
            now=NOW_SQL[vendor], later=LATER_SQL[vendor]
        ),
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
    hands.drop(claim.using, claim.run_id, claim.fence)
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
