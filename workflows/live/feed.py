"""Which events are new: the questions that live pages ask the database.

Each is asked once per process and wake-up, never once per socket; the exception is a socket
that catches up with what it missed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F, Max, Q

from workflows.models import Event, Thread
from workflows.services.records import EventRecord
from workflows.services.thread_history import event_record
from workflows.storage.clock import database_now

UNKNOWN_LOOK_BACK = 32
LATE_SECONDS = 60


@dataclass(slots=True)
class News:
    """New events by thread, in order; `newest` is the greatest event id among them.

    `begun` is when each thread was made, which tells it from another of its name, and `ids` the
    greatest id of its events here; both only where threads were asked for.
    """

    newest: int = 0
    threads: dict[str, list[EventRecord]] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, row: Event) -> None:
        """Take one more row."""
        self.newest = max(self.newest, row.pk)
        self.threads.setdefault(row.thread_id, []).append(event_record(row))

    def count(self) -> int:
        """How many events there are."""
        return sum(len(events) for events in self.threads.values())


def events_of_threads(positions: dict[str, int]) -> News:
    """What came after the given number on each of these threads, in one query.

    Of a thread that is not even so far, the last ones: it was deleted, and has begun anew.
    """
    news = News()
    _add_events(news, positions)
    silent = positions.keys() - news.threads.keys()
    if silent:
        rows = Thread.objects.filter(pk__in=silent).values_list("pk", "seq")
        anew = {pk: seq for pk, seq in rows if seq < positions[pk]}
        if anew:
            last = {pk: max(0, seq - UNKNOWN_LOOK_BACK) for pk, seq in anew.items()}
            _add_events(news, last)
    return news


def _add_events(news: News, positions: dict[str, int]) -> None:
    wanted = Q()
    for thread_id, seq in positions.items():
        wanted |= Q(thread_id=thread_id, seq__gt=seq)
    rows = Event.objects.filter(wanted).annotate(begun=F("thread__created_at"))
    for row in rows.order_by("thread_id", "seq"):
        news.add(row)
        news.begun[row.thread_id] = row.begun
        news.ids[row.thread_id] = max(row.pk, news.ids.get(row.thread_id, 0))


def events_since_id(after_id: int, late_ids: int, limit: int) -> News:
    """The first `limit` events above an id, of all threads: what a list page missed.

    Where an id may become visible after a greater one, young events of the last `late_ids`
    ids before it count too.
    """
    wanted = Q(id__gt=after_id)
    if late_ids:
        young = database_now() - timedelta(seconds=LATE_SECONDS)
        wanted |= Q(id__gt=after_id - late_ids, created_at__gt=young)
    news = News()
    for row in Event.objects.filter(wanted).order_by("id")[:limit]:
        news.add(row)
    return news


def recent_events(seconds: float, limit: int) -> News:
    """What happened a moment ago, of all threads: a page may have been drawn just before."""
    news = News()
    since = database_now() - timedelta(seconds=seconds)
    rows = list(Event.objects.order_by("-id")[:limit])
    for row in reversed(rows):
        if row.created_at >= since:
            news.add(row)
    if rows:
        news.newest = rows[0].pk
    return news


def newest_event_id() -> int:
    """The greatest event id there is; 0 for none."""
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


@dataclass(frozen=True, slots=True)
class Last:
    """The last event of a thread: its number there, and its id among all."""

    seq: int
    event_id: int


def threads_with_news(after_id: int) -> tuple[int, dict[str, Last]]:
    """The greatest event id, and the last event of each thread with some above `after_id`."""
    rows = (
        Event.objects.filter(id__gt=after_id)
        .values("thread_id")
        .annotate(last=Max("seq"), newest=Max("id"))
        .values_list("thread_id", "last", "newest")
    )
    last = {thread_id: Last(seq, event_id) for thread_id, seq, event_id in rows}
    newest = max((each.event_id for each in last.values()), default=after_id)
    return newest, last


class Now(NamedTuple):
    """How far a thread is, and when it was made."""

    seq: int
    begun: datetime


def thread_now(thread_id: str) -> Now | None:
    """The thread that has the name at present; None where there is none."""
    rows = Thread.objects.filter(pk=thread_id).values_list("seq", "created_at")
    found = rows.first()
    return Now(*found) if found else None


def stamp(begun: datetime) -> str:
    """The same as a word of an address; the pages' `data-begun`."""
    return f"{int(begun.timestamp())}.{begun.microsecond:06d}"
