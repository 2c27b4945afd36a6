"""How a change is announced: a wake-up with a thread and a number, and never more.

`workflows/apps.py` installs one of the two. An announcement may get lost, since the poll of
`publish.py` finds what nobody was woken for; so it never fails the change it tells of.
"""

import logging

from django.db import Error, connections

from workflows.live.publish import wake_this_process
from workflows.storage.connections import execute

logger = logging.getLogger(__name__)

NOTIFY_CHANNEL = "durableweb_events"


class LocalAnnouncer:
    """SQLite: whoever changes something is usually a thread of the server's own process."""

    def announce(self, thread_id: str, seq: int) -> None:
        """Wake this process's publisher; other processes find the event by polling."""
        wake_this_process(thread_id, seq)


class NotifyAnnouncer:
    """PostgreSQL: NOTIFY reaches every web process.

    In a transaction of its own, which writes nothing and so waits for no disk. In the one that
    writes it would let commits pass one at a time: PostgreSQL holds a lock of the whole
    database from NOTIFY to the end of the commit.
    """

    def __init__(self, using: str = "default") -> None:
        self.using = using

    def announce(self, thread_id: str, seq: int) -> None:
        """Send NOTIFY; inside a transaction it is delivered when that commits."""
        connection = connections[self.using]
        values = [NOTIFY_CHANNEL, f"{thread_id} {seq}"]
        try:
            execute(connection, "SELECT pg_notify(%s, %s)", values)
        except Error:
            if connection.in_atomic_block:
                raise
            logger.warning("no wake-up for thread %s; the poll will find it", thread_id)
