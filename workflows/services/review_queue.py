"""The open questions that a person may see, oldest first: one index scan."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from workflows.models import Interrupt
from workflows.services import registry
from workflows.services.access import Person, Rights
from workflows.services.desk.deciding import Decider, holder_of
from workflows.services.desk.queue_view import QueueView, page
from workflows.services.questions import title_shown
from workflows.services.records import QueueItem
from workflows.storage.clock import machine_now

MAX_PAGE = 500
# Beyond this nobody counts on: counting is the one thing that grows with the queue.
COUNT_AT_MOST = 1_000


def pending(
    person: Person,
    *,
    graph: str | None = None,
    limit: int = 50,
    after: str | None = None,
    decider: Decider | None = None,
) -> list[QueueItem]:
    """One page of open questions that nobody has put off; `after` is a `cursor`."""
    decider = decider or Decider(person)
    rows = QueueView(graph=graph or "").rows(person, decider.rights)
    found = page(rows, "age", after or "", max(1, min(limit, MAX_PAGE)))
    return queue_items(found, decider)


def count(
    person: Person, *, graph: str | None = None, rights: Rights | None = None
) -> int:
    """How many questions are open for this person to see, up to one beyond COUNT_AT_MOST."""
    return count_of(_open(rights or Rights(person), graph))


def count_of(rows: QuerySet[Interrupt]) -> int:
    """How many `rows` there are, up to one beyond COUNT_AT_MOST."""
    return rows.order_by()[: COUNT_AT_MOST + 1].count()


def count_shown(number: int) -> int | str:
    """A count as pages and frames show it: `1000+` where it was not counted on."""
    return f"{COUNT_AT_MOST}+" if number > COUNT_AT_MOST else number


def queue_item(person: Person, number: int) -> QueueItem | None:
    """One question as the queue shows it, or None where the person may not see it."""
    decider = Decider(person)
    rows = decider.rights.limit(
        Interrupt.objects.filter(pk=number).select_related(
            "thread", "assignee", "assigned_group", "claimed_by"
        ),
        "thread__graph",
    )
    return next(iter(queue_items(rows, decider)), None)


def queue_items(rows: Iterable[Interrupt], decider: Decider) -> list[QueueItem]:
    """Records of `rows`, which come with their thread and assignee."""
    now, me = machine_now(), getattr(decider.rights.person, "pk", None)
    items, rows = [], list(rows)
    decider.look_ahead(rows)
    for row in rows:
        graph = row.thread.graph
        holder = holder_of(row, now)
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
                claimed_by=str(row.claimed_by) if holder else "",
                may_decide=decider.may(row),
                is_put_off=row.snoozed_until is not None and row.snoozed_until > now,
                is_mine=holder is not None and holder == me,
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
        rows = rows.filter(graph=graph)
    return rights.limit(rows)
