"""Opening and closing a thread for one run that no worker has claimed (RA.1).

The run row is inserted first: from then on nobody else can be running on the thread, so
the head that is read next cannot move any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from msgspec import Struct

from workflows.engine.checkpoint.base import Place, is_given_up
from workflows.engine.errors import LeaseLostError, StaleResumeError, ThreadBusyError
from workflows.engine.serde.vault import Vault
from workflows.storage.arrivals import wake_for_arrivals
from workflows.storage.connections import (
    LATER_SQL,
    NOW_SQL,
    SQLITE,
    connection_of,
    execute,
    lock_thread,
    taken_on_disk_later,
)
from workflows.storage.events import append_events
from workflows.storage.interrupts import withdraw
from workflows.storage.leases import keeper, lease_seconds, seconds_param
from workflows.storage.owners import is_dead, process_owner
from workflows.storage.prune import roll_back
from workflows.storage.savings import Saving
from workflows.storage.taking import Taken, taking
from workflows.storage.thread_status import PAUSED, thread_status_after

log = logging.getLogger(__name__)

_ATTEMPTS = 5
DIRECT_KINDS = ("direct", "edit", "update")


class _Held(Struct, eq=False):
    """A place of this process; `forget` makes its saver forget it.

    `ending` is the status and the reason with which its run is just being ended, `is_over` says
    that whoever came next has begun to do that too.
    """

    place: Place
    forget: Callable[[Place], object]
    ending: tuple[str, str] | None = None
    is_over: bool = False


_held_here: dict[tuple[str, int], _Held] = {}  # by database and run id


def ensure_thread(using: str, thread_id: str, graph: str = "") -> None:
    """Make the thread's row where it is missing."""
    wrapper = connection_of(using)
    now = NOW_SQL[wrapper.vendor]
    execute(
        wrapper,
        "INSERT INTO workflows_thread"  # noqa: S608
        " (id, graph, title, status, head, seq, created_at, updated_at)"
        f" VALUES (%s, %s, '', 'idle', '', 0, {now}, {now}) ON CONFLICT (id) DO NOTHING",
        (thread_id, graph),
    )


def opening_direct(
    using: str,
    thread_id: str,
    expected_head: str | None,
    owner: Any,
    *,
    forget: Callable[[Place], object],
    graph: str = "",
    kind: str = "direct",
) -> Saving[tuple[Place, Taken]]:
    """Make a running run of this process on the thread.

    Returns its place, and how the thread was found. A run of this process whose stream nobody reads on
    is ended first (RA.2); `forget` is called with the place when that happens to the one made here.

    Raises ThreadBusyError while another run holds it, StaleResumeError when the head is
    not `expected_head` ("" means that there must be none yet, None any).
    """
    taken = None
    if expected_head is None:
        taken = yield from taking(connection_of(using), thread_id, graph, kind)
    if taken is None:
        taken = Taken(_take_slowly(using, thread_id, expected_head, graph, kind))
    run_id = taken.run_id
    keeper.hold(using, run_id, 1, lease_seconds())
    listen(using, run_id, owner)
    place = Place(thread_id, str(run_id), 1, owner)
    _held_here[using, run_id] = _Held(place, forget)
    return place, taken


def _take_slowly(
    using: str, thread_id: str, expected_head: str | None, graph: str, kind: str
) -> int:
    """Take the thread step by step: look at its head and at who holds it."""
    holder: tuple[Any, ...] | None = None
    for _ in range(_ATTEMPTS):
        wrapper = connection_of(using)
        with taken_on_disk_later(wrapper), transaction.atomic(using=using):
            ensure_thread(using, thread_id, graph)
            lock_thread(wrapper, thread_id)
            run_id = _insert_run(using, thread_id, graph, kind)
            if run_id is not None:
                _check_head(using, thread_id, expected_head)
                data = {"run": run_id, "kind": kind, "status": "running"}
                append_events(
                    using, thread_id, run_id, [("run", data)], thread_status="busy"
                )
                return run_id
            holder = _holder(using, thread_id)
            if holder is not None and not _break_lease(using, thread_id, holder):
                raise ThreadBusyError(
                    str(holder[0]), instant(holder[3]), thread_id=thread_id
                )
    raise ThreadBusyError(str(holder[0]) if holder else "?", thread_id=thread_id)


