"""How a change is announced: a wake-up with a thread and a number, and never more.

`workflows/apps.py` installs one of the two. An announcement may get lost, since the poll of
`publish.py` finds what nobody was woken for; so it never fails the change it tells of.
"""

import logging
import threading
import time

from django.db import Error, connections

from workflows.live.publish import wake_this_process
from workflows.storage.connections import execute

logger = logging.getLogger(__name__)

NOTIFY_CHANNEL = "durableweb_events"
PAUSE_SECONDS = 0.025


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

    A lone announcement is sent at once. Where a process has sent one less than
    `PAUSE_SECONDS` ago, the newest number of each thread is sent together when these are over,
    by a short-lived thread: a workflow that saves a step each millisecond wakes the pages as
    often as they can show it, and is not held up by that.
    """

    def __init__(self, using: str = "default") -> None:
        self.using = using
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}
        self._is_sending = False
        self._sent_at = float("-inf")

    def announce(self, thread_id: str, seq: int) -> None:
        """Send NOTIFY; inside a transaction it is delivered when that commits."""
        if connections[self.using].in_atomic_block:
            self._send([f"{thread_id} {seq}"])
        elif not self._put_off(thread_id, seq):
            self._try_to_send({thread_id: seq})

    def _put_off(self, thread_id: str, seq: int) -> bool:
        with self._lock:
            now = time.monotonic()
            if not self._is_sending and now - self._sent_at >= PAUSE_SECONDS:
                self._sent_at = now
                return False
            self._waiting[thread_id] = max(seq, self._waiting.get(thread_id, 0))
            begin, self._is_sending = not self._is_sending, True
        if begin:
            try:
                # No daemon: a process that ends waits until its last news are sent.
                threading.Thread(
                    target=self._send_later, name="durableweb-notify"
                ).start()
            except RuntimeError:  # the interpreter ends, or has no thread left
                with self._lock:
                    self._waiting, self._is_sending = {}, False
                return False
        return True

    def _take_waiting(self) -> dict[str, int]:
        """What is to be sent now; where that is nothing, nobody is sending any more."""
        with self._lock:
            news, self._waiting = self._waiting, {}
            self._is_sending = bool(news)
            self._sent_at = time.monotonic() if news else self._sent_at
            return news

    def _send_later(self) -> None:
        try:
            while True:
                time.sleep(PAUSE_SECONDS)
                news = self._take_waiting()
                if not news:
                    return
                self._try_to_send(news)
        finally:
            connections[self.using].close()

    def _try_to_send(self, news: dict[str, int]) -> None:
        try:
            self._send([f"{thread_id} {seq}" for thread_id, seq in news.items()])
        except Error:
            logger.warning(
                "no wake-up for threads %s; the poll will find them", [*news][:10]
            )
        except Exception:  # a thread that dies here would never send again
            logger.exception("no wake-up for threads %s", [*news][:10])

    def _send(self, news: list[str]) -> None:
        wrapper = connections[self.using]
        if len(news) == 1:
            execute(wrapper, "SELECT pg_notify(%s, %s)", (NOTIFY_CHANNEL, news[0]))
        else:
            sql = "SELECT pg_notify(%s, news) FROM unnest(%s::text[]) AS news"
            execute(wrapper, sql, (NOTIFY_CHANNEL, news))
