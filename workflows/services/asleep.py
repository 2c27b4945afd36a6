"""What a thread waits for that asks nobody, for pages: until when, for which signals, and in which nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from workflows.models import Awaited, Event, Thread
from workflows.services.sleepers import SLEEPING

# As far back as the nodes are looked for.
RECENT = 200
MAX_SHOWN = 3
ON_ITS_WAY = timedelta(seconds=10)


@dataclass(frozen=True)
class SignalWaiter:
    """A node that waits for signals on `topics`; "" where what happened does not tell which.

    `until` is when the first of its waits is given up; None where that is never, or not known.
    """

    topics: tuple[str, ...]
    node: str = ""
    until: datetime | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The first of the topics."""
        return self.topics[:MAX_SHOWN]

    @property
    def more(self) -> int:
        """How many there are beside those."""
        return len(self.topics) - len(self.shown)


@dataclass(frozen=True)
class WaitRecord:
    """What a thread waits for besides people: the first that goes on by itself does so at `until`.

    `nodes` are those that sleep, in the order in which they wake, `due` those of the workflow itself that sleep or
    wait, not of a part of it. There are no nodes where what happened does not tell
    them. `is_all`: nobody is asked beside it.
    """

    until: datetime | None
    nodes: tuple[str, ...] = ()
    due: frozenset[str] = frozenset()
    is_all: bool = True
    signals: tuple[SignalWaiter, ...] = ()
    sleeps_until: datetime | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The first of the nodes that sleep."""
        return self.nodes[:MAX_SHOWN]

    @property
    def more(self) -> int:
        """How many there are beside those."""
        return len(self.nodes) - len(self.shown)

    @property
    def waiters(self) -> tuple[SignalWaiter, ...]:
        """The first of those that wait for signals."""
        return self.signals[:MAX_SHOWN]

    @property
    def more_waiters(self) -> int:
        """How many there are beside those."""
        return len(self.signals) - len(self.waiters)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that are waited for."""
        return tuple(
            dict.fromkeys(topic for each in self.signals for topic in each.topics)
        )

    @property
    def is_late(self) -> bool:
        """Whether nobody has woken it yet, though a worker would have by now."""
        return self.until is not None and is_overslept(self.until)


def is_overslept(until: datetime) -> bool:
    """Say whether this is so long ago that a sweep and the queue cannot be the reason."""
    return until < timezone.now() - ON_ITS_WAY


def sleep_of(row: Thread) -> WaitRecord | None:
    """What sleeps or waits for a signal there; None where nothing does."""
    if row.status not in SLEEPING:
        return None
    topics = topics_of([row.pk]).get(row.pk, ())
    if row.wake_at is None and not topics:
        return None
    found = sorted(_asleep(row.pk), key=lambda each: (not each.until, each))
    waiters = _waiters(found, topics, row.wake_at)
    sleepers = [each for each in found if not each.topics]
    sleeps_until = None
    if sleepers or not waiters:
        told = [each.end for each in sleepers if each.end] if waiters else []
        sleeps_until = min(told, default=row.wake_at)
    return WaitRecord(
        row.wake_at,
        tuple(dict.fromkeys(each.node for each in sleepers)),
        frozenset(each.node for each in found if not each.namespace),
        is_all=row.status == Thread.Status.WAITING,
        signals=waiters,
        sleeps_until=sleeps_until,
    )


def topics_of(thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The topics on which these threads wait for signals, as far as known; in one query."""
    rows = Awaited.objects.filter(thread__in=[*thread_ids], kind="signal")
    found: dict[str, tuple[str, ...]] = {}
    for thread_id, topic in rows.order_by("id").values_list("thread_id", "topic"):
        known = found.get(thread_id, ())
        found[thread_id] = known if topic in known else (*known, topic)
    return found


def _waiters(
    found: Sequence[_Sleeper], topics: Sequence[str], wake_at: datetime | None
) -> tuple[SignalWaiter, ...]:
    """Those that wait for signals, one a node; last what is known to be waited for and not where."""
    nodes: dict[str, list[_Sleeper]] = {}
    for each in found:
        if each.topics:
            nodes.setdefault(each.node, []).append(each)
    told = [
        SignalWaiter(
            tuple(dict.fromkeys(topic for each in alike for topic in each.topics)),
            node,
            min((each.end for each in alike if each.end), default=None),
        )
        for node, alike in nodes.items()
    ]
    known = {topic for each in told for topic in each.topics}
    left = tuple(topic for topic in topics if topic not in known)
    if left:
        told.append(SignalWaiter(left, until=None if found else wake_at))
    return tuple(told)


class _Sleeper(NamedTuple):
    """A task that sleeps or waits for signals: until when (ISO text, "" for ever), where, and on which topics."""

    until: str
    node: str
    namespace: str
    topics: tuple[str, ...]

    @property
    def place(self) -> tuple[str, str]:
        """The node of the workflow itself, and the node."""
        return self.namespace.partition(":")[0] or self.node, self.node

    @property
    def end(self) -> datetime | None:
        """The instant; None for ever."""
        return datetime.fromisoformat(self.until) if self.until else None


def _asleep(thread_id: str) -> list[_Sleeper]:
    """The tasks that have begun to sleep or to wait since the last step, and still do."""
    rows = Event.objects.filter(thread_id=thread_id, kind__in=("task", "step"))
    reading = _Reading()
    for kind, text in rows.order_by("-seq").values_list("kind", "data")[:RECENT]:
        data = json.loads(text)
        if kind == "task":
            reading.take_task(data)
        elif reading.ends_with(data):
            break
    return reading.found


class _Reading:
    """Events read backwards: of a task the newest tells, and a step ends all tasks of its place.

    An edit ends those only that are not due after it; the others have new ids then.
    """

    def __init__(self) -> None:
        self.found: list[_Sleeper] = []
        self._seen: set[str] = set()
        self._places: set[tuple[str, str]] = set()
        self._ended: tuple[str, ...] = ()
        self._due: list[str] | None = None

    def ends_with(self, step: dict[str, Any]) -> bool:
        """Take a step; whether nothing before it counts."""
        namespace = step.get("namespace")
        if namespace:
            self._ended += (namespace, f"{namespace}|")
            return False
        if self._due is None:
            self._due = step.get("next", [])
        return step.get("source") != "update"

    def take_task(self, task: dict[str, Any]) -> None:
        """Take the end of a task."""
        namespace = task.get("namespace") or ""
        is_ended = namespace in self._ended or namespace.startswith(self._ended[1::2])
        if is_ended or task.get("task", "") in self._seen:
            return
        self._seen.add(task.get("task", ""))
        topics = tuple(map(str, task.get("topics", ())))
        sleeper = _Sleeper(
            task.get("until", ""), task.get("node", ""), namespace, topics
        )
        if self._due is None:
            self._places.add(sleeper.place)
        elif sleeper.place[0] not in self._due or sleeper.place in self._places:
            return
        if task.get("status") == "waiting":
            self.found.append(sleeper)
