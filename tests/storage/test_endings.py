"""The last saving of a run gives the thread back with it, in one piece."""

from __future__ import annotations

import json
import threading
from typing import Any, TypedDict

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from tests.storage.racing import beside
from tests.storage.test_fence import everything, wait_for_a_blocked_statement
from workflows.engine.checkpoint.base import Closed
from workflows.engine.errors import GraphRecursionError, LeaseLostError
from workflows.models import Event, Interrupt, Run, Thread
from workflows.storage.events import append_events
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    n: int
    said: str


def asks(state: State) -> State:
    return {"n": state["n"] + 1, "said": interrupt("go on?")}


def flow(node: Any, **options: Any) -> Any:
    graph = StateGraph(State).add_node("node", node).add_edge(START, "node")
    return graph.compile(DjangoSaver(), **options)


def ended() -> tuple[str, str, str, bool]:
    run = Run.objects.latest("id")
    thread = Thread.objects.get()
    return run.status, run.reason, thread.status, run.finished_at is not None


def last_event() -> Any:
    return json.loads(Event.objects.latest("seq").data)


@pytest.fixture
def closings(monkeypatch):
    """How the runs ended that were not given back by their last saving."""
    found: list[str] = []
    original = DjangoSaver.close

    def close(self: DjangoSaver, place: Any, outcome: str = "success") -> None:
        if place.thread_id in self._places:
            found.append(outcome)
        original(self, place, outcome)

    monkeypatch.setattr(DjangoSaver, "close", close)
    return found


@pytest.mark.rule("RA.1")
def test_a_run_that_succeeds_ends_with_its_last_step(closings):
    flow(lambda state: {"n": 1}).invoke({"n": 0}, CONFIG)

    assert closings == []
    assert ended() == ("success", "", "idle", True)
    assert last_event()["status"] == "success"
    assert Thread.objects.get().seq == Event.objects.count()
    assert not keeper.holds("default", Run.objects.get().pk, 1)


@pytest.mark.rule("RA.1")
def test_a_run_that_asks_ends_with_its_question(closings):
    graph = flow(asks)

    graph.invoke({"n": 0}, CONFIG)
    assert ended() == ("interrupted", "", "interrupted", True)
    graph.invoke(Command(resume="yes"), CONFIG)

    assert closings == []
    assert ended() == ("success", "", "idle", True)
    assert Interrupt.objects.get().status == "resolved"
    assert graph.get_state(CONFIG).values == {"n": 1, "said": "yes"}
    assert Thread.objects.get().seq == Event.objects.count()


@pytest.mark.parametrize(
    ("options", "given", "status"),
    [
        ({"interrupt_after": ["node"]}, {}, "paused"),
        ({}, {"durability": "exit"}, "success"),
        ({}, {"stream_mode": ["updates", "values"]}, "success"),
    ],
)
def test_what_may_still_end_otherwise_is_ended_by_closing(
    closings, options, given, status
):
    flow(lambda state: {"n": 1}, **options).invoke({"n": 0}, CONFIG, **given)

    assert closings == [status]


@pytest.mark.rule("R3.10")
def test_a_run_that_meets_its_limit_at_the_end_fails(closings):
    graph = flow(lambda state: {"n": 1})

    with pytest.raises(GraphRecursionError):
        graph.invoke({"n": 0}, {**CONFIG, "recursion_limit": 1})

    assert closings == ["error"]
    assert ended()[0] == "error"


def test_a_failure_beside_a_question_ends_as_a_failure(closings):
    def fails(state: State) -> State:
        raise ValueError("no")

    graph = StateGraph(State).add_node("asks", asks).add_node("fails", fails)
    built = (
        graph.add_edge(START, "asks").add_edge(START, "fails").compile(DjangoSaver())
    )

    with pytest.raises(ValueError, match="no"):
        built.invoke({"n": 0}, CONFIG)

    assert closings == ["error"]
    assert ended()[0] == "error"


def test_a_finished_task_beside_a_question_is_ended_by_closing(closings):
    graph = StateGraph(State).add_node("asks", asks)
    graph.add_node("done", lambda state: {"said": "x"})
    built = graph.add_edge(START, "asks").add_edge(START, "done").compile(DjangoSaver())

    built.invoke({"n": 0}, CONFIG)

    assert closings == ["interrupted"]
    assert ended() == ("interrupted", "", "interrupted", True)


@pytest.fixture
async def _hop_is_closed():
    """The thread that async calls hop to keeps its connection until told otherwise."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.mark.usefixtures("_hop_is_closed")
async def test_async_runs_end_so_too(closings):
    async def node(state: State) -> State:
        return {"n": 1}

    await flow(node).ainvoke({"n": 0}, CONFIG)

    assert closings == []
    assert await sync_to_async(ended)() == ("success", "", "idle", True)


def begun() -> History:
    saver = DjangoSaver()
    history = History(saver)
    history.place = saver.open("t", None)
    history.commit({"a": 1})
    ending, history.question = asking("Really?")
    history.commit(writes=[ending])
    return history


def test_a_thread_with_another_open_question_waits_for_it():
    history = begun()
    history.commit({"a": 2}, writes=[task(a=2)], ending="success")

    assert ended() == ("success", "", "interrupted", True)


def test_the_question_that_the_step_closes_keeps_nobody_waiting():
    history = begun()
    closed = [Closed(history.question, "resolved")]
    history.commit({"a": 2}, writes=[task(a=2)], closed=closed, ending="success")

    assert ended() == ("success", "", "idle", True)


@pytest.mark.rule("RA.15")
def test_a_run_that_was_taken_over_ends_nothing():
    history = begun()
    Run.objects.update(fence=2)
    before = [everything(), [*Run.objects.values_list()]]

    with pytest.raises(LeaseLostError):
        history.commit({"a": 2}, writes=[task(a=2)], ending="success")

    assert [everything(), [*Run.objects.values_list()]] == before


def test_what_changed_while_the_saving_waited_is_not_overlooked():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one write at a time")
    history = begun()
    waits = threading.Event()

    def save() -> None:
        waits.set()
        history.commit({"a": 2}, writes=[task(a=2)], ending="success")

    with transaction.atomic():
        append_events("default", "t", None, [("note", {})])
        Interrupt.objects.update(status="withdrawn")
        saving = beside(save)
        assert waits.wait(60)
        wait_for_a_blocked_statement()
    saving.result(60)

    assert Run.objects.get().status == "running"
    history.saver.close(history.place)
    assert ended() == ("success", "", "idle", True)
    assert history.read().checkpoint["channel_values"] == {"a": 2}
    assert Thread.objects.get().seq == Event.objects.count()
