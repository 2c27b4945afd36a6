"""What a thread waits for that asks nobody, for pages: until when, for which signals, events and threads, and in which nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from workflows.models import Awaited, Event, Run, Thread
from workflows.models.run import BESIDE
from workflows.services.ends import CHILDREN
from workflows.services.sleepers import SLEEPING
from workflows.storage.clock import machine_now

# A run that goes on when its queue lets it in (RB.9).
_IN_LINE: dict[str, Any] = {
    "status": Run.Status.PENDING,
    "queued_at__isnull": False,
}
# As far back as the nodes are looked for.
RECENT = 200
MAX_SHOWN = 3
ON_ITS_WAY = timedelta(seconds=10)
# Each kind, with where the end of a task tells what it waits for.
_TOLD = {"signal": "topics", "event": "events", "child": "children"}


class Awaits(NamedTuple):
    """What is waited for: `kind` is "signal", "event" or "child", whose `name` is the id of the thread.

    `key` is that of the event as far as known.
    """

    kind: str
    name: str
    key: str = ""


@dataclass(frozen=True)
class Alike:
    """What is waited for of one kind."""

    kind: str
    all: tuple[Awaits, ...]

    @property
    def noun(self) -> str:
        """What a page calls one of them."""
        return "thread" if self.kind == "child" else self.kind

    @property
    def shown(self) -> tuple[Awaits, ...]:
        """The first of them."""
        return self.all[:MAX_SHOWN]

    @property
    def more(self) -> int:
        """How many there are beside those."""
        return len(self.all) - len(self.shown)


@dataclass(frozen=True)
class Waiter:
    """A node that waits for signals, events or threads; "" where what happened does not tell which.

    `until` is when the first of its waits is given up; None where that is never, or not known.
    """

    awaits: tuple[Awaits, ...]
    node: str = ""
    until: datetime | None = None

    @property
    def kinds(self) -> tuple[Alike, ...]:
        """The same by kind."""
        return by_kind(self.awaits)


@dataclass(frozen=True)
class WaitRecord:
    """What a thread waits for besides people: the first that goes on by itself does so at `until`.

    `nodes` are those that sleep, in the order in which they wake, `due` those of the workflow itself that sleep or
    wait, not of a part of it. There are no nodes where what happened does not tell
    them. `is_all`: nobody is asked beside it. `is_done`: its own work is, and it ends when the threads have that it
    waits for. `is_in_line`: its time is over, and the run that goes on waits for its queue.
    """

    until: datetime | None
    nodes: tuple[str, ...] = ()
    due: frozenset[str] = frozenset()
    is_all: bool = True
    waiters: tuple[Waiter, ...] = ()
    sleeps_until: datetime | None = None
    is_done: bool = False
    is_in_line: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """The first of the nodes that sleep."""
        return self.nodes[:MAX_SHOWN]

    @property
    def more(self) -> int:
        """How many there are beside those."""
        return len(self.nodes) - len(self.shown)

    @property
    def shown_waiters(self) -> tuple[Waiter, ...]:
        """The first of those that wait for signals, events or threads."""
        return self.waiters[:MAX_SHOWN]

    @property
    def more_waiters(self) -> int:
        """How many there are beside those."""
        return len(self.waiters) - len(self.shown_waiters)

    @property
    def awaits(self) -> tuple[Awaits, ...]:
        """All that is waited for."""
        return _once(found for each in self.waiters for found in each.awaits)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of all that."""
        return frozenset(each.kind for each in self.awaits)

    @property
    def threads(self) -> tuple[str, ...]:
        """The ids of the threads among the first of what is waited for."""
        kinds = (alike for each in self.shown_waiters for alike in each.kinds)
        return tuple(
            each.name
            for alike in kinds
            if alike.kind == "child"
            for each in alike.shown
        )

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics on which signals are waited for."""
        return tuple(each.name for each in self.awaits if each.kind == "signal")

    @property
    def is_late(self) -> bool:
        """Whether nobody has woken it yet, though a worker would have by now."""
        is_over = self.until is not None and is_overslept(self.until)
        return is_over and not self.is_in_line


def is_overslept(until: datetime) -> bool:
    """Say whether this is so long ago that a sweep and the queue cannot be the reason."""
    return until < machine_now() - ON_ITS_WAY


def overslept(rows: QuerySet[Thread]) -> QuerySet[Thread]:
    """Those of the threads that nobody has woken, though a worker would have by now."""
    return not_in_line(
        rows.filter(status__in=SLEEPING, wake_at__lt=machine_now() - ON_ITS_WAY)
    )


def not_in_line(rows: QuerySet[Thread]) -> QuerySet[Thread]:
    """Those of the threads that do not go on only when a queue lets their run in (RB.9)."""
    in_line = Run.objects.filter(thread=OuterRef("pk"), **_IN_LINE)
    return rows.filter(~Exists(in_line))


def awaits_of(task: Mapping[str, Any]) -> tuple[Awaits, ...]:
    """What a task waits for, by what is told of its end."""
    told = ((kind, task.get(where, ())) for kind, where in _TOLD.items())
    return tuple(Awaits(kind, str(name)) for kind, names in told for name in names)


def by_kind(awaits: Iterable[Awaits]) -> tuple[Alike, ...]:
    """The signals, then the events, then the threads."""
    found: dict[str, tuple[Awaits, ...]] = dict.fromkeys(_TOLD, ())
    for each in awaits:
        found[each.kind] += (each,)
    return tuple(Alike(kind, alike) for kind, alike in found.items() if alike)


def _once(awaits: Iterable[Awaits]) -> tuple[Awaits, ...]:
    return tuple(dict.fromkeys(awaits))


def sleep_of(row: Thread) -> WaitRecord | None:
    """What sleeps there or waits for a signal, an event or a thread; None where nothing does."""
    if row.status not in SLEEPING:
        return None
    awaits = awaited_on([row.pk]).get(row.pk, ())
    if row.wake_at is None and not awaits:
        return None
    found = sorted(_asleep(row.pk), key=lambda each: (not each.until, each))
    # What waits for what it has called is left out: that tells of itself.
    own = [each for each in found if not each.is_through] or found
    waiters = _waiters(own, awaits, row.wake_at)
    sleepers = [each for each in own if not each.awaits]
    sleeps_until = None
    if sleepers or not waiters:
        told = [each.end for each in sleepers if each.end] if waiters else []
        sleeps_until = min(told, default=row.wake_at)
    return WaitRecord(
        row.wake_at,
        tuple(dict.fromkeys(each.node for each in sleepers)),
        frozenset(each.node for each in found if not each.namespace),
        is_all=row.status == Thread.Status.WAITING,
        waiters=waiters,
        sleeps_until=sleeps_until,
        is_done=any(each.kind == "child" for each in awaits) and _is_done(row.pk),
        is_in_line=is_in_line(row),
    )


def is_in_line(row: Thread) -> bool:
    """Whether its time is over, and the run that goes on waits for its queue."""
    is_over = row.wake_at is not None and row.wake_at < machine_now()
    return is_over and Run.objects.filter(thread=row.pk, **_IN_LINE).exists()


def _is_done(thread_id: str) -> bool:
    runs = Run.objects.filter(thread=thread_id).exclude(kind__in=BESIDE)
    return runs.order_by("-id").values_list("reason", flat=True).first() == CHILDREN


def awaited_on(thread_ids: Iterable[str]) -> dict[str, tuple[Awaits, ...]]:
    """The signals, events and threads that these threads wait for, as far as known; in one query."""
    rows = Awaited.objects.filter(thread__in=[*thread_ids]).order_by("id")
    found: dict[str, list[Awaits]] = {}
    for thread_id, *told in rows.values_list("thread_id", "kind", "topic", "key"):
        found.setdefault(thread_id, []).append(Awaits(*told))
    return {thread_id: _once(awaits) for thread_id, awaits in found.items()}


def _waiters(
    found: Sequence[_Sleeper], known: Sequence[Awaits], wake_at: datetime | None
) -> tuple[Waiter, ...]:
    """Those that wait for signals, events or threads, one a node; last what is known to be waited for and not where."""
    nodes: dict[str, list[_Sleeper]] = {}
    for each in found:
        if each.awaits:
            nodes.setdefault(each.node, []).append(each)
    told = [
        Waiter(
            _with_keys(_once(one for each in alike for one in each.awaits), known),
            node,
            min((each.end for each in alike if each.end), default=None),
        )
        for node, alike in nodes.items()
    ]
    named = {one[:2] for each in told for one in each.awaits}
    left = tuple(each for each in known if each[:2] not in named)
    if left:
        told.append(Waiter(left, until=None if found else wake_at))
    return tuple(told)


def _with_keys(awaits: Iterable[Awaits], known: Sequence[Awaits]) -> tuple[Awaits, ...]:
    """The same with the key of each event that is waited for with one key only."""
    alike = {one: [each for each in known if each[:2] == one[:2]] for one in awaits}
    return tuple(found[0] if len(found) == 1 else one for one, found in alike.items())


class _Sleeper(NamedTuple):
    """A task that sleeps or waits: until when (ISO text, "" for ever), where, and for what; or through what it has called."""

    until: str
    node: str
    namespace: str
    awaits: tuple[Awaits, ...]
    is_through: bool = False

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
        sleeper = _Sleeper(
            task.get("until", ""),
            task.get("node", ""),
            namespace,
            awaits_of(task),
            bool(task.get("through")),
        )
        if self._due is None:
            self._places.add(sleeper.place)
        elif sleeper.place[0] not in self._due or sleeper.place in self._places:
            return
        if task.get("status") == "waiting":
            self.found.append(sleeper)
