"""The database's clock, for moments that are made or compared outside of its statements.

Servers and workers may run on machines whose clocks differ by an hour. A moment that one of them
writes and another waits for is therefore the database's on both sides.
"""

from __future__ import annotations

import time
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from workflows.storage.connections import POSTGRESQL, connection_of, execute


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The database's clock at this moment; SQLite's is this machine's."""
    wrapper = connection_of(using)
    if wrapper.vendor != POSTGRESQL:
        return timezone.now()
    now: datetime = execute(wrapper, "SELECT clock_timestamp()").fetchone()[0]
    return now


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
        clock = database_now(using).timestamp()
        least, most = clock - time.monotonic(), clock - before
        moved = max(least - self._most, 0.0) or min(most - self._least, 0.0)
        self._least, self._most = least, most
        return moved
