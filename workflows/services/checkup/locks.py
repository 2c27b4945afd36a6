"""Whether statements of the database wait for each other (PostgreSQL)."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connection, connections

from workflows.services.checkup.check import FINE, NONE, STUCK, Check, Fact
from workflows.services.checkup.patient import Patient
from workflows.storage.connections import POSTGRESQL

LOCK_SECONDS = 5.0
MOST = 5
_BLOCKED = """
SELECT waiting.pid, extract(epoch FROM pg_catalog.clock_timestamp() - waiting.query_start)::int,
  blocker.pid, coalesce(blocker.application_name, ''), coalesce(blocker.state, '')
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS held(pid)
JOIN pg_stat_activity AS blocker ON blocker.pid = held.pid
WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock'
  AND waiting.query_start < pg_catalog.clock_timestamp() - %s * interval '1 second'
ORDER BY waiting.query_start LIMIT %s"""


def is_blocked(patient: Patient) -> Check:
    """Statements of this database that have waited for a lock for some seconds, whoever holds it.

    A thread on which nothing is at work is not stuck for that.
    """
    name, question = "locks", "Does the database wait for a lock?"
    if connections[DEFAULT_DB_ALIAS].vendor != POSTGRESQL:
        text = "SQLite has no locks to look at: who writes waits its turn, for seconds at most."
        return Check(name, question, NONE, text)
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKED, [LOCK_SECONDS, MOST])
        rows = cursor.fetchall()
    if not rows:
        text = f"No statement has waited for a lock for {LOCK_SECONDS:.0f} seconds."
        return Check(name, question, FINE, text)
    facts = tuple(
        Fact(
            f"process {pid} has waited {seconds} s for",
            f"process {blocker} {program} ({state})",
            is_inner=True,
        )
        for pid, seconds, blocker, program, state in rows
    )
    text = f"Statements have waited for locks of others for up to {rows[0][1]} seconds."
    do = (
        "See what holds the lock (pg_stat_activity), and let it end, or end it: "
        "SELECT pg_terminate_backend(process)."
    )
    if not patient.is_at_work:
        text = f"{text[:-1]}, but nothing of this thread is at work."
        return Check(name, question, FINE, text, facts=facts)
    return Check(name, question, STUCK, text, do, facts=facts)
