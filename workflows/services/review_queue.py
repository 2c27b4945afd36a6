"""The open questions that a person may see, oldest first: one index scan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import Interrupt
from workflows.services import registry
from workflows.services.access import Person, Rights
from workflows.services.desk.deciding import Decider, holder_of
from workflows.services.questions import title_shown
from workflows.services.records import QueueItem

MAX_PAGE = 500
# SQLite compares moments as text, and "12.072" (its own clock) is not "12.072000" (ours):
# a page begins by a span of time instead of an equal one, or questions of one instant are lost.
TICK = timedelta(microseconds=1)


def pending(
    person: Person,
    *,
    graph: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[QueueItem]:
    """One page of open questions; `after` is the `cursor` of the item before it."""
    rights = Rights(person)
    rows = _open(rights, graph).order_by("asked_at", "id")
    place = _place(after)
    if place is not None:
        at, number = place
        rows = rows.filter(
            Q(asked_at__gte=at + TICK)
            | Q(asked_at__gte=at - TICK, asked_at__lt=at + TICK, id__gt=number)
        )
    rows = rows.select_related("thread", "assignee", "assigned_group", "claimed_by")[
        : max(1, min(limit, MAX_PAGE))
    ]
    return queue_items(rows, rights)


def count(person: Person, *, graph: str | None = None) -> int:
    """How many questions are open for this person to see."""
    return _open(Rights(person), graph).count()


def queue_item(person: Person, number: int) -> QueueItem | None:
    """One question as the queue shows it, or None where the person may not see it."""
    rights = Rights(person)
    rows = rights.limit(
        Interrupt.objects.filter(pk=number).select_related(
            "thread", "assignee", "assigned_group", "claimed_by"
        ),
        "thread__graph",
    )
    return next(iter(queue_items(rows, rights)), None)


def queue_items(rows: Iterable[Interrupt], rights: Rights) -> list[QueueItem]:
    """Records of `rows`, which come with their thread and assignee."""
    decider = Decider(rights.person, rights)
    now = timezone.now()
    items = []
    for row in rows:
        graph = row.thread.graph
        items.append(
            QueueItem(
                number=row.pk,
                title=title_shown(row),
                graph=graph,
                graph_title=graph_title(graph),
                node=row.node,
                thread_id=row.thread_id,
                thread_title=row.thread.title,
                asked_at=row.asked_at,
                round=row.round,
                version=row.version,
                status=row.status,
                priority=row.priority,
                due_at=row.due_at,
                assignee=str(row.assignee or ""),
                reason=row.reason,
                group=str(row.assigned_group or ""),
                claimed_by=str(row.claimed_by) if holder_of(row, now) else "",
                may_decide=decider.may(row),
            )
        )
    return items


def graph_title(graph: str) -> str:
    """What people call a workflow; one that is gone keeps its name."""
    item = registry.find(graph)
    return item.title if item else graph


def _open(rights: Rights, graph: str | None) -> QuerySet[Interrupt]:
    rows = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
    if graph is not None:
        rows = rows.filter(thread__graph=graph)
    return rights.limit(rows, "thread__graph")


def _place(after: str | None) -> tuple[datetime, int] | None:
    at, _, number = (after or "").partition(",")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(number)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
