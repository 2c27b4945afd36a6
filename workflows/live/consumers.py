"""One socket: who may open it, what it missed, what it is told, when it must go.

Sockets only ever tell. What a client may send is one word, so there is nothing to decode
and no handler that a client could choose. Plain AsyncWebsocketConsumer: the JSON one dies
on bad JSON. No channel layer: the hub of `publish.py` is the only thing that speaks to us.
"""

import asyncio
import logging
import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from autobahn.exception import Disconnected
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error

from workflows.live import feed, frames, identity
from workflows.live.away import tell_away
from workflows.live.hub import (
    QUEUE_TOPIC,
    RUNS_TOPIC,
    BehindError,
    ListFrame,
    Subscription,
    ThreadFrame,
    thread_topic,
)
from workflows.live.identity import Visitor
from workflows.live.publish import Publisher, current_publisher
from workflows.models import Thread
from workflows.services.access import Rights, find_thread
from workflows.services.action import NotVisible
from workflows.services.thread_history import events_after
from workflows.storage.outage import is_away

logger = logging.getLogger(__name__)

# Close codes, told apart by static/js/live.js.
BAD_MESSAGE = 4400
SIGNED_OUT = 4401
BEHIND = 4408
FAILED = 4500

SOCKETS_PER_PERSON = 40
LONGEST_MESSAGE = 64
# Sent without a sign of life from the client; then we wait for its pong.
WINDOW_CHARACTERS = 256 * 1024
IDLE_SECONDS = 20.0
PONG_SECONDS = 20.0
CATCH_UP_EVENTS = 200
MISSED_EVENTS_AT_MOST = 500
JUST_NOW_SECONDS = 60.0
PING = '{"ping":1}'


