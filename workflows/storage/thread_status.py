"""What a thread's status is once one of its runs has ended."""

from __future__ import annotations

from workflows.engine.errors import DecryptionError
from workflows.engine.serde.vault import Vault
from workflows.storage.connections import connection_of, execute
from workflows.storage.sealing import DUE


def thread_status_after(
    using: str,
    thread_id: str,
    run_status: str,
    kind: str = "",
    vault: Vault | None = None,
) -> str:
    """The status of a thread whose run ends with `run_status`.

    An edit by hand changes none where anything is due still: what failed, or stopped at a
    breakpoint, is to be continued.
    """
    if kind == "edit" and run_status == "success":
        run_status = _last_outcome(using, thread_id, vault) or run_status
    if run_status in ("error", "timeout"):
        return "error"
    if run_status == "interrupted":
        return "interrupted"
    found = execute(
        connection_of(using),
        "SELECT 1 FROM workflows_interrupt"
        " WHERE thread_id = %s AND status IN ('pending', 'decided') LIMIT 1",
        (thread_id,),
    ).fetchone()
    return "interrupted" if found else "idle"


def _last_outcome(using: str, thread_id: str, vault: Vault | None) -> str:
    """How the last run has ended of a thread where something is due, edits aside; else ""."""
    found = execute(
        connection_of(using),
        "SELECT r.status, c.due FROM workflows_run r"
        " JOIN workflows_thread t ON t.id = r.thread_id"
        " LEFT JOIN workflows_checkpoint c ON c.thread_id = t.id"
        " AND c.namespace = '' AND c.id = t.head"
        " WHERE t.id = %s AND r.kind <> 'edit' AND r.status NOT IN ('pending', 'running')"
        " ORDER BY r.id DESC LIMIT 1",
        (thread_id,),
    ).fetchone()
    if not found:
        return ""
    status, due = found
    if vault is not None and due:
        try:
            due = vault.open(due, thread_id, DUE)
        except DecryptionError:  # something is, for all that is known
            return str(status)
    return "" if due == "[]" else str(status)
