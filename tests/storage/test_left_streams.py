"""A stream that its caller has left: who opens the thread next, and what its row says."""

from __future__ import annotations

import threading
from typing import Any, TypedDict

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from tests.storage.conftest import real_transactions
from tests.support.taking import SlowToSay, leave_while_taken
from workflows.engine.constants import START
from workflows.engine.errors import LeaseLostError
from workflows.engine.graph.state import StateGraph
from workflows.models import Run
from workflows.storage import places
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions


class State(TypedDict, total=False):
    """One number."""

    a: int


def two_steps() -> Any:
    graph = StateGraph(State)
    graph.add_sequence([("one", lambda _: {"a": 1}), ("two", lambda _: {"a": 1})])
    return graph.add_edge(START, "one").compile(checkpointer=DjangoSaver())


@pytest.mark.rule("RA.2")
def test_a_stream_that_nobody_reads_on_is_taken_over():
    graph, config = two_steps(), {"configurable": {"thread_id": "t"}}
    abandoned = graph.stream({"a": 1}, config)
    next(abandoned)

    assert two_steps().invoke(None, config) == {"a": 1}

    with pytest.raises(LeaseLostError):
        next(abandoned)
    ends = Run.objects.order_by("pk").values_list("status", "reason")
    assert list(ends) == [("cancelled", "left"), ("success", "")]


def test_a_stream_that_was_left_says_so_in_a_word_that_is_a_status():
    graph, config = two_steps(), {"configurable": {"thread_id": "t"}}
    stream = graph.stream({"a": 1}, config)
    next(stream)
    stream.close()
    graph.invoke({"a": 1}, config, interrupt_before=["two"])

    ends = Run.objects.order_by("pk").values_list("status", "reason")
    assert list(ends) == [("cancelled", "left"), ("interrupted", "breakpoint")]
    assert set(Run.objects.values_list("status", flat=True)) <= set(Run.Status.values)


@pytest.fixture
def call_between(monkeypatch):
    """Makes a call of the thread when a run is just about to be closed; what it gave."""
    end_run = places.end_run
    found: list[Any] = []
    came: list[threading.Thread] = []

    def meanwhile():
        found.append(two_steps().invoke(None, {"configurable": {"thread_id": "t"}}))
        connections.close_all()

    def with_a_call_before(*given, **options):
        if not came:
            came.append(threading.Thread(target=meanwhile))
            came[0].start()
            came[0].join()
        return end_run(*given, **options)

    monkeypatch.setattr(places, "end_run", with_a_call_before)
    return found


def was_closed_once(caplog) -> None:
    assert "taken over" not in caplog.text
    ends = Run.objects.order_by("pk").values_list("status", "reason")
    assert list(ends) == [("cancelled", "left"), ("success", "")]


@pytest.mark.rule("R3.18")
def test_a_call_that_comes_while_a_left_stream_is_being_closed_goes_on(
    call_between, caplog
):
    stream = two_steps().stream({"a": 1}, {"configurable": {"thread_id": "t"}})
    next(stream)
    stream.close()

    assert call_between == [{"a": 1}]
    was_closed_once(caplog)


@pytest.mark.rule("R3.18")
async def test_so_it_does_where_an_async_stream_is_being_closed(call_between, caplog):
    stream = two_steps().astream({"a": 1}, {"configurable": {"thread_id": "t"}})
    await anext(stream)
    await stream.aclose()

    assert call_between == [{"a": 1}]
    await sync_to_async(was_closed_once)(caplog)


class _Slow(SlowToSay, DjangoSaver):
    """Takes its time to say that it has taken a thread."""


@pytest.mark.rule("RA.1")
def test_a_caller_that_leaves_while_its_thread_is_taken_leaves_it_free():
    saver, config = _Slow(), {"configurable": {"thread_id": "t"}}

    async def node(_: State) -> State:
        return {"a": 1}

    graph = StateGraph(State).add_node("one", node).add_edge(START, "one")
    slow = graph.compile(checkpointer=saver)

    async def go() -> None:
        await leave_while_taken(saver, slow.ainvoke({"a": 1}, config))

    async_to_sync(go)()

    assert two_steps().invoke({"a": 1}, config) == {"a": 1}
    assert Run.objects.order_by("pk").first().status == "cancelled"
