"""What a transactional task writes with models of the site is committed with its record: both, or neither (RB.7)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from durableweb.durable import Undo
from durableweb.errors import RunCancelled, SerializationError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import get_runtime, set_attributes
from durableweb.types import CachePolicy, RetryPolicy, interrupt
from tests.storage.conftest import real_transactions
from tests.storage.transacted import CONFIG, flow_of, paid, pay, plain, ran, rows, unpay
from workflows.models import Thread
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


@task(transactional=True)
def unpay_at_once(name: str, result: str) -> None:
    assert result == name
    unpay(name)


@task(transactional=True, undo=unpay_at_once)
def pay_until_undone(name: str) -> str:
    Group.objects.create(name=name)
    return name


def test_what_undoes_it_may_be_one_itself() -> None:
    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        pay_until_undone(name).result()
        pay_until_undone(f"{name} too").result()
        raise ValueError(str(rows()))

    with pytest.raises(ValueError, match="'ida', 'ida too'"):
        flow.invoke("ida", CONFIG)
    assert rows() == []


def test_in_a_task_whose_body_runs_again() -> None:
    fails = [True]

    @task
    def around(name: str) -> str:
        found: str = pay(name).result()
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return found

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        found: str = around(name).result()
        return found

    with pytest.raises(ConnectionError):
        flow.invoke("ida", CONFIG)

    assert flow.invoke(None, CONFIG) == "paid ida"
    assert rows() == ["ida"]
    assert ran == ["pay"]


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
