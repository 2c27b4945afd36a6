"""A call with an idempotency key on the site's database: one of many begins the work (RB.6)."""

from __future__ import annotations

import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.errors import IdempotencyConflict, ThreadBusyError
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.storage.ciphers import tiny
from tests.storage.conftest import real_transactions
from tests.storage.racing import together
from workflows.models import Interrupt, Run, Thread
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RB.6")]
AT_ONCE = 6


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


def app_of(node: Any, **options: Any) -> Any:
    graph = StateGraph(State).add_node("node", node).add_edge(START, "node")
    return graph.compile(checkpointer=DjangoSaver(**options), name="orders")


def test_of_calls_at_the_same_time_one_does_the_work():
    ran = []

    def node(state: State) -> State:
        ran.append(threading.get_ident())
        return {"log": ["done"]}

    def call() -> Any:
        app = app_of(node)  # each with a saver of its own, as in other processes
        while True:
            try:
                return app.invoke({"log": []}, idempotency_key="k")
            except ThreadBusyError:
                continue

    assert together([call] * AT_ONCE) == [{"log": ["done"]}] * AT_ONCE
    assert len(ran) == 1
    assert Thread.objects.count() == 1


def test_who_calls_again_finds_the_question_open():
    def node(state: State) -> State:
        return {"log": [interrupt("fine?")]}

    app = app_of(node)
    once = app.invoke({"log": []}, idempotency_key="k")
    (row,) = Interrupt.objects.values()

    assert app.invoke({"log": []}, idempotency_key="k") == once

    assert [*Interrupt.objects.values()] == [row]
    thread = Thread.objects.get()
    assert thread.status == "interrupted"
    last = Run.objects.order_by("pk").last()
    assert last is not None
    assert last.status == "interrupted"
    config = {"configurable": {"thread_id": thread.pk}}
    assert app.invoke(Command(resume="yes"), config) == {"log": ["yes"]}
    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["yes"]}
    thread.refresh_from_db()
    assert thread.status == "idle"


def test_what_has_another_key_is_not_put_together(monkeypatch):
    app = app_of(lambda state: {"log": [len(state["log"])]})
    config = {"configurable": {"thread_id": "t"}}
    for n in range(5):
        app.invoke({"log": [n]}, config, idempotency_key=f"m{n}")
    built = []
    whole = DjangoSaver._built

    def counted(*args: Any, **kwargs: Any) -> Any:
        built.append(args)
        return whole(*args, **kwargs)

    monkeypatch.setattr(DjangoSaver, "_built", counted)
    app.invoke({"log": [5]}, config, idempotency_key="m5")

    assert len(built) == 1  # the head


def test_earlier_work_of_a_long_thread_is_found_also_where_values_are_encrypted():
    app = app_of(lambda state: {"log": [len(state["log"])]}, cipher=tiny())
    config = {"configurable": {"thread_id": "t"}}
    results = [
        app.invoke({"log": [n]}, config, idempotency_key=f"m{n}") for n in range(5)
    ]

    assert app.invoke({"log": [1]}, config, idempotency_key="m1") == results[1]
    with pytest.raises(IdempotencyConflict):
        app.invoke({"log": [2]}, config, idempotency_key="m1")
    assert app.get_state(config).values == results[-1]
