"""What a thread's status is once one of its runs has ended."""

from __future__ import annotations

from workflows.engine.errors import DecryptionError
from workflows.engine.serde.vault import Vault
from workflows.storage.connections import connection_of, execute
from workflows.storage.sealing import DUE

PAUSED = ("waiting", "interrupted")
"""In which tasks may wait for an instant or a signal."""


def thread_status_after(
    using: str,
    thread_id: str,
    run_status: str,
    kind: str = "",
    vault: Vault | None = None,
) -> str:
    """The status of a thread whose run ends with `run_status`.

    An edit by hand, or an update, changes none where anything is due still: what failed, or stopped at a
    breakpoint, is to be continued. After one by a program what slept or waited does so still, for all that is known: who
    wakes it looks. So does a thread that has done its work and waits for its children (RB.5).
    """
    if kind in ("edit", "update") and run_status == "success":
        run_status = _last_outcome(using, thread_id, vault) or run_status
    if run_status in ("error", "timeout"):
        return "error"
    if run_status == "interrupted":
        return "interrupted"
    found = execute(
        connection_of(using),
        "SELECT wake_at IS NOT NULL OR EXISTS (SELECT 1 FROM workflows_awaited"
        " WHERE thread_id = %s), EXISTS (SELECT 1 FROM workflows_interrupt"
        " WHERE thread_id = %s AND status IN ('pending', 'decided')),"
        " EXISTS (SELECT 1 FROM workflows_child WHERE thread_id = %s"
        " AND NOT settled AND on_parent_end = 'wait')"
        " FROM workflows_thread WHERE id = %s",
        (thread_id,) * 4,
    ).fetchone()
    waits, asks, has_children = found or (False, False, False)
    if asks:
        return "interrupted"
    if run_status == "success" and waits:
        goes_on = has_children or _is_due(using, thread_id, vault)
        return "waiting" if goes_on else "idle"
    return "waiting" if run_status == "waiting" else "idle"


def _is_due(using: str, thread_id: str, vault: Vault | None) -> bool:
    """Whether anything is due at the thread's head; or may be, where that cannot be read."""
    found = execute(
        connection_of(using),
        "SELECT c.due FROM workflows_checkpoint c JOIN workflows_thread t"
        " ON c.thread_id = t.id AND c.namespace = '' AND c.id = t.head WHERE t.id = %s",
        (thread_id,),
    ).fetchone()
    return found is not None and _opened(found[0], thread_id, vault) != "[]"


def _opened(due: str, thread_id: str, vault: Vault | None) -> str:
    """What is due, as text; "" where it is encrypted and cannot be read."""
    if vault is None or not due:
        return due
    try:
        return vault.open(due, thread_id, DUE)
    except DecryptionError:
        return ""


def _last_outcome(using: str, thread_id: str, vault: Vault | None) -> str:
    """How the last run has ended of a thread where something is due, edits aside; else ""."""
    found = execute(
        connection_of(using),
        "SELECT r.status, c.due FROM workflows_run r"
        " JOIN workflows_thread t ON t.id = r.thread_id"
        " LEFT JOIN workflows_checkpoint c ON c.thread_id = t.id"
        " AND c.namespace = '' AND c.id = t.head"
        " WHERE t.id = %s AND r.kind NOT IN ('edit', 'update') AND r.status NOT IN ('pending', 'running')"
        " ORDER BY r.id DESC LIMIT 1",
        (thread_id,),
    ).fetchone()
    if not found:
        return ""
    status, due = found
    return "" if _opened(due, thread_id, vault) == "[]" else str(status)
