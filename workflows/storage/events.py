"""Event rows: what happened on a thread, numbered without gaps, and who is told of it.

A number is given by raising `seq` on the thread row in the transaction of what the event
tells. The row's lock makes numbers visible in order, whoever writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction

from workflows.storage.connections import (
    NOT_IDLE_SQL,
    NOW_SQL,
    POSTGRESQL,
    connection_of,
    execute,
)
from workflows.storage.texts import json_text

# Few enough that each of the statements that this makes is worth preparing.
ROWS_AT_ONCE = 8
_INSERT = "INSERT INTO workflows_event (thread_id, seq, kind, run_id, data) VALUES "
_ROW = "(%s, %s, %s, %s, %s)"
Announce = Callable[[str, int], None]
Listen = Callable[[str, str, int | None, Sequence[tuple[str, dict[str, Any]]]], None]


def _tell_nobody(thread_id: str, seq: int) -> None:
    """The announcer until the composition root installs one."""


_announcer: Announce = _tell_nobody


def set_announcer(announcer: Announce | None) -> None:
    """Install what is called with (thread id, last seq) after a commit that wrote events."""
    global _announcer
    _announcer = announcer or _tell_nobody


def _hear_nothing(
    using: str,
    thread_id: str,
    run_id: int | None,
    events: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    """The listener until the composition root installs one."""


_listener: Listen = _hear_nothing


def set_listener(listener: Listen | None) -> None:
    """Install what is called with (alias, thread id, run id, events) in their transaction."""
    global _listener
    _listener = listener or _hear_nothing


def announce_after_commit(wrapper: Any, thread_id: str, seq: int) -> None:
    """Tell the announcer of `seq` once the present transaction is durable."""
    if _announcer is _tell_nobody:
        return
    if wrapper.in_atomic_block:
        transaction.on_commit(lambda: _announcer(thread_id, seq), using=wrapper.alias)
    else:
        _announcer(thread_id, seq)


def append_events(
    using: str,
    thread_id: str,
    run_id: int | None,
    events: Sequence[tuple[str, dict[str, Any]]],
    *,
    thread_status: str | None = None,
) -> int:
    """Write `events` in the caller's transaction; returns the last seq (0: no such thread).

    `thread_status` moves the thread's status along. The announcement follows the commit.
    """
    wrapper = connection_of(using)
    count = len(events)
    moved = ""
    params: tuple[str, ...] = ()
    if thread_status is not None:
        moved = f", status = %s, updated_at = {NOW_SQL[wrapper.vendor]}"
        params = (thread_status,)
    limit = f", {NOT_IDLE_SQL}" if wrapper.vendor == POSTGRESQL else ""
    found = execute(
        wrapper,
        f"UPDATE workflows_thread SET seq = seq + %s{moved} WHERE id = %s"  # noqa: S608
        f" RETURNING seq{limit}",
        (count, *params, thread_id),
    ).fetchall()
    if not found:
        return 0
    last: int = found[0][0]
    rows = [
        (thread_id, number, kind, run_id, json_text(data))
        for number, (kind, data) in enumerate(events, last - count + 1)
    ]
    for at in range(0, count, ROWS_AT_ONCE):
        part = rows[at : at + ROWS_AT_ONCE]
        execute(
            wrapper,
            _INSERT + ", ".join([_ROW] * len(part)),
            [value for row in part for value in row],
        )
    _listener(using, thread_id, run_id, events)
    announce_after_commit(wrapper, thread_id, last)
    return last
