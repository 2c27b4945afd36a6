"""Taking a free thread for a direct run in one go: the usual case of `places.opening_direct`.

On PostgreSQL it is one statement, on SQLite three, in a transaction of their own or with what
other threads of the process save. Where it does not
succeed nothing is written, and `places` finds out why, step by step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import IntegrityError

from workflows.storage.connections import (
    LATER_SQL,
    NOW_SQL,
    POSTGRESQL,
    SQLITE,
    execute,
    for_sqlite,
    inside_transaction,
)
from workflows.storage.events import announce_after_commit
from workflows.storage.leases import lease_seconds, seconds_param
from workflows.storage.owners import process_owner
from workflows.storage.savings import Saving
from workflows.storage.texts import json_text
from workflows.storage.turns import Wish

# The thread's row first, as by all who write for a thread; it is locked from then on.
_THREAD = """
INSERT INTO workflows_thread AS row
  (id, graph, title, status, head, seq, created_at, updated_at)
VALUES (%s, %s, '', 'busy', '', 1, {now}, {now})
ON CONFLICT (id) DO UPDATE SET seq = row.seq + 1, status = 'busy', updated_at = {now}
WHERE NOT EXISTS (
  SELECT 1 FROM workflows_run WHERE thread_id = row.id AND status = 'running')
RETURNING id, seq, graph, head"""
_RUN = """
INSERT INTO workflows_run (thread_id, graph, kind, status, reason, payload, priority, fence,
  owner, lease_until, recoveries, error, error_node, traceback, warnings, created_at,
  started_at)
SELECT {thread}, COALESCE(NULLIF(%s, ''), {graph}), %s, 'running', '', '', 0, 1,
  %s, {later}, 0, '', '', '', '', {now}, {now}{source}
RETURNING id"""
_EVENT = """
INSERT INTO workflows_event (thread_id, seq, kind, run_id, data)
VALUES (%s, %s, 'run', %s, %s)"""
_WHOLE = """
WITH thread AS ({thread}), run AS ({run}), event AS (
  INSERT INTO workflows_event (thread_id, seq, kind, run_id, data)
  SELECT thread.id, thread.seq, 'run', run.id,
    json_build_object('run', run.id, 'kind', %s::text, 'status', 'running')::text
  FROM thread, run)
SELECT run.id, thread.seq, thread.head FROM run, thread"""


class Taken(NamedTuple):
    """A thread that was taken: for which run, the number of its last event, and its head ("" before the first).

    Number and head are 0 and None where nobody has looked.
    """

    run_id: int
    seq: int = 0
    head: str | None = None


def _statements(vendor: str, thread: str, graph: str, source: str) -> tuple[str, str]:
    words = {"now": NOW_SQL[vendor], "later": LATER_SQL[vendor]}
    run = _RUN.format(thread=thread, graph=graph, source=source, **words)
    return _THREAD.format(**words), run


_SQLITE_THREAD, _SQLITE_RUN = map(for_sqlite, _statements(SQLITE, "%s", "%s", ""))
_SQLITE_EVENT = for_sqlite(_EVENT)
_TAKE_THREAD, _TAKE_RUN = _statements(
    POSTGRESQL, "thread.id", "thread.graph", "\nFROM thread"
)
_TAKE = _WHOLE.format(thread=_TAKE_THREAD, run=_TAKE_RUN)


def taking(wrapper: Any, thread_id: str, graph: str, kind: str) -> Saving[Taken | None]:
    """Take `thread_id` for a new run; None where a run holds the thread.

    Not inside a transaction of the caller: a refusal would spoil it on PostgreSQL.
    """
    if inside_transaction(wrapper):
        return None
    if wrapper.vendor == SQLITE:
        found = yield from _on_sqlite(wrapper, thread_id, graph, kind)
    else:
        found = _on_postgresql(wrapper, thread_id, graph, kind)
    if found is None:
        return None
    announce_after_commit(wrapper, thread_id, found.seq)
    return found


def _on_postgresql(wrapper: Any, thread_id: str, graph: str, kind: str) -> Taken | None:
    lease = seconds_param(wrapper.vendor, lease_seconds())
    try:
        found = execute(
            wrapper,
            _TAKE,
            (thread_id, graph, graph, kind, process_owner(), lease, kind),
        ).fetchone()
    except IntegrityError:  # another run began since the statement did
        return None
    return Taken(*found) if found else None


def _on_sqlite(
    wrapper: Any, thread_id: str, graph: str, kind: str
) -> Saving[Taken | None]:
    lease = seconds_param(wrapper.vendor, lease_seconds())
    owner = process_owner()
    taken: list[Taken] = []

    def rows(connection: Any) -> int | None:
        execute = connection.execute
        found = execute(_SQLITE_THREAD, (thread_id, graph)).fetchall()
        if not found:
            return None
        _, seq, known, head = found[0]
        given = (thread_id, graph, known, kind, owner, lease)
        run_id = execute(_SQLITE_RUN, given).fetchall()[0][0]
        data = json_text({"run": run_id, "kind": kind, "status": "running"})
        execute(_SQLITE_EVENT, (thread_id, seq, run_id, data))
        taken.append(Taken(run_id, seq, head))
        return seq  # type: ignore[no-any-return]

    # It need not wait for the disk: see `taken_on_disk_later`.
    seq = yield Wish(rows, relaxed=True)
    return None if seq is None else taken[-1]
