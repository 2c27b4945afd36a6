"""How a change is announced: a wake-up with a thread and a number, and never more.

An announcement may get lost, since the poll of `publish.py` finds what nobody was woken for;
so it never fails the change it tells of. PostgreSQL needs no announcer: there the statement
that writes the change notifies `NOTIFY_CHANNEL` itself (`storage/events.py`), which reaches
every web process with the commit.
"""

from workflows.live.publish import wake_this_process

NOTIFY_CHANNEL = "durableweb_events"


class LocalAnnouncer:
    """SQLite: whoever changes something is usually a thread of the server's own process."""

    def announce(self, thread_id: str, seq: int) -> None:
        """Wake this process's publisher; other processes find the event by polling."""
        wake_this_process(thread_id, seq)