def listen(using: str, run_id: int, owner: Any) -> None:
    """Let `owner`, a driver, hear when the run is to end (RA.17)."""
    if hasattr(owner, "cancel"):
        keeper.listen(using, run_id, owner)


def _insert_run(using: str, thread_id: str, graph: str, kind: str) -> int | None:
    wrapper = connection_of(using)
    now, later = NOW_SQL[wrapper.vendor], LATER_SQL[wrapper.vendor]
    found = execute(
        wrapper,
        "INSERT INTO workflows_run (thread_id, graph, kind, status, reason, payload,"  # noqa: S608
        " priority, fence, owner, lease_until, recoveries, error, error_node, traceback,"
        " warnings, created_at, started_at) VALUES (%s,"
        " COALESCE(NULLIF(%s, ''), (SELECT graph FROM workflows_thread WHERE id = %s)),"
        f" %s, 'running', '', '', 0, 1, %s, {later}, 0, '', '', '', '', {now}, {now})"
        " ON CONFLICT (thread_id) WHERE status = 'running' DO NOTHING RETURNING id",
        (
            thread_id,
            graph,
            thread_id,
            kind,
            process_owner(),
            seconds_param(wrapper.vendor, lease_seconds()),
        ),
    ).fetchall()
    return found[0][0] if found else None


def _check_head(using: str, thread_id: str, expected_head: str | None) -> None:
    if expected_head is None:
        return
    head = head_of(using, thread_id)
    if head != expected_head:
        raise StaleResumeError(head, thread_id=thread_id)


def head_of(using: str, thread_id: str) -> str:
    """The head pointer of the thread; "" before the first checkpoint."""
    found = execute(
        connection_of(using),
        "SELECT head FROM workflows_thread WHERE id = %s",
        (thread_id,),
    ).fetchone()
    return found[0] if found else ""


def _holder(using: str, thread_id: str) -> tuple[Any, ...] | None:
    """(run id, fence, owner, started, kind, lapsed) of the thread's running run."""
    wrapper = connection_of(using)
    return execute(  # type: ignore[no-any-return]
        wrapper,
        "SELECT id, fence, owner, started_at, kind,"  # noqa: S608
        f" lease_until IS NOT NULL AND lease_until < {NOW_SQL[wrapper.vendor]}"
        " FROM workflows_run WHERE thread_id = %s AND status = 'running'",
        (thread_id,),
    ).fetchone()


def holder_of(using: str, thread_id: str) -> str:
    """The id of the thread's running run as text; "?" when it has ended meanwhile."""
    found = _holder(using, thread_id)
    return str(found[0]) if found else "?"


def _break_lease(using: str, thread_id: str, holder: tuple[Any, ...]) -> bool:
    """End a direct run whose process is gone, or whose stream of this process was left lying.

    One that this process is just ending is ended here: the row is closed by who comes first, so
    that a call right after a stream that was left finds the thread free (R3.18).
    Other kinds are left to `release_dead_leases`.
    """
    run_id, fence, owner, _, kind, lapsed = holder
    held = _held_here.get((using, run_id))
    if held is not None and held.ending is not None:
        held.is_over = True
        status, reason = held.ending
        end_run(using, thread_id, run_id, fence, status, reason=reason)
        return True
    if held is not None and is_given_up(held.place):
        let_go(using, run_id)
        held.forget(held.place)
        return end_run(using, thread_id, run_id, fence, "cancelled", reason="left")
    dead = connection_of(using).vendor == SQLITE and is_dead(owner)
    if kind not in DIRECT_KINDS or not (lapsed or dead):
        return False
    return end_run(using, thread_id, run_id, fence, "error", reason="abandoned")


def let_go(using: str, run_id: int) -> None:
    """Renew the lease of a run of this process no more; it is about to end."""
    keeper.settle(using, run_id)
    _held_here.pop((using, run_id), None)


def bury(using: str, place: Place) -> None:
    """Let the lease of a place be over now, and refuse whatever of it is still at work; the row says nothing of an end."""
    run_id = int(place.run_id)
    keeper.drop(using, run_id)
    _held_here.pop((using, run_id), None)
    wrapper = connection_of(using)
    execute(
        wrapper,
        f"UPDATE workflows_run SET fence = fence + 1, lease_until = {LATER_SQL[wrapper.vendor]}"  # noqa: S608
        " WHERE id = %s AND fence = %s AND status = 'running'",
        (seconds_param(wrapper.vendor, -1.0), run_id, place.fence),
    )


