"""What is asked of a thread with a long history costs what it costs of a short one.

PostgreSQL plans by what it believes of a table: nothing at first, later what is true of most threads. A
thread with much more than those must not be walked over, so both are tried here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, TypedDict

import pytest
from django.db import connection

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from workflows.models import Checkpoint
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db
CONFIG = {"configurable": {"thread_id": "t"}}
SHORT, LONG = 10, 60


class Work:
    """What a database has touched: rows on PostgreSQL, hundreds of its machine's steps on SQLite."""

    amount = 0


@contextmanager
def worked():
    """Measure what the database does inside the block."""
    work = Work()
    if connection.vendor == "sqlite":
        connection.ensure_connection()

        def step() -> None:
            work.amount += 1

        connection.connection.set_progress_handler(step, 100)
        try:
            yield work
        finally:
            connection.connection.set_progress_handler(None, 0)
        return
    before = rows_touched()
    yield work
    work.amount = rows_touched() - before


def rows_touched() -> int:
    """All rows that this transaction has read so far, by key or one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname LIKE 'workflows_%'"
        )
        (found,) = cursor.fetchone()
    return int(found)


class State(TypedDict, total=False):
    said: str
    log: str


def asking() -> Any:
    """A graph that asks again after each answer; what it logs is too long for the channel map."""

    def ask(state: State) -> State:
        return {"said": interrupt("Really?"), "log": "x" * 100}

    return (
        StateGraph(State)
        .add_node("ask", ask)
        .add_edge(START, "ask")
        .add_edge("ask", "ask")
        .compile(checkpointer=DjangoSaver())
    )


def costs(graph: Any) -> dict[str, int]:
    """What a look, a page of the history and an answer cost; the second time, when all is prepared."""
    calls = {
        "a look": lambda: asking().get_state(CONFIG),
        "a page": lambda: [*graph.get_state_history(CONFIG, limit=5)],
        "an answer": lambda: graph.invoke(Command(resume="yes"), CONFIG),
    }
    found = {}
    for name, call in calls.items():
        call()
        with worked() as work:
            call()
        found[name] = work.amount
    return found


@pytest.mark.parametrize("has_statistics", [False, True])
def test_a_long_thread_costs_what_a_short_one_does(has_statistics):
    graph = asking()
    graph.invoke({}, CONFIG)
    found = []
    for length in (SHORT, LONG):
        while Checkpoint.objects.count() < length:
            graph.invoke(Command(resume="yes"), CONFIG)
        if has_statistics:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        found.append(costs(graph))
    short, long = found

    # A walk over the thread would cost as many times more as it has grown: six times.
    assert {
        name: work for name, work in long.items() if work > 3 * short[name] + 5
    } == {}
