"""A stream that its caller has left: who opens the thread next, and what its row says."""

from __future__ import annotations

import logging
import threading
from typing import Any, TypedDict

import pytest
from django.db import connections

from tests.storage.conftest import real_transactions
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


@pytest.mark.rule("R3.18")
def test_a_call_that_comes_while_a_left_stream_is_being_closed_goes_on(
    monkeypatch, caplog
):
    graph, config = two_steps(), {"configurable": {"thread_id": "t"}}
    stream = graph.stream({"a": 1}, config)
    next(stream)
    end_run = places.end_run
    found: list[Any] = []
    came: list[threading.Thread] = []

    def meanwhile():
        found.append(two_steps().invoke(None, config))
        connections.close_all()

    def with_a_call_before(*given, **options):
        if not came:
            came.append(threading.Thread(target=meanwhile))
            came[0].start()
            came[0].join()
        return end_run(*given, **options)

    monkeypatch.setattr(places, "end_run", with_a_call_before)
    with caplog.at_level(logging.WARNING):
        stream.close()

    assert found == [{"a": 1}]
    assert "taken over" not in caplog.text
    ends = Run.objects.order_by("pk").values_list("status", "reason")
    assert list(ends) == [("cancelled", "left"), ("success", "")]
