"""What may be called in the body of a transactional task, and what is refused there (RB.7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from durableweb.config import get_config
from durableweb.durable import (
    compensate,
    now,
    random,
    send_signal,
    sleep,
    start_child,
    uuid4,
    wait_signal,
)
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import get_runtime
from durableweb.types import interrupt
from tests.storage.conftest import real_transactions
from tests.storage.transacted import CONFIG, plain, rows, unpay
from workflows.models import Signal
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RB.7")]


def asks_a_person() -> None:
    interrupt("fine?")


def sleeps() -> None:
    sleep(3600)


def waits() -> None:
    wait_signal("paid")


def calls_a_task() -> None:
    plain("x").result()


def reads_the_clock() -> None:
    now()


def says_what_undoes_it() -> None:
    compensate(unpay, "ida")


def starts_a_child() -> None:
    start_child("release_notes", {})


def calls_a_graph() -> None:
    graph = StateGraph(dict).add_node("node", lambda state: {}).add_edge(START, "node")
    graph.compile().invoke({})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (asks_a_person, "interrupt()"),
        (sleeps, "sleep()"),
        (waits, "wait_signal()"),
        (calls_a_task, "task 'plain'"),
        (reads_the_clock, "task 'now'"),
        (says_what_undoes_it, "compensate()"),
        (starts_a_child, "start_child()"),
        (calls_a_graph, "graph 'LangGraph'"),
    ],
)
def test_what_is_saved_apart_is_refused_in_its_body(call: Any, name: str) -> None:
    @task(transactional=True)
    def work(name: str) -> None:
        Group.objects.create(name=name)
        call()

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        work(name).result()

    with pytest.raises(RuntimeError) as refused:
        flow.invoke("ida", CONFIG)
    assert str(refused.value).startswith(
        f"{name} was called in the body of task 'work', which is transactional"
    )
    assert rows() == []


def test_what_saves_nothing_or_with_it_may_be_called_in_its_body() -> None:
    fails = [True]

    @task(transactional=True)
    def work(name: str) -> list[Any]:
        assert get_config()["configurable"]["thread_id"] == "t"
        get_runtime().check()
        send_signal("t", "told", name)
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return [random() < 1, str(uuid4()) != name]

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> list[Any]:
        found: list[Any] = work(name).result()
        return found

    with pytest.raises(ConnectionError):
        flow.invoke("ida", CONFIG)
    assert not Signal.objects.exists()

    assert flow.invoke(None, CONFIG) == [True, True]
    assert Signal.objects.count() == 1
