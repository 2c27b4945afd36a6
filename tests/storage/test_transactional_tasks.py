"""What a transactional task writes with models of the site is committed with its record: both, or neither (RB.7)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from durableweb.config import get_config
from durableweb.durable import (
    Undo,
    compensate,
    now,
    random,
    send_signal,
    sleep,
    start_child,
    uuid4,
    wait_signal,
)
from durableweb.errors import RunCancelled, SerializationError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import get_runtime, set_attributes
from durableweb.types import CachePolicy, RetryPolicy, interrupt
from tests.storage.conftest import real_transactions
from tests.storage.transacted import CONFIG, flow_of, paid, pay, plain, ran, rows
from workflows.models import Signal, Thread
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RB.7")]
SOON = 30


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    ran.clear()
    yield
    keeper.clear()


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_its_result_is_on_record_and_its_row_there_once(durability: Any) -> None:
    fails = [True]

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> list[str]:
        found = [plain(name).result(), pay(name).result()]
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return found

    with pytest.raises(ConnectionError):
        flow.invoke("ida", CONFIG, durability=durability)

    assert flow.invoke(None, CONFIG, durability=durability) == ["ida", "paid ida"]
    assert rows() == ["ida"]
    assert ran == ["plain", "pay"]


def test_a_body_that_fails_leaves_nothing_and_is_tried_again() -> None:
    fails = [True]

    @task(transactional=True, retry_policy=RetryPolicy(initial_interval=0.001))
    def weak(name: str) -> int:
        Group.objects.create(name=name)
        if fails.pop() if fails else False:
            raise ConnectionError(str(rows()))
        return get_runtime().execution_info.node_attempt

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> int:
        found: int = weak(name).result()
        return found

    assert flow.invoke("ida", CONFIG) == 2
    assert rows() == ["ida"]


def test_what_cannot_be_stored_is_not_done() -> None:
    @task(transactional=True)
    def odd(name: str) -> object:
        Group.objects.create(name=name)
        return object()

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        odd(name).result()

    with pytest.raises(SerializationError):
        flow.invoke("ida", CONFIG)
    assert rows() == []


@pytest.mark.parametrize("awaited", [False, True])
def test_beside_it_others_save_and_tell_and_nobody_waits_for_ever(
    awaited: bool,
) -> None:
    """On SQLite it has the turn to write while its body runs."""
    saved = threading.Event()

    @task
    def quick() -> str:
        get_runtime().heartbeat({"at": 1})
        get_runtime().stream_writer("quick")
        saved.set()
        return "quick"

    @task(transactional=True)
    def slow(name: str) -> str:
        assert saved.wait(SOON)
        get_runtime().stream_writer("slow")
        get_runtime().heartbeat({"at": 2})
        Group.objects.create(name=name)
        return name

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> list[str]:
        calls = [slow(name), quick(), slow(f"{name} too"), plain("p")]
        return [call.result() for call in calls]

    async def main() -> list[Any]:
        return [each async for each in flow.astream("ida", CONFIG, stream_mode=modes)]

    modes: Any = ["custom", "values"]
    shown = (
        asyncio.run(main())
        if awaited
        else [*flow.stream("ida", CONFIG, stream_mode=modes)]
    )

    assert shown[-1] == ("values", ["ida", "quick", "ida too", "p"])
    assert sorted(each for _, each in shown[:-1]) == ["quick", "slow", "slow"]
    assert rows() == ["ida", "ida too"]


def test_in_a_transaction_of_the_callers_it_is_refused() -> None:
    """Its own would be that of another connection, which on SQLite would wait for this one."""
    flow = flow_of(DjangoSaver())

    def atomically() -> None:
        with transaction.atomic():
            flow.invoke("ida", CONFIG)

    with pytest.raises(RuntimeError, match="inside a transaction"):
        atomically()
    assert not Thread.objects.exists()

    @entrypoint(checkpointer=DjangoSaver())
    def around(name: str) -> None:
        with transaction.atomic():
            pay(name).result()

    with pytest.raises(RuntimeError, match="inside a transaction"):
        around.invoke("ida", CONFIG)
    assert ran == ["plain"]
    assert rows() == []


def unpay(name: str) -> None:
    Group.objects.filter(name=name).delete()


@task(transactional=True, undo=unpay)
def pay_back(name: str) -> str:
    Group.objects.create(name=name)
    return name


def test_what_undoes_it_is_committed_with_it() -> None:
    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> Any:
        pay_back(name).result()
        return interrupt("fine?")

    flow.invoke("ida", CONFIG)
    assert rows() == ["ida"]

    with pytest.raises(RunCancelled):
        flow.invoke(Undo("ill"), CONFIG)
    assert rows() == []


def test_in_a_graph_below() -> None:
    def node(state: Any) -> dict[str, Any]:
        return {"n": pay(state["n"]).result()}

    saver = DjangoSaver()
    inner = StateGraph(dict).add_node("node", node).add_edge(START, "node").compile()

    def calls(state: Any) -> Any:
        found = inner.invoke(state)
        if len(ran) == 1:
            ran.append("failed")
            raise ConnectionError("away")
        return found

    graph = StateGraph(dict).add_node("calls", calls).add_edge(START, "calls")
    app = graph.compile(checkpointer=saver)

    with pytest.raises(ConnectionError):
        app.invoke({"n": "ida"}, CONFIG)

    assert app.invoke(None, CONFIG) == {"n": "paid ida"}
    assert rows() == ["ida"]
    assert ran == ["pay", "failed"]


def test_attributes_and_the_store_go_with_it() -> None:
    from workflows.storage.store import DjangoStore

    store = DjangoStore()
    fails = [True]

    @task(transactional=True)
    def work(name: str) -> str:
        set_attributes(customer=name)
        get_runtime().store.put(("names",), name, {"n": len(ran)})
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return name

    @entrypoint(checkpointer=DjangoSaver(), store=store)
    def flow(name: str) -> str:
        found: str = work(name).result()
        return found

    with pytest.raises(ConnectionError):
        flow.invoke("ida", CONFIG)
    assert store.get(("names",), "ida") is None
    assert DjangoSaver().attributes_of("t") == {}

    assert flow.invoke(None, CONFIG) == "ida"
    assert store.get(("names",), "ida") is not None
    assert DjangoSaver().attributes_of("t") == {"customer": "ida"}


def test_a_cache_policy_of_the_entrypoint_is_not_its() -> None:
    from durableweb.cache.memory import InMemoryCache

    cache: Any = InMemoryCache()

    @entrypoint(checkpointer=DjangoSaver(), cache=cache, cache_policy=CachePolicy())
    def flow(given: list[Any]) -> str:
        paid().delete()
        found: str = pay(given[0]).result()
        return found

    for n in range(2):
        flow.invoke(["ida", n], {"configurable": {"thread_id": str(n)}})

    assert rows() == ["ida"]
    assert ran == ["pay", "pay"]


def test_another_database_than_the_savers_is_refused() -> None:
    @task(transactional=True, using="orders")
    def work() -> None:
        ran.append("work")

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        work().result()

    with pytest.raises(RuntimeError, match=r"database 'orders'.*database 'default'"):
        flow.invoke("ida", CONFIG)
    assert ran == []


def test_its_record_cannot_wait_for_the_end_of_the_run() -> None:
    with pytest.raises(RuntimeError, match="durability='exit'"):
        flow_of(DjangoSaver()).invoke("ida", CONFIG, durability="exit")
    assert rows() == []


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
