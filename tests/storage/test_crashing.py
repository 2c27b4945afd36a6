"""A crash anywhere on the tables of the dashboard, by whoever runs the thread (RB.17)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import connections

from durableweb import durable
from durableweb.checkpoint.django import DjangoSaver
from durableweb.durable import crash_after, crashes, run_due
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Command
from tests.engine.support.clocks import CONFIG, State
from tests.engine.test_crashing import KEYED, WHOLE, Shop, call
from tests.storage.conftest import real_transactions
from tests.support.registered import put_back, registered
from workflows.engine.drivers import threads
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.storage.leases import keeper

pytestmark = [real_transactions, pytest.mark.rule("RB.17")]


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    before = registered()
    yield
    put_back(before)


@pytest.fixture(autouse=True)
def _threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)


@pytest.mark.parametrize("driver", ["blocking", "asyncio"])
def test_a_crash_anywhere_loses_nothing(driver: str) -> None:
    for crash in crashes():
        DjangoSaver().delete_thread("t")
        shop = Shop()
        graph = shop.graph(DjangoSaver())

        with crash:
            call(driver, graph, {"log": []}, **KEYED)
            call(driver, graph, Command(resume="yes"))
        if crash.happened:
            call(driver, graph, {"log": []}, **KEYED)
            if graph.get_state(CONFIG).next:
                call(driver, graph, Command(resume="yes"))

        assert graph.get_state(CONFIG).values["log"] == WHOLE, crash.number
        assert len(shop.done) <= 3 + (2 if crash.happened else 0)
        assert not Run.objects.filter(status="running").exists()
        assert Thread.objects.get().status == "idle"
    assert crash.number > 6


def test_a_run_is_left_as_by_a_process_that_has_died() -> None:
    graph = Shop().graph(DjangoSaver())

    with crash_after(3) as crash:
        graph.invoke({"log": []}, CONFIG)

    assert crash.happened
    run = Run.objects.get()
    assert (run.status, run.finished_at) == ("running", None)
    assert not keeper.holds("default", run.pk, run.fence)
    told = [*Event.objects.filter(kind="run").values_list("data", flat=True)]
    assert len(told) == 1

    graph.invoke(None, CONFIG)

    run.refresh_from_db()
    assert (run.status, run.reason) == ("error", "abandoned")


def test_what_is_in_a_transaction_with_its_record_is_gone_with_it() -> None:
    for crash in crashes():
        DjangoSaver().delete_thread("t")
        Group.objects.all().delete()

        @task(transactional=True)
        def open_account() -> str:
            return Group.objects.create(name="Ida").name

        def node(state: State) -> State:
            return {"note": open_account().result()}

        built = StateGraph(State).add_node("node", node).add_edge(START, "node")
        graph = built.compile(checkpointer=DjangoSaver())

        with crash:
            graph.invoke({"log": []}, CONFIG, **KEYED)
        graph.invoke({"log": []}, CONFIG, **KEYED)

        assert Group.objects.count() == 1
        assert graph.get_state(CONFIG).values["note"] == "Ida"
    assert crash.number > 3


def test_a_worker_that_dies_anywhere_is_followed_by_another() -> None:
    for crash in crashes():
        shop = Shop()
        registry.unregister("shop")
        registry.register(shop.graph(None), name="shop")
        started = durable.start("shop", {"log": []})

        with crash:
            run_due()
        run_due()

        asked = Interrupt.objects.get(thread=started.thread_id)
        assert asked.status == "pending"
        assert {*shop.done} == {"book 7", "left", "right"}
        assert Thread.objects.get(pk=started.thread_id).status == "interrupted"
        run = Run.objects.get(pk=started.run_id)
        assert run.recoveries == (1 if crash.happened else 0)
    assert crash.number > 4


def test_coroutines_that_save_together_die_together() -> None:
    async def story() -> int:
        graph = Shop().graph(DjangoSaver())
        configs = [{"configurable": {"thread_id": str(n)}} for n in range(4)]
        with crash_after(7) as crash:
            await asyncio.gather(*(graph.ainvoke({"log": []}, c) for c in configs))
        assert crash.happened
        for config in configs:
            found = await graph.aget_state(config)
            given: Any = None if found.values else {"log": []}
            await graph.ainvoke(given, config)
        await sync_to_async(connections.close_all)()
        return crash.savings

    assert asyncio.run(story()) == 7
    assert Interrupt.objects.filter(status="pending").count() == 4
