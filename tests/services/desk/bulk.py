"""Questions that one person decides together, and what carries the order out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.services.conftest import ask
from workflows.models import BulkItem, BulkOrder, Interrupt, Policy, Run, Thread
from workflows.services.access import Rights
from workflows.services.desk.bulk_order import OrderBulk
from workflows.services.desk.bulk_plan import Plan, make_plan
from workflows.services.desk.bulk_selection import Shown, select_numbers
from workflows.services.execute_run import execute_run
from workflows.storage.leases import keeper

SHOWN: dict[str, Any] = {"version": 1, "round": 1}
DONE, WAITING = ("done", ""), ("waiting", "")


def ask_many(count: int, graph: str = "letter", **more: Any) -> list[Interrupt]:
    """That many questions about payments, each of a thread of its own."""
    made = []
    for at in range(count):
        thread = Thread.objects.create(
            id=f"{graph}-{Thread.objects.count()}",
            graph=graph,
            title=f"Thread {at}",
            status="interrupted",
            head="c1",
        )
        value = {"title": f"Pay bill {at}?", "amount": 10 + at, "to": "Ada"}
        made.append(ask(thread, value, **more))
    return made


def plan(person: User, rows: Iterable[Interrupt], *numbers: int) -> Plan:
    """The plan for these questions and numbers, as the sheet makes it."""
    rights = Rights(person)
    wanted = [*(row.pk for row in rows), *numbers]
    return make_plan(person, rights, select_numbers(person, rights, wanted))


def order(
    person: User, rows: Iterable[Interrupt], kind: str = "approve", **more: Any
) -> OrderBulk:
    """An order for these questions as they were shown, in their only group."""
    rows = list(rows)
    shown = {row.pk: Shown(row.pk, row.version, row.round) for row in rows}
    found = plan(person, rows)
    group = more.pop("group", found.groups[0].key if found.groups else "")
    count = len(rows) - len(more.get("left_out", ()))
    return OrderBulk(person, group, kind, shown, **{"confirm": str(count), **more})


def carry_out(order: BulkOrder) -> None:
    """Do the runs of the order, as a worker does; the decisions' own runs stay."""
    for _ in range(20):
        run = Run.objects.filter(thread=order.thread, status="pending").first()
        if run is None:
            return
        execute_run(run.pk)
    raise AssertionError("it does not end")


def states(order: BulkOrder) -> list[tuple[str, str]]:
    """State and reason of each item, in the order of the questions."""
    items = BulkItem.objects.filter(order=order).order_by("interrupt")
    return list(items.values_list("state", "why"))


@pytest.fixture(autouse=True)
def no_leases_left() -> Iterator[None]:
    yield
    keeper.clear()


@pytest.fixture
def bills(people, letter):
    return ask_many(5)


def policy(**body):
    Policy.objects.create(graph="letter", body=json.dumps(body))
