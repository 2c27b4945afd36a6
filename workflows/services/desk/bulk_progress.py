"""How far bulk orders are, as plain records; every number is counted from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from workflows.models import BulkItem, BulkOrder, Run
from workflows.services.access import Person, Rights, row_of
from workflows.services.desk.bulk_control import (
    LIVE,
    RETRIED,
    can_take_back,
    find_order,
    is_owner,
)
from workflows.services.desk.bulk_order import GRAPH
from workflows.services.questions import title_shown
from workflows.services.review_queue import graph_title

State = BulkItem.State
PAGE = 100
MOST_ORDERS = 100
# How an order stands: its runs say so, and whether something is left.
WAITS, WORKS, STOPS, UNDOES = "waits", "works", "stops", "undoes"
STOPPED, HALTED, UNDONE, ENDED = "stopped", "halted", "undone", "ended"
AT_WORK = (WAITS, WORKS, STOPS, UNDOES)


@dataclass(frozen=True)
class Counts:
    """How many questions of an order are in which state."""

    total: int
    waiting: int = 0
    done: int = 0
    voted: int = 0
    refused: int = 0
    failed: int = 0
    undoing: int = 0
    undone: int = 0

    @property
    def settled(self) -> int:
        """How many have been looked at."""
        return self.total - self.waiting


@dataclass(frozen=True)
class OrderLine:
    """One order in the list of orders; `standing` is one of the words above."""

    number: int
    kind: str
    graph_title: str
    node: str
    action: str
    who: str
    is_mine: bool
    at: datetime
    standing: str
    counts: Counts
    reason: str = ""
    field: str = ""


@dataclass(frozen=True)
class ItemLine:
    """One question of an order; `outcome` is the status of the run that went on with it."""

    number: int
    title: str
    state: str
    why: str
    kind: str = ""
    edited: bool = False
    decision: int | None = None
    run: int | None = None
    outcome: str = ""


@dataclass(frozen=True)
class OrderPage:
    """One order with one page of its questions."""

    order: OrderLine
    items: tuple[ItemLine, ...]
    state: str = ""
    next_after: int | None = None
    stopped_by: str = ""
    stopped_at: datetime | None = None
    run: int | None = None
    run_status: str = ""
    may_stop: bool = False
    may_retry: bool = False
    undoable: int = 0
    may_see_run: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it is worth looking again in a moment."""
        return self.order.standing in AT_WORK or bool(self.undoable)


def order_page(
    person: Person, number: int, state: str = "", after: int = 0
) -> OrderPage:
    """The order with a page of its items, of one state or of all; raises NotVisible."""
    row = find_order(person, number)
    rights = Rights(person)
    line = _line(row, person, _counts([row])[row.pk])
    mine = is_owner(row, person)
    rests = line.standing not in AT_WORK
    counts = line.counts
    state = state if state in State.values else ""
    items = row.items.filter(pk__gt=after)
    if state:
        items = items.filter(state=state)
    found = list(
        items.select_related("interrupt__thread", "decision__run").order_by("pk")[
            : PAGE + 1
        ]
    )
    return OrderPage(
        line,
        tuple(_item(each) for each in found[:PAGE]),
        state=state,
        next_after=found[PAGE - 1].pk if len(found) > PAGE else None,
        stopped_by=row.stopped_by,
        stopped_at=row.stopped_at,
        run=row.run_id,
        run_status=row.run.status if row.run else "",
        may_stop=bool(counts.waiting) and row.stopped_at is None,
        may_retry=mine
        and rests
        and any(getattr(counts, each.value) for each in RETRIED),
        undoable=can_take_back(row) if mine else 0,
        may_see_run=rights.can_see(GRAPH),
    )


def order_list(person: Person) -> list[OrderLine]:
    """The newest orders that this person may see, newest first."""
    rights = Rights(person)
    rows = rights.limit(BulkOrder.objects.all())
    operated = [
        name
        for name in set(rows.values_list("graph", flat=True))
        if rights.can_operate(name)
    ]
    mine = getattr(row_of(person), "pk", None)
    seen = rows.filter(person=mine) | rows.filter(graph__in=operated)
    found = list(seen.select_related("run").order_by("-pk")[:MOST_ORDERS])
    counts = _counts(found)
    return [_line(row, person, counts[row.pk]) for row in found]


def _line(row: BulkOrder, person: Person, counts: Counts) -> OrderLine:
    return OrderLine(
        number=row.pk,
        kind=row.kind,
        graph_title=graph_title(row.graph),
        node=row.node,
        action=row.action,
        who=row.person_name or "somebody",
        is_mine=is_owner(row, person),
        at=row.created_at,
        standing=_standing(row, counts),
        counts=counts,
        reason=row.reason,
        field=row.field,
    )


def _standing(row: BulkOrder, counts: Counts) -> str:
    status = row.run.status if row.run else ""
    if status in LIVE:
        if counts.undoing:
            return UNDOES
        if row.stopped_at is not None:
            return STOPS
        return WAITS if status == Run.Status.PENDING else WORKS
    if counts.waiting:
        return STOPPED if row.stopped_at is not None else HALTED
    return UNDONE if counts.undone and not counts.done else ENDED


def _counts(rows: list[BulkOrder]) -> dict[int, Counts]:
    found: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    counted = (
        BulkItem.objects.filter(order__in=rows)
        .values_list("order", "state")
        .annotate(count=Count("pk"))
        .order_by()
    )
    for order, state, count in counted:
        found[order][state] = count
    return {
        number: Counts(total=sum(states.values()), **states)
        for number, states in found.items()
    }


def _item(row: BulkItem) -> ItemLine:
    decision = row.decision
    run = decision.run if decision else None
    return ItemLine(
        number=row.interrupt_id,
        title=title_shown(row.interrupt),
        state=row.state,
        why=row.why,
        kind=decision.kind if decision else "",
        edited=bool(row.edit),
        decision=row.decision_id,
        run=run.pk if run else None,
        outcome=run.status if run else "",
    )