class LiveSocket(AsyncWebsocketConsumer):
    """What all sockets share; each kind says what one must see, and what it shows."""

    channel_layer_alias = "none is used"
    topic: str
    publisher: Publisher
    visitor: Visitor
    rights: Rights
    seq: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._subscription: Subscription | None = None
        self._pump: asyncio.Task[None] | None = None
        self._unanswered = 0
        self._pinged_at: float | None = None
        self._spoke_at = time.monotonic()
        self._ponged = asyncio.Event()
        self._is_closing = False

    async def dispatch(self, message: dict[str, Any]) -> None:
        """The three things an ASGI server tells a websocket; nothing else is looked up."""
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                await self._receive(message)
            case "websocket.disconnect":
                await self.disconnect(message.get("code", 1006))
                raise StopConsumer

    # Coming in

    async def connect(self) -> None:
        """Refuse, before the handshake is accepted, whoever may not watch this."""
        after = self._after()
        self.publisher = publisher = current_publisher()
        try:
            visitor = await publisher.visitors.run(self._enter)
        except Error as error:
            if not is_away(error):
                raise
            tell_away("a live socket that was to be opened", error)
            await self.close()
            return
        if (
            visitor is None
            or after is None
            or publisher.watch.count_of(visitor.person.pk) >= SOCKETS_PER_PERSON
        ):
            await self.close()
            return
        await publisher.ready.wait()
        self.visitor = visitor
        self.seq = after
        self._subscription = publisher.hub.subscribe(self.topic)
        publisher.watch.add(self)
        await self.accept()
        self._pump = asyncio.create_task(self._run(self._subscription))

    def asked(self, name: str) -> str:
        """A parameter of the address; empty when it is not there."""
        given = parse_qs(self.scope["query_string"].decode("latin1"))
        return given.get(name, [""])[-1]

    def _after(self) -> int | None:
        text = self.asked("after") or "0"
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        return int(text) if is_number else None

    def _enter(self) -> Visitor | None:
        """Who it is, where they may watch this; on a reading thread."""
        visitor = identity.visitor_of(self.scope)
        if visitor is None:
            return None
        self.rights = Rights(visitor.person)
        return visitor if self.may_watch() else None

    def may_watch(self) -> bool:
        """Whether `rights` allow this socket; on a reading thread."""
        raise NotImplementedError

    # Telling

    async def _run(self, subscription: Subscription) -> None:
        try:
            await self.begin()
            while True:
                await self.tell(await subscription.get())
        except BehindError:
            await self._leave(BEHIND)
        except Exception as error:
            if is_away(error):
                tell_away("a live socket", error)
            else:
                logger.exception("a live socket of topic %s failed", self.topic)
            await self._leave(FAILED)

    async def begin(self) -> None:
        """What the page is told first."""
        await self.catch_up()

    async def catch_up(self) -> None:
        """Send what came after `seq`, from the database."""
        raise NotImplementedError

    async def tell(self, frame: Any) -> None:
        """Send what this frame has for this person."""
        raise NotImplementedError

    async def read(self, function: Any, *args: Any) -> Any:
        """Ask the database on one of the reading threads."""
        return await self.publisher.visitors.run(function, *args)

    async def send_text(self, text: str) -> None:
        """Send, unless the client is too far behind with reading: then wait for it.

        The server's own buffer has no bound, so this window is what keeps a reader that
        does not read from filling the memory; the hub lets go of it meanwhile.
        """
        while self._unanswered > WINDOW_CHARACTERS:
            self._ponged.clear()
            await self._ping()
            await self._ponged.wait()
        self._unanswered += len(text)
        self._spoke_at = time.monotonic()
        await self._put(text)

    async def _put(self, text: str) -> None:
        """Hand it to the server; a client that has just gone is no fault of anybody's.

        The server says it to whoever sends before it tells of the disconnect.
        """
        if self._is_closing:
            return
        try:
            await self.send(text_data=text)
        except Disconnected:
            self._is_closing = True
            self._forget()

    # Signs of life

    async def _ping(self) -> None:
        if self._pinged_at is None:
            self._pinged_at = self._spoke_at = time.monotonic()
            await self._put(PING)

    async def beat(self, now: float) -> None:
        """Called by the watch: ask an idle client, and leave one that does not answer."""
        if self._is_closing:
            return
        if self._pinged_at is not None:
            if now - self._pinged_at > PONG_SECONDS:
                await self._leave(BEHIND)
        elif now - self._spoke_at > IDLE_SECONDS:
            await self._ping()

    async def _receive(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if text is None or len(text) > LONGEST_MESSAGE:
            await self._leave(BAD_MESSAGE)
        elif text == "pong":
            self._unanswered = 0
            self._pinged_at = None
            self._ponged.set()
        elif text == "ping":
            await self.send_text('{"pong":1}')
        else:
            await self._leave(BAD_MESSAGE)

    # Going

    async def look_again(self, visitor: Visitor | None) -> None:
        """Called by the watch: leave when logged out, deactivated or no longer entitled."""
        if visitor is None:
            await self._leave(SIGNED_OUT)
        elif visitor.standing != self.visitor.standing:
            self.visitor = visitor
            self.rights = Rights(visitor.person)
            if not await self.read(self.may_watch):
                await self._leave(SIGNED_OUT)

    async def _leave(self, code: int) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._forget()
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        """The socket is gone; take back everything it had."""
        self._forget()
        if self._pump is not None:
            self._pump.cancel()

    def _forget(self) -> None:
        if self._subscription is not None:
            self.publisher.hub.unsubscribe(self._subscription)
            self.publisher.watch.remove(self)


class ThreadSocket(LiveSocket):
    """The events of one thread, each exactly once and in order."""

    begun: datetime  # when the thread was made, which tells it from another of its name
    found: Thread  # as it was when it was looked for last

    @property
    def thread_id(self) -> str:
        """The thread named in the address."""
        return self.scope["url_route"]["kwargs"]["thread_id"]

    @property
    def topic(self) -> str:  # type: ignore[override]  # of this address, not of the class
        """The hub's topic of this thread."""
        return thread_topic(self.thread_id)

    def may_watch(self) -> bool:
        """Whether the person may see the thread; unknown and hidden are alike."""
        try:
            self.found = find_thread(self.rights.person, self.thread_id)
        except NotVisible:
            return False
        return True

    async def begin(self) -> None:
        """Catch up; where the page is of a thread that is gone, from the beginning."""
        self.begun = self.found.created_at
        is_another = self.asked("begun") not in ("", feed.stamp(self.begun))
        if is_another or self.found.seq < self.seq:
            await self._begin_anew()
        else:
            await self.catch_up()

    async def _begin_anew(self) -> None:
        self.seq = 0
        await self.send_text(frames.BEGUN_ANEW)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Send every event after `seq` that the database has."""
        is_more = True
        while is_more:
            missed = await self.read(_missed, self.thread_id, self.seq)
            is_more = bool(missed) and missed[-1].last - self.seq >= CATCH_UP_EVENTS
            for frame in missed:
                self.seq = frame.last
                await self.send_text(frame.text)

    async def tell(self, frame: ThreadFrame) -> None:
        """Send the frame where it follows on what was sent; otherwise ask the rows."""
        is_of_another = frame.begun != self.begun
        is_less = frame.last < self.seq and frame.is_newest
        if is_of_another or is_less:
            # It is late, or the thread has begun anew since, or has been put back.
            now = await self.read(feed.thread_now, self.thread_id)
            if now and (now.begun != self.begun or now.seq < self.seq):
                self.begun = now.begun
                await self._begin_anew()
        if is_of_another or frame.last <= self.seq:
            return
        if frame.first == self.seq + 1:
            self.seq = frame.last
            await self.send_text(frame.text)
        else:
            await self.catch_up()


def _missed(thread_id: str, seq: int) -> list[ThreadFrame]:
    return frames.thread_frames(
        thread_id, events_after(thread_id, seq, CATCH_UP_EVENTS)
    )


class ListSocket(LiveSocket):
    """Rows of a list; `after` is an event id, and a row may come twice but never stale."""

    def may_watch(self) -> bool:
        """Whoever may see any workflow has lists; which rows is asked row by row."""
        # Read here, because `tell` asks on the event loop, where no query is allowed.
        return self.rights.has_business

    async def catch_up(self) -> None:
        """Send the rows that changed since; where they are too many, ask for a new page.

        A page that gives no number gets what happened in the last minute: it was drawn a
        moment ago, and a row that comes twice does no harm.
        """
        if self.seq:
            news = await self.read(
                feed.events_since_id,
                self.seq,
                self.publisher.late_ids,
                MISSED_EVENTS_AT_MOST,
            )
        else:
            news = await self.read(
                feed.recent_events, JUST_NOW_SECONDS, MISSED_EVENTS_AT_MOST
            )
        if self.seq and news.count() == MISSED_EVENTS_AT_MOST:
            self.seq = await self.read(feed.newest_event_id)
            await self.send_text(frames.encode(seq=self.seq, refresh=True))
            return
        changes = frames.Changes()
        changes.add(news)
        await self.tell(await self.read(self.render, changes))

    async def tell(self, frame: ListFrame) -> None:
        """Send the rows of those graphs that this person may see and asked for."""
        self.seq = max(self.seq, frame.seq)
        text = frames.list_text(
            frame, self.seq, self.rights.can_see, self.asked("workflow")
        )
        if text is not None:
            await self.send_text(text)


class QueueSocket(ListSocket):
    """The review queue."""

    topic = QUEUE_TOPIC
    render = staticmethod(frames.queue_frame)


class RunsSocket(ListSocket):
    """The list of runs."""

    topic = RUNS_TOPIC
    render = staticmethod(frames.runs_frame)
