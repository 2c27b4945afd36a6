"""The process-local fan-out: one frame in, one bounded queue per socket out.

It lives on the server's event loop and takes no lock; other threads reach it only through
`publish.py`. It holds nobody up: a socket that does not keep pace is marked as behind, and
its consumer asks the client to come back with the last number it has.
"""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime

QUEUE_SIZE = 256


def thread_topic(thread_id: str) -> str:
    """The topic of one thread's page."""
    return f"thread:{thread_id}"


QUEUE_TOPIC = "queue"
RUNS_TOPIC = "runs"


@dataclass(frozen=True, slots=True)
class ThreadFrame:
    """Events `first` to `last` of one thread, already the text that goes on the wire.

    `is_newest`: there were no later ones when they were read.
    `begun` is when the thread was made: another of the same name has another. None where
    the reader knows which thread it asked for.
    """

    first: int
    last: int
    text: str
    is_newest: bool = True
    begun: datetime | None = None


@dataclass(slots=True)
class ListPart:
    """The news of one graph: rows to show, and why others (by element id) are over."""

    html: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListFrame:
    """What changed on a list page, by graph, because not everyone may see every graph.

    `seq` is the newest event id it tells of; `counts` is how many rows of each graph wait.
    """

    seq: int
    parts: dict[str, ListPart]
    counts: dict[str, int] | None = None


Frame = ThreadFrame | ListFrame


class BehindError(Exception):
    """The reader was slower than the news; it has to start again from its last number."""


@dataclass(eq=False, slots=True)
class Subscription:
    """One socket's place in the hub. `frames` gives what was published, in order."""

    topic: str
    size: int = QUEUE_SIZE
    waiting: deque[Frame] = field(default_factory=deque)
    behind: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, frame: Frame) -> None:
        """Keep the frame, or mark the reader as behind and let go of what it has."""
        if self.behind:
            return
        if len(self.waiting) >= self.size:
            self.waiting.clear()
            self.behind = True
        else:
            self.waiting.append(frame)
        self.news.set()

    async def get(self) -> Frame:
        """The next frame; raises BehindError when some were let go."""
        while not self.waiting and not self.behind:
            self.news.clear()
            await self.news.wait()
        if self.behind:
            raise BehindError(self.topic)
        return self.waiting.popleft()


class Hub:
    """Who listens to which topic in this process."""

    def __init__(self) -> None:
        self._topics: dict[str, set[Subscription]] = defaultdict(set)

    def subscribe(self, topic: str, size: int = QUEUE_SIZE) -> Subscription:
        """A new place; from now on every frame of the topic is kept for it."""
        subscription = Subscription(topic, size)
        self._topics[topic].add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give the place back; a topic without listeners costs nothing."""
        listeners = self._topics.get(subscription.topic)
        if listeners is None:
            return
        listeners.discard(subscription)
        if not listeners:
            del self._topics[subscription.topic]

    def publish(self, topic: str, frame: Frame) -> int:
        """Hand the frame to everyone who listens; returns how many that were."""
        listeners = self._topics.get(topic, ())
        for subscription in listeners:
            subscription.put(frame)
        return len(listeners)

    def has_listeners(self, topic: str) -> bool:
        """Whether anybody would get a frame of this topic."""
        return topic in self._topics

    def is_empty(self) -> bool:
        """Whether nobody listens to anything."""
        return not self._topics
