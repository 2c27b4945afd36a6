"""The events of a thread as server-sent events, for programs with a token.

The rows are the truth: a stream reads what comes after its last number, and the hub only
tells it when to look. So nothing is missed or told twice, whatever happens in between; who
comes back says which number was the last. It lives on the event loop and holds no thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from workflows.live import feed
from workflows.live.away import tell_away
from workflows.live.hub import BehindError, Subscription, ThreadFrame, thread_topic
from workflows.live.open_streams import open_streams
from workflows.live.publish import Publisher, current_publisher
from workflows.models import Thread
from workflows.services.access import READ, Person, Rights, find_thread
from workflows.services.action import NotAllowed, Refused
from workflows.services.records import EventRecord
from workflows.services.thread_history import events_after
from workflows.services.tokens import person_with
from workflows.storage.outage import is_away

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 50
# What is sent at once of a long history, or a little more: the rest waits for the reader.
PART_BYTES = 32 * 1024
# A sign of life, by which a proxy keeps the connection; and the token is looked at again.
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": still here\n\n"
# How long a client waits before it comes back, in milliseconds.
BEGINNING = b"retry: 2000\n\n"


class NoTokenError(Exception):
    """Nobody knows who asks."""


def let_in(token: str, thread_id: str) -> tuple[Person, Thread]:
    """Whose token it is, and the thread; raises NoTokenError, NotAllowed or NotVisible."""
    person = person_with(token)
    if person is None:
        raise NoTokenError
    if not Rights(person).allows(READ):
        raise NotAllowed(f"This token has no scope {READ!r}.")
    return person, find_thread(person, thread_id)


class EventStream:
    """The body of one answer; `close()` takes back everything it had."""

    def __init__(self, token: str, person: Any, thread: Thread, after: int) -> None:
        self._token = token
        self._person = person
        self._thread_id: str = thread.pk
        self._begun: datetime = thread.created_at
        self._seq = after
        self._checked_at = time.monotonic()
        self._publisher: Publisher | None = None
        self._subscription: Subscription | None = None
        self._parts: deque[bytes] = deque()
        self._may_be_more = True
        self._is_over = False

    def has_place(self) -> bool:
        """Take one of the places of the token and of its owner; whether there was any."""
        return open_streams.take(self, self._person.api_token.pk, self._person.pk)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._publisher is None:
            self._publisher = current_publisher()
            await self._publisher.ready.wait()
            return BEGINNING
        try:
            part = await self._part(self._publisher)
        except Exception as error:
            if is_away(error):
                tell_away("an event stream", error)
            else:
                logger.exception("an event stream of thread %s failed", self._thread_id)
            part = b""
        if not part:
            raise StopAsyncIteration
        return part

    async def _part(self, publisher: Publisher) -> bytes:
        """The next events, or a sign of life; nothing at the end."""
        while not self._is_over:
            if self._parts:
                return self._parts.popleft()
            if not self._may_be_more and not await self._hears_of_more():
                # Whatever nobody told of is found now.
                self._may_be_more = True
                return HEARTBEAT
            # From now on the hub tells of what the reading does not find.
            self._listen(publisher)
            self._may_be_more = await publisher.streams.run(self._read)
        return b""

    def _listen(self, publisher: Publisher) -> None:
        before = self._subscription
        self._subscription = publisher.hub.subscribe(thread_topic(self._thread_id), 1)
        if before is not None:
            publisher.hub.unsubscribe(before)

    async def _hears_of_more(self) -> bool:
        """Whether there was word of more before it was time for a sign of life."""
        assert self._subscription is not None  # noqa: S101 - it has read before
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                while True:
                    frame = await self._subscription.get()
                    if isinstance(frame, ThreadFrame) and frame.last > self._seq:
                        return True
        except BehindError:
            return True
        except TimeoutError:
            return False

    def _read(self) -> bool:
        """Take what comes after the last number; whether there may be more. On a reading thread."""
        now = time.monotonic()
        is_time = now - self._checked_at >= HEARTBEAT_SECONDS
        found = events_after(self._thread_id, self._seq, EVENTS_AT_ONCE)
        # Looked at afterwards, so that nothing is told of a thread that has begun anew since.
        is_lost = (found or is_time) and not self._is_the_same()
        if is_lost or (is_time and not self._may_stay()):
            self._is_over = True
            return False
        if is_time:
            self._checked_at = now
        self._parts.extend(parts_of(found))
        self._seq = found[-1].seq if found else self._seq
        return len(found) == EVENTS_AT_ONCE

    def _is_the_same(self) -> bool:
        """Whether the thread is the one that was asked for: another of its name has numbers of its own."""
        now = feed.thread_now(self._thread_id)
        return now is not None and now.begun == self._begun and now.seq >= self._seq

    def _may_stay(self) -> bool:
        try:
            let_in(self._token, self._thread_id)
        except (NoTokenError, Refused):
            return False
        return True

    def end(self) -> None:
        """Send no more and close."""
        self._is_over = True
        if self._subscription is not None:
            self._subscription.behind = True
            self._subscription.news.set()

    def close(self) -> None:
        """Called at the end of the answer, also where it never began."""
        self._is_over = True
        open_streams.give_back(self)
        if self._publisher is not None and self._subscription is not None:
            self._publisher.hub.unsubscribe(self._subscription)


def parts_of(events: Iterable[EventRecord]) -> Iterator[bytes]:
    """Events as they stand in a stream, some at a time."""
    part = b""
    for event in events:
        part += _text(event).encode()
        if len(part) >= PART_BYTES:
            yield part
            part = b""
    if part:
        yield part


def _text(event: EventRecord) -> str:
    told = {
        "seq": event.seq,
        "kind": event.kind,
        "data": event.data,
        "run": event.run,
        "at": event.at,
    }
    data = json.dumps(told, cls=DjangoJSONEncoder, allow_nan=False)
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n"
