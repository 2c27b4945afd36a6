"""Turns "thread T has news up to n" into one read, one rendering and one fan-out per process.

Wakes come from worker threads of this process (SQLite) or from NOTIFY (PostgreSQL); a poll
finds what nobody woke us for. The publisher lives on the server's event loop. Worker threads
reach it by call_soon_threadsafe: sending through a channel layer from such a thread does not
wake the loop and took 461 ms where this takes 2.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS, Error, connections

from workflows.live import feed, frames
from workflows.live.away import tell_away
from workflows.live.feed import News
from workflows.live.hub import (
    QUEUE_TOPIC,
    RUNS_TOPIC,
    Hub,
    ThreadFrame,
    thread_topic,
)
from workflows.live.listen import listen
from workflows.live.reading import Reader
from workflows.live.watch import Watch

logger = logging.getLogger(__name__)

POLL_SECONDS = {"sqlite": 0.5, "postgresql": 3.0}
# On PostgreSQL an id may become visible after a greater one; the poll looks back this far.
LATE_IDS = {"sqlite": 0, "postgresql": 1000}
LIST_SECONDS = 0.5
RETRY_SECONDS = 1.0
THREADS_PER_QUERY = 50
EVENTS_PER_WAKE = 1000
REMEMBERED_THREADS = 20_000
VISITOR_THREADS = 3
# Programs that follow threads wait for each other, and no page for them.
STREAM_THREADS = 1


class Position(NamedTuple):
    """How far a thread was told.

    What nobody listened to was not read, only heard of. It may have been a late word of a
    thread of the same name that is gone, so whoever says less is believed enough to look.

    Of what was read, `event_id` is the last: in one thread ids rise with the numbers, so a
    greater id of a number that was told is of another thread of that name.
    """

    seq: int
    is_read: bool
    event_id: int = 0


UNKNOWN = Position(-1, is_read=True)


class Publisher:
    """The live half of one server process: `start()` on its loop, `stop()` at its end.

    `ready` is set once the poll has its first number: a socket that then reads what it
    missed misses nothing between that reading and the first frame.
    """

    def __init__(self) -> None:
        self.hub = Hub()
        self.reader = Reader(1, "live-publish")
        self.visitors = Reader(VISITOR_THREADS, "live-read")
        self.streams = Reader(STREAM_THREADS, "live-stream")
        self.watch = Watch(self.visitors)
        self.loop = asyncio.get_running_loop()
        self._positions: OrderedDict[str, Position] = OrderedDict()
        self._dirty: dict[str, int] = {}
        self._woken = asyncio.Event()
        self._changes = frames.Changes()
        self._changed = asyncio.Event()
        vendor = connections[DEFAULT_DB_ALIAS].vendor
        self._poll_seconds = POLL_SECONDS[vendor]
        self.late_ids = LATE_IDS[vendor]
        self._hears_notify = vendor == "postgresql"
        self._last_id: int | None = None
        self.ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen, to poll and to publish."""
        jobs = [
            self._publish_news(),
            self._publish_lists(),
            self._poll(),
            self.watch.run(),
        ]
        if self._hears_notify:
            # After a lost connection nobody has heard what was told meanwhile.
            jobs.append(listen(self.wake, self._poll_once))
        self._tasks = [self.loop.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """End every task and let go of the database connections."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for reader in (self.reader, self.visitors, self.streams):
            await asyncio.to_thread(reader.close)

    # What wakes us

    def wake(self, thread_id: str, seq: int) -> None:
        """A thread has events up to `seq`; call it on the loop only."""
        known = self._positions.get(thread_id, UNKNOWN)
        is_doubtful = seq < known.seq and not known.is_read
        if is_doubtful or seq > known.seq:
            self._dirty[thread_id] = max(seq, self._dirty.get(thread_id, -1))
            self._woken.set()

    def wake_from_any_thread(self, thread_id: str, seq: int) -> None:
        """The same, from a worker's thread."""
        # The loop is gone only while the process ends; the next one reads from the rows.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.wake, thread_id, seq)

    async def _poll(self) -> None:
        while True:
            try:
                await self._poll_once()
            except Error as error:
                tell_away("the poll for events", error)
            await asyncio.sleep(self._poll_seconds)

    async def _poll_once(self) -> None:
        if self._last_id is None:
            self._last_id = await self.reader.run(feed.newest_event_id)
            self.ready.set()
            return
        since = max(0, self._last_id - self.late_ids)
        newest, last = await self.reader.run(feed.threads_with_news, since)
        self._last_id = max(self._last_id, newest)
        for thread_id, event in last.items():
            known = self._positions.get(thread_id, UNKNOWN)
            is_another = known.event_id and known.event_id < event.event_id
            if event.seq <= known.seq and is_another:
                del self._positions[thread_id]
            elif event.seq < known.seq:
                self._positions[thread_id] = known._replace(is_read=False)
            self.wake(thread_id, event.seq)

    # What we do then

    async def _publish_news(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            dirty, self._dirty = self._dirty, {}
            try:
                await self._publish(dirty)
            except Error as error:
                tell_away("the publisher of news", error)
                for thread_id, seq in dirty.items():
                    self.wake(thread_id, seq)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # Whatever it was, the next news must come through; readers see the gap in
                # the numbers and ask the rows.
                logger.exception("news of threads %s was not published", list(dirty))

    async def _publish(self, dirty: dict[str, int]) -> None:
        for_lists = self._lists_have_listeners()
        wanted: dict[str, int] = {}
        for thread_id, seq in dirty.items():
            if for_lists or self.hub.has_listeners(thread_topic(thread_id)):
                known = self._positions.get(thread_id)
                start = known.seq if known else seq - feed.UNKNOWN_LOOK_BACK
                wanted[thread_id] = max(0, start, seq - EVENTS_PER_WAKE)
            else:
                self._remember(thread_id, Position(seq, is_read=False))
        pairs = list(wanted.items())
        for start in range(0, len(pairs), THREADS_PER_QUERY):
            part = dict(pairs[start : start + THREADS_PER_QUERY])
            await self._publish_part(part)

    async def _publish_part(self, positions: dict[str, int]) -> None:
        shown = self._with_listeners(positions)
        news, made = await self.reader.run(_read_and_render, positions, shown)
        # Whoever came while we read may have read the rows before these events were there,
        # and would hear of them from nobody. Who comes later finds them in the rows.
        came = self._with_listeners(news.threads) - shown
        if came:
            made |= await self.reader.run(_render, news, came)
        for thread_id, thread_frames in made.items():
            for frame in thread_frames:
                self.hub.publish(thread_topic(thread_id), frame)
        for thread_id, events in news.threads.items():
            last = Position(events[-1].seq, True, news.ids[thread_id])
            self._remember(thread_id, last)
        if news.threads and self._lists_have_listeners():
            self._changes.add(news)
            self._changed.set()

    def _with_listeners(self, thread_ids: Iterable[str]) -> set[str]:
        return {t for t in thread_ids if self.hub.has_listeners(thread_topic(t))}

    def _remember(self, thread_id: str, position: Position) -> None:
        self._positions[thread_id] = position
        self._positions.move_to_end(thread_id)
        if len(self._positions) > REMEMBERED_THREADS:
            self._positions.popitem(last=False)

    def _lists_have_listeners(self) -> bool:
        return self.hub.has_listeners(QUEUE_TOPIC) or self.hub.has_listeners(RUNS_TOPIC)

    async def _publish_lists(self) -> None:
        """List pages get what changed since last time, at most twice a second."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            changes, self._changes = self._changes, frames.Changes()
            try:
                for topic, render in (
                    (QUEUE_TOPIC, frames.queue_frame),
                    (RUNS_TOPIC, frames.runs_frame),
                ):
                    if self.hub.has_listeners(topic):
                        frame = await self.reader.run(render, changes)
                        self.hub.publish(topic, frame)
            except Error as error:
                tell_away("the publisher of lists", error)
                changes.merge(self._changes)
                self._changes = changes
                self._changed.set()
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                logger.exception("list pages were not updated")
            await asyncio.sleep(LIST_SECONDS)


def _read_and_render(
    positions: dict[str, int], shown: set[str]
) -> tuple[News, dict[str, list[ThreadFrame]]]:
    news = feed.events_of_threads(positions)
    return news, _render(news, shown & news.threads.keys())


def _render(news: News, thread_ids: Iterable[str]) -> dict[str, list[ThreadFrame]]:
    return {
        thread_id: frames.thread_frames(
            thread_id, news.threads[thread_id], news.begun[thread_id]
        )
        for thread_id in thread_ids
    }


_current: Publisher | None = None


def current_publisher() -> Publisher:
    """The publisher of the running loop, started if there is none yet.

    `manage.py serve` starts it before the first request; under another ASGI server the first
    socket does.
    """
    global _current
    loop = asyncio.get_running_loop()
    if _current is None or _current.loop is not loop:
        _current = Publisher()
        _current.start()
    return _current


async def stop_publisher() -> None:
    """End the publisher of this process, if there is one."""
    global _current
    publisher, _current = _current, None
    if publisher is not None:
        await publisher.stop()


def wake_this_process(thread_id: str, seq: int) -> None:
    """Tell this process's publisher, from any thread; nothing happens where none runs."""
    publisher = _current
    if publisher is not None:
        publisher.wake_from_any_thread(thread_id, seq)
