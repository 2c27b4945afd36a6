"""What is done where the database's clock was set: by hand, or after the machine had slept.

Set ahead, every lease seems to have lapsed, though its holder lives. Set back, what was to happen
now would wait for as long as that was, and so would the runs of a worker that has died.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.models.interrupt import END_OF_TIME
from workflows.storage.connections import (
    LATER_SQL,
    NOW_SQL,
    POSTGRESQL,
    SQLITE,
    connection_of,
    execute,
)
from workflows.storage.leases import lease_seconds, seconds_param
from workflows.storage.outage import outage

log = logging.getLogger(__name__)

# Clocks that are kept right are moved by less.
ALLOWED_SECONDS = 1.0

# Made before the clock was set back: its event is younger than the present.
_DUE = """
UPDATE workflows_run SET due_at = CASE WHEN {back} > {later} THEN {back} ELSE {now} END
WHERE status = 'pending' AND due_at > {now} AND due_at < %s AND EXISTS (
  SELECT 1 FROM workflows_event AS event
  WHERE event.thread_id = workflows_run.thread_id AND event.run_id = workflows_run.id
    AND event.created_at > {now})"""
# By how much it was set back, so that what was to wait still waits as long.
_BACK = {
    POSTGRESQL: "due_at + %s * interval '1 second'",
    SQLITE: "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', due_at, %s || ' seconds')",
}
# Else the window of a rate would stay shut for as long as that was.
_ADMITTED = """
UPDATE workflows_run SET admitted_at = {now} WHERE admitted_at > {now}"""
# Else all who start now would stand before those who wait already, and those before what goes on with a thread. One that is to
# wait stands in line from when it is due, which is set back before this.
_PLACES = """
UPDATE workflows_run SET queued_at =
  CASE WHEN status = 'pending' AND due_at > {now} AND due_at < queued_at THEN due_at
    WHEN status = 'pending' AND due_at = queued_at THEN queued_at ELSE {now} END
WHERE queued_at > {now}"""
# Whoever lives renews it.
_LEASES = """
UPDATE workflows_run SET lease_until = {later}
WHERE status = 'running' AND lease_until > {later}"""


class ClockWatch:
    """Notices that the database's clock was set, beside this process's own count of seconds.

    Nobody sets that count. It goes on while the process is stopped, and stands still while the
    machine sleeps, when nobody renews a lease either.
    """

    def __init__(self) -> None:
        self._least = float("-inf")
        self._most = float("inf")

    def look(self, using: str = DEFAULT_DB_ALIAS) -> float:
        """By how many seconds the clock has surely moved beside the count since the last look."""
        before = time.monotonic()
        clock = _seconds(using)
        least, most = clock - time.monotonic(), clock - before
        moved = max(least - self._most, 0.0) or min(most - self._least, 0.0)
        self._least, self._most = least, most
        return moved


def _seconds(using: str) -> float:
    """The clock as it is, wherever a test may have moved it."""
    wrapper = connection_of(using)
    if wrapper.vendor != POSTGRESQL:
        return time.time()
    now: datetime = execute(wrapper, "SELECT pg_catalog.clock_timestamp()").fetchone()[
        0
    ]
    return now.timestamp()


_watch = ClockWatch()


def notice_jumps(using: str = DEFAULT_DB_ALIAS, watch: ClockWatch = _watch) -> float:
    """Let nothing be taken early or wait long because the clock was set; by how much it was.

    Part of every sweep, before it looks at leases.
    """
    moved = watch.look(using)
    if abs(moved) <= ALLOWED_SECONDS:
        return 0.0
    log.warning("the clock of the database was set by %+.0f s", moved)
    # Who lives renews its leases now: wait for it, as after an outage.
    outage.note()
    if moved < 0:
        _forget_the_future(using, moved)
    return moved


def _forget_the_future(using: str, moved: float) -> None:
    wrapper = connection_of(using)
    words = {"now": NOW_SQL[wrapper.vendor], "later": LATER_SQL[wrapper.vendor]}
    words["back"] = _BACK[wrapper.vendor]
    by = seconds_param(wrapper.vendor, moved)
    soon = seconds_param(wrapper.vendor, ALLOWED_SECONDS)
    lease = seconds_param(wrapper.vendor, lease_seconds())
    held = (
        END_OF_TIME
        if wrapper.vendor == POSTGRESQL
        else wrapper.ops.adapt_datetimefield_value(END_OF_TIME)
    )
    with transaction.atomic(using=using):
        execute(wrapper, _DUE.format(**words), (by, soon, by, held))
        execute(wrapper, _PLACES.format(**words))
        execute(wrapper, _ADMITTED.format(**words))
        execute(wrapper, _LEASES.format(**words), (lease, lease))
