"""Whether what the tasks of a thread wait for has come, of whatever kind it is (RB.2, RB.3, RB.5)."""

from __future__ import annotations

from workflows.engine.waits import Wait
from workflows.models import Awaited
from workflows.storage.awaited import AwaitedRow
from workflows.storage.children import wake_for_children
from workflows.storage.connections import connection_of, execute
from workflows.storage.emitted import wake_for_events
from workflows.storage.mailbox import wake_for_signals
from workflows.storage.sealing import AWAITED, seal


def set_awaited(using: str, thread_id: str, waits: list[Wait]) -> None:
    """Write anew what the tasks of a thread wait for; the caller holds the thread's row."""
    rows = Awaited.objects.using(using)
    rows.filter(thread_id=thread_id).delete()
    made = []
    for each in waits:
        row = AwaitedRow.of(each)
        sealed = seal(row.matching, thread_id, AWAITED)
        made.append(
            Awaited(thread_id=thread_id, **row._replace(matching=sealed)._asdict())
        )
    rows.bulk_create(made)


def wake_for_arrivals(using: str, thread_id: str) -> None:
    """Make a thread due now where what a task of it waits for has come: a signal, an event, or the end of a child.

    Called by who holds the thread's row.
    """
    sql = "SELECT DISTINCT kind FROM workflows_awaited WHERE thread_id = %s"
    rows = execute(connection_of(using), sql, (thread_id,)).fetchall()
    kinds = {row[0] for row in rows}
    if "signal" in kinds:
        wake_for_signals(using, thread_id)
    if "event" in kinds:
        wake_for_events(using, thread_id)
    if "child" in kinds:
        wake_for_children(using, thread_id)