def end_run(
    using: str,
    thread_id: str,
    run_id: int,
    fence: int,
    status: str,
    *,
    reason: str = "",
    vault: Vault | None = None,
) -> bool:
    """End a run under its fencing number and settle the thread's status.

    `vault` opens what its saver has encrypted. Returns False, with nothing written, when the run is no longer the holder's.
    """
    wrapper = connection_of(using)
    with transaction.atomic(using=using):
        lock_thread(wrapper, thread_id)
        found = execute(
            wrapper,
            "UPDATE workflows_run SET status = %s, reason = %s, lease_until = NULL,"  # noqa: S608
            f" finished_at = {NOW_SQL[wrapper.vendor]}"
            " WHERE id = %s AND fence = %s AND status = 'running'"
            " RETURNING kind, cancel_requested_at IS NOT NULL, cancel_mode",
            (status, reason, run_id, fence),
        ).fetchall()
        if not found:
            return False
        kind, was_asked, mode = found[0]
        if status == "cancelled" and was_asked:
            settle_cancelled(using, thread_id, run_id, mode)
        data = {"run": run_id, "kind": kind, "status": status}
        if reason:
            data["reason"] = reason
        left = thread_status_after(using, thread_id, status, kind, vault)
        append_events(using, thread_id, run_id, [("run", data)], thread_status=left)
        if left in PAUSED:
            wake_for_arrivals(using, thread_id)
    return True


def settle_cancelled(using: str, thread_id: str, run_id: int, mode: str) -> None:
    """What follows where a run ends as cancelled: nothing is asked any more (RB.8).

    With mode "rollback" the thread goes back to where the run began (RA.2). Part of the
    caller's transaction.
    """
    withdraw(using, thread_id, run_id)
    if mode == "rollback":
        roll_back(using, thread_id, run_id)


# How a driver says that its run ended -> the status and the reason of its row.
_OUTCOMES = {
    "paused": ("interrupted", "breakpoint"),
    "drained": ("cancelled", "drained"),
    "stopped": ("cancelled", "left"),
    "refused": ("success", "update_refused"),
}


def close_direct(
    using: str,
    place: Place,
    outcome: str,
    vault: Vault | None = None,
    reason: str = "",
) -> None:
    """End the run of `place`, with `reason` where its outcome has none of its own; one that was taken over is only reported."""
    run_id = int(place.run_id)
    status, reason = _OUTCOMES.get(outcome, (outcome, reason))
    held = _held_here.get((using, run_id))
    if held is not None:
        held.ending = status, reason
    keeper.settle(using, run_id)
    try:
        ended = end_run(
            using,
            place.thread_id,
            run_id,
            place.fence,
            status,
            reason=reason,
            vault=vault,
        )
    finally:
        _held_here.pop((using, run_id), None)
    if not ended and not (held is not None and held.is_over):
        log.warning(
            "run %s of thread %r was taken over before it ended as %s",
            run_id,
            place.thread_id,
            outcome,
        )


def verify_claim(
    using: str, thread_id: str, run_id: int, fence: int, expected_head: str | None
) -> int:
    """Check that a claimed run is still ours and the head where it is expected.

    Returns the number of the thread's last event.
    """
    found = execute(
        connection_of(using),
        "SELECT thread.seq FROM workflows_run AS run"
        " JOIN workflows_thread AS thread ON thread.id = run.thread_id"
        " WHERE run.id = %s AND fence = %s AND run.status = 'running' AND thread_id = %s",
        (run_id, fence, thread_id),
    ).fetchone()
    if not found:
        raise LeaseLostError(str(run_id), fence)
    _check_head(using, thread_id, expected_head)
    return found[0]  # type: ignore[no-any-return]


def reached(using: str, run_id: int, fence: int) -> frozenset[str]:
    """The namespaces in which an earlier claim of the run has saved checkpoints."""
    if fence == 1:
        return frozenset()
    found = execute(
        connection_of(using),
        "SELECT DISTINCT namespace FROM workflows_checkpoint WHERE run_id = %s"
        " AND thread_id = (SELECT thread_id FROM workflows_run WHERE id = %s)",
        (run_id, run_id),
    ).fetchall()
    return frozenset(row[0] for row in found)


def instant(value: Any) -> datetime | None:
    """A raw column as an aware instant: SQLite's driver gives text or a naive one."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value  # type: ignore[no-any-return]
