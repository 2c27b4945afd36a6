"""What reading a thread and answering its question ask of the database, and of the disk."""

from __future__ import annotations

import threading
from typing import TypedDict

import pytest
from django.db import connection

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.storage.commits import History
from tests.storage.conftest import real_transactions
from workflows.models import Run
from workflows.storage import leases
from workflows.storage.claims import claim_run
from workflows.storage.leases import LeaseKeeper, keeper
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions]
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite")
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    said: str


@pytest.fixture
def log(commits):
    """Every statement that SQLite ran."""
    return commits.statements


def asking_graph(seen):
    def ask(state):
        answer = interrupt("Really?")
        seen.append(answer)
        return {"said": answer}

    return (
        StateGraph(State)
        .add_node("ask", ask)
        .add_edge(START, "ask")
        .compile(checkpointer=DjangoSaver())
    )


@only_sqlite
def test_a_small_state_is_read_in_one_statement(log):
    history = History(DjangoSaver())
    history.commit({"a": 1})
    log.clear()

    found = history.read(saver=DjangoSaver())

    assert found.checkpoint["channel_values"] == {"a": 1}
    assert len(log) == 1
    assert "json_each" not in log[0]


@only_sqlite
def test_a_saver_remembers_that_values_stand_in_rows(log):
    history = History(DjangoSaver())
    history.commit({"a": "x" * 500})
    saver = DjangoSaver()

    for expected in (2, 1):
        log.clear()
        found = history.read(saver=saver)
        assert found.checkpoint["channel_values"] == {"a": "x" * 500}
        assert len(log) == expected


@only_sqlite
def test_an_answer_is_on_the_disk_before_the_node_runs(commits):
    graph = asking_graph([])
    graph.invoke({}, CONFIG, durability="sync")
    commits.levels.clear()

    graph.invoke(Command(resume="yes"), CONFIG, durability="sync")

    # Taking the thread; the answer; the step, with the end of the run.
    assert commits.levels == ["NORMAL", "FULL", "FULL"]


@only_sqlite
@pytest.mark.parametrize(
    ("payload", "waits"), [('{"decision":"yes"}', False), ("", True)]
)
def test_an_answer_that_the_runs_row_has_already_does_not_wait_again(
    commits, payload, waits
):
    graph = asking_graph([])
    graph.invoke({}, CONFIG, durability="sync")
    run = Run.objects.create(thread_id="t", kind=Run.Kind.RESUME, payload=payload)
    claim = claim_run(run.pk, "me")
    commits.levels.clear()

    graph.with_saver(DjangoSaver(claim=claim)).invoke(
        Command(resume="yes"), CONFIG, durability="sync"
    )

    assert commits.levels == ["FULL" if waits else "NORMAL", "FULL"]
    keeper.clear()


@pytest.mark.rule("R5.20")
def test_an_answer_is_kept_before_the_node_runs(log_of_writes):
    graph = asking_graph(log_of_writes)
    graph.invoke({}, CONFIG, durability="sync")

    graph.invoke(Command(resume="yes"), CONFIG, durability="sync")

    assert log_of_writes.kept_at_append == [["resume"]]


class _Watching(list):
    """Notes, whenever something is appended, which answers another connection can see."""

    def __init__(self):
        super().__init__()
        self.kept_at_append: list[list[str]] = []

    def append(self, item):
        super().append(item)
        found: list[str] = []

        def look():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT slot FROM workflows_pendingwrite WHERE slot = 'resume'"
                )
                found.extend(row[0] for row in cursor.fetchall())
            connection.close()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        self.kept_at_append.append(found)


@pytest.fixture
def log_of_writes():
    return _Watching()


def test_the_thread_that_renews_is_not_woken_for_every_run(monkeypatch):
    monkeypatch.setattr(leases.threading, "Thread", _NoThread)
    keeper = LeaseKeeper()
    woken: list[int] = []
    monkeypatch.setattr(keeper._changed, "notify_all", lambda: woken.append(1))
    keeper.hold("default", 1, 1, 9.0)
    keeper._wakes_at = keeper._last_beat + 3.0  # as it falls asleep

    keeper.drop("default", 1)
    keeper._last_beat -= 1.0
    keeper._wakes_at -= 1.0
    keeper.hold("default", 2, 1, 9.0)
    assert woken == []

    keeper.hold("default", 3, 1, 1.0)
    assert woken == [1]


class _NoThread:
    def __init__(self, **options):
        pass

    def start(self):
        """Nobody beats in this test."""


@only_sqlite
def test_the_end_of_a_run_does_not_look_at_answered_questions():
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM workflows_interrupt"
            " WHERE thread_id = 't' AND status IN ('pending', 'decided')"
        )
        plan = str(cursor.fetchall())

    assert "interrupt_open_of_thread" in plan
