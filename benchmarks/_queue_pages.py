"""One size of the queue's benchmark in the database of DATABASE_URL; see queue.py."""

# ruff: noqa: E402 - Django is set up before its models can be imported.

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import setup_test_environment

from benchmarks import _queue_rows
from workflows.services.access import Rights
from workflows.services.desk.queue_view import SORTS, QueueView, cursor_of, parts_after

PAGE = 51
# What people look at: a name, and the query string of the queue.
VIEWS = (
    ("oldest first", "sort=age"),
    ("due first", "sort=due"),
    ("most urgent first", "sort=priority"),
    ("mine and unassigned, due first", "who=mine&sort=due"),
    ("mine", "who=me"),
    ("of one colleague, due first", "who=@bench7&sort=due"),
    ("unassigned", "who=nobody"),
    ("of one group", "group=bench3"),
    ("claimed now", "who=claimed"),
    ("put off", "snoozed=1"),
    ("one workflow", "workflow=flow_3"),
    ("one workflow, due first", "workflow=flow_3&sort=due"),
    ("one step of it", "workflow=flow_3&node=step_2"),
    ("overdue", "due=overdue&sort=due"),
    ("due today", "due=today"),
    ("without a due date", "due=none"),
    ("older than a day", "age=86400"),
    ("amount > 9990 (few)", "f=payload.amount > 9990"),
    ("amount > 100 (most)", "f=payload.amount > 100"),
    ("vendor = Vendor 77", "f=payload.vendor = Vendor 77"),
    ("vendor != Vendor 77", "f=payload.vendor != Vendor 77"),
    ("city ~ om", "f=state.city ~ om"),
    ("two fields", "f=state.city = Rome&f=payload.amount > 5000"),
    ("a field that nothing has", "f=payload.nothing = 1"),
    ("text: refund (most)", "q=refund"),
    ("text: customer 77 (few)", "q=customer 77"),
    ("text that nothing has", "q=elephant"),
    ("grouped by workflow", "by=workflow&sort=due"),
    ("grouped by assignee", "by=assignee"),
)
DEEP = (
    ("deep page, oldest first", "sort=age"),
    ("deep page, due first", "sort=due"),
    ("deep page, most urgent first", "sort=priority"),
)


def arguments() -> argparse.Namespace:
    """How many rows, and what to show of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--explain", action="store_true")
    return parser.parse_args()


class Sql:
    """How often the database was asked, and for how long."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def __call__(self, execute: Any, *given: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*given)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - began


def show(client: Client, name: str, query: str, rounds: int) -> None:
    """One line for `rounds` answers after a first one.

    The least of them is what a quiet machine needs; `cpu` is this process's own part.
    """
    walls, sqls, cpus = [], [], []
    sql = Sql()
    for _ in range(rounds + 1):
        sql = Sql()
        began, worked = time.perf_counter(), time.process_time()
        with connection.execute_wrapper(sql):
            answer = client.get(f"/queue/?{query}")
        walls.append((time.perf_counter() - began) * 1000)
        cpus.append((time.process_time() - worked) * 1000)
        sqls.append(sql.seconds * 1000)
        assert answer.status_code == 200, answer.status_code
    shown = answer.content.decode().count('id="item-')
    print(
        f"  {name:<34}{min(walls[1:]):>8.1f}{statistics.median(walls[1:]):>8.1f}"
        f"{min(sqls[1:]):>8.1f}{min(cpus[1:]):>8.1f}{sql.count:>9}{shown:>6}",
        flush=True,
    )


def explain(person: Any, query: str, after: str = "") -> None:
    """The plan of the page's rows."""
    view = QueueView.read(QueryDict(query))
    rows = view.rows(person, Rights(person))
    more: dict[str, Any] = {"analyze": True} if connection.vendor != "sqlite" else {}
    found = parts_after(rows, view.sort, after)[0][:PAGE]
    for line in found.explain(**more).splitlines():
        if "Sort Key" not in line:
            print(f"      {line[:150]}")


def middle(person: Any, query: str, rows: int) -> str:
    """The cursor of the row in the middle of everything."""
    view = QueueView.read(QueryDict(query))
    found = view.rows(person, Rights(person)).order_by(*SORTS[view.sort], "id")
    return cursor_of(found[rows // 3], view.sort)


def main() -> None:
    """Fill, then print a line a view."""
    given = arguments()
    setup_test_environment()
    call_command("migrate", verbosity=0)
    _queue_rows.register_workflows()
    _queue_rows.make_people()
    began = time.perf_counter()
    _queue_rows.fill(given.rows)
    filled = time.perf_counter() - began
    person = get_user_model().objects.get(username="bench0")
    client = Client()
    client.force_login(person)
    client.get("/queue/")
    print(
        f"{connection.vendor}, {given.rows:,} open questions (filled in {filled:.0f} s)"
    )
    print(
        f"  {'ms':<34}{'least':>8}{'middle':>8}{'SQL':>8}{'cpu':>8}{'queries':>9}{'rows':>6}"
    )
    views = [(name, query, "") for name, query in VIEWS]
    views += [(name, query, middle(person, query, given.rows)) for name, query in DEEP]
    for name, query, after in views:
        if given.only in name:
            word = f"{query}&after={after}".replace("+", "%2B") if after else query
            show(client, name, word, given.rounds)
            if given.explain:
                explain(person, query, after)


if __name__ == "__main__":
    main()
