"""What SQLite's own counters tell of a file, so that unchanged rows are not even read."""

from __future__ import annotations

import threading
from typing import TypedDict

import pytest
from django.db import connection, transaction

from durableweb.graph import START, StateGraph
from tests.storage.conftest import real_transactions
from workflows.models import Thread
from workflows.storage.saver import DjangoSaver
from workflows.storage.unchanged import Sign, mark_of

pytestmark = [
    real_transactions,
    pytest.mark.rule("R6.1", "R6.2"),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite"),
]
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    said: str


def graph_of(saver, answer="yes"):
    return (
        StateGraph(State)
        .add_node("say", lambda state: {"said": answer})
        .add_edge(START, "say")
        .compile(checkpointer=saver)
    )


def elsewhere(work):
    """Do `work` on a connection of another thread."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@pytest.fixture
def known():
    """A graph whose thread has been read until its snapshot is kept."""
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)
    for _ in range(3):
        graph.get_state(CONFIG)
    return graph


def statements_of(work):
    found: list[str] = []
    connection.connection.set_trace_callback(found.append)
    try:
        work()
    finally:
        connection.connection.set_trace_callback(None)
    return found


def rename(title):
    Thread.objects.filter(pk="t").update(title=title)


def test_no_row_is_read_while_nothing_in_the_file_changes(known):
    asked = statements_of(lambda: known.get_state(CONFIG))

    assert asked == ["PRAGMA data_version"]


@pytest.mark.parametrize(
    "change",
    [
        lambda: rename("mine"),
        lambda: elsewhere(lambda: rename("theirs")),
        connection.close,
    ],
    ids=["by this connection", "by another", "or the connection is a new one"],
)
def test_rows_are_read_again_once_anything_has_changed(known, change):
    expected = known.get_state(CONFIG)
    change()
    connection.ensure_connection()

    asked = statements_of(lambda: known.get_state(CONFIG))
    again = statements_of(lambda: known.get_state(CONFIG))

    assert [each.split()[0] for each in asked] == ["PRAGMA", "SELECT"]
    assert again == ["PRAGMA data_version"]
    assert known.get_state(CONFIG) == expected


def test_what_a_transaction_takes_back_was_never_there(known):
    before = known.get_state(CONFIG)

    with transaction.atomic():
        known.update_state(CONFIG, {"said": "no"})
        inside = [known.get_state(CONFIG).values for _ in range(4)]
        assert mark_of(connection) is None
        transaction.set_rollback(True)

    assert inside == [{"said": "no"}] * 4
    for _ in range(4):
        assert known.get_state(CONFIG) == before


def test_an_undone_savepoint_was_never_there_either(known):
    before = known.get_state(CONFIG)

    with transaction.atomic():
        with transaction.atomic():
            known.update_state(CONFIG, {"said": "no"})
            for _ in range(4):
                assert known.get_state(CONFIG).values == {"said": "no"}
            transaction.set_rollback(True)
        for _ in range(4):
            assert known.get_state(CONFIG) == before


def test_signs_are_equal_by_their_rows_alone():
    rows = [("a", 1)]

    assert Sign(rows, None) == Sign([("a", 1)], (1, 2, 3))
    assert Sign(rows, None) != Sign([("a", 2)], None)
    assert Sign(rows, None) != rows
