"""The list of threads a person may see: how each stands, and how many questions it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q

from workflows.models import Interrupt, Thread
from workflows.services.access import Person, Rights
from workflows.services.asleep import (
    Alike,
    awaited_on,
    by_kind,
    is_overslept,
    overslept,
)
from workflows.services.relatives import Others
from workflows.services.review_queue import graph_title
from workflows.services.sleepers import SLEEPING
from workflows.services.standing import standing_of, with_last_run
from workflows.services.thread_family import others_of
from workflows.services.thread_history import MAX_PAGE
from workflows.services.where_query import narrowed

LATE = "late"
STATUSES = (*Thread.Status.values, LATE)


@dataclass(frozen=True)
class ListedThread:
    """A thread in a list; `status` is that of its last run while nothing goes on in it.

    `changed_at` is when that status came, `questions` counts the open ones, `wake_at` is when
    the first goes on by itself that sleeps or waits there, `awaits` what it waits for
    besides, and `others` those of the threads among it that the person may see.
    """

    id: str
    title: str
    graph: str
    graph_title: str
    status: str
    changed_at: datetime
    questions: int = 0
    wake_at: datetime | None = None
    awaits: tuple[Alike, ...] = ()
    others: Others = field(default_factory=dict)
    by_itself: str = ""
    """The status of the thread, whatever its last run ended with."""

    @property
    def is_late(self) -> bool:
        """Whether it was to wake some time ago."""
        return self.wake_at is not None and is_overslept(self.wake_at)

    @property
    def cursor(self) -> str:
        """Where the page after this thread begins."""
        return f"{self.changed_at.isoformat()} {self.id}"


def thread_list(
    person: Person,
    *,
    graph: str | None = None,
    status: str | None = None,
    where: str = "",
    limit: int = 50,
    after: str = "",
) -> list[ListedThread]:
    """Threads, the one whose status changed last first.

    `where` asks for attributes and fields; WhereError where it cannot be read. Of attributes it knows
    those of threads that the person may see.
    `status` is one of STATUSES, of which LATE are those that were to go on by themselves; `after` is the `cursor` of the last thread of the page before,
    and what is none is as good as no cursor.
    """
    rights = Rights(person)
    rows = rights.limit(Thread.objects.order_by("-updated_at", "-id"))
    if where:
        rows = narrowed(rows, where)
    if graph:
        rows = rows.filter(graph=graph)
    if status == LATE:
        rows = overslept(rows)
    elif status:
        rows = rows.filter(status=status)
    place = _place(after)
    if place is not None:
        at, key = place
        earlier = Q(updated_at__lt=at) | Q(id__lt=key)
        rows = rows.filter(earlier, updated_at__lte=at).exclude(id=key)
    found = list(with_last_run(rows)[: max(1, min(limit, MAX_PAGE))])
    asked = dict(
        Interrupt.objects.filter(
            thread__in=[row.pk for row in found], status=Interrupt.Status.PENDING
        )
        .values_list("thread")
        .annotate(Count("id"))
    )
    paused = [row.pk for row in found if row.status in SLEEPING]
    known = awaited_on(paused) if paused else {}
    awaits = {thread_id: by_kind(all_of_it) for thread_id, all_of_it in known.items()}
    others = others_of(_named(awaits.values()), rights)
    return [
        _listed(row, asked.get(row.pk, 0), awaits.get(row.pk, ()), others)
        for row in found
    ]


def is_cursor(text: str) -> bool:
    """Whether a page can begin after this."""
    return _place(text) is not None


def _named(awaits: Iterable[tuple[Alike, ...]]) -> Iterator[str]:
    """The threads that rows name: of those that one waits for the first."""
    for kinds in awaits:
        yield from (alike.all[0].name for alike in kinds if alike.kind == "child")


def _listed(
    row: Thread, questions: int, awaits: tuple[Alike, ...], others: Others
) -> ListedThread:
    return ListedThread(
        id=row.pk,
        title=row.title,
        graph=row.graph,
        graph_title=graph_title(row.graph),
        status=standing_of(row),
        changed_at=row.updated_at,
        questions=questions,
        wake_at=row.wake_at if row.status in SLEEPING else None,
        awaits=awaits,
        others=others,
        by_itself=row.status,
    )


def _place(after: str) -> tuple[datetime, str] | None:
    instant, _, key = after.partition(" ")
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        return None
    return (at, key[:200]) if at.tzinfo and "\0" not in key else None
