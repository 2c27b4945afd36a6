"""A block that a cancel does not end in its middle (RB.8)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from durableweb.errors import RunCancelled
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import compensate, shield
from tests.engine.support.shop import done, give_back, shop
from tests.engine.test_stopping import BOTH, CONFIG, Held, State, chain, first, go

assert shop

pytestmark = pytest.mark.rule("RB.8")


@task
def pay() -> str:
    done.append("paid")
    return "paid"


@BOTH
def test_it_goes_on_to_its_end_and_the_run_ends_there(is_async: bool) -> None:
    saver = Held()

    def second(state: State) -> State:
        with shield():
            saver.owner.cancel("now", "enough")
            pay().result()
            compensate(give_back, "a")
            done.append("end of the block")
        raise AssertionError("nothing comes after it")

    graph = chain(saver, first, second)
    with pytest.raises(RunCancelled, match="enough"):
        go(graph, is_async, {})

    assert done == ["paid", "end of the block"]
    tuple_ = saver.get_tuple(CONFIG)
    assert "'paid'" in str(tuple_.pending_writes)


def test_coroutines_are_not_cancelled_in_it() -> None:
    saver = Held()

    async def second(state: State) -> State:
        try:
            async with shield():
                saver.owner.cancel("now", "enough")
                await asyncio.sleep(0.05)
                done.append("end of the block")
            await asyncio.sleep(60)
        finally:
            done.append("cancelled")
        return {}

    with pytest.raises(RunCancelled, match="enough"):
        go(chain(saver, second), True, {})

    assert done == ["end of the block", "cancelled"]


def test_blocks_may_lie_in_each_other() -> None:
    saver = Held()

    def second(state: State) -> State:
        with shield():
            with shield():
                saver.owner.cancel("now", "enough")
            done.append("between")
        raise AssertionError("nothing comes after it")

    with pytest.raises(RunCancelled):
        go(chain(saver, second), False, {})
    assert done == ["between"]


def test_no_next_step_is_begun_where_it_ends_the_node() -> None:
    saver = Held()

    def second(state: State) -> State:
        with shield():
            threading.Thread(target=saver.owner.cancel, args=("now", "enough")).start()
            while not saver.owner.run.stop.mode:
                pass
            return {"log": ["second"]}

    def third(state: State) -> State:
        raise AssertionError("no next step")

    graph = chain(saver, second, third)
    with pytest.raises(RunCancelled, match="enough"):
        go(graph, False, {})


def test_a_task_in_it_is_let_be() -> None:
    saver = Held()

    @task
    async def slow() -> str:
        saver.owner.cancel("now", "enough")
        await asyncio.sleep(0.02)
        done.append("slow ended")
        return "slow"

    @entrypoint(checkpointer=saver)
    async def flow(given: Any) -> str:
        async with shield():
            return await slow()

    with pytest.raises(RunCancelled):
        go(flow, True, 1)
    assert done == ["slow ended"]


@pytest.mark.parametrize("mode", ["lost", "timeout"])
def test_a_lost_lease_and_a_limit_of_time_are_not_held_off(mode: str) -> None:
    saver = Held()

    def second(state: State) -> State:
        with shield():
            saver.owner.cancel(mode, "over", 1.0)
            pay().result()
        return {}

    with pytest.raises(RunCancelled):
        go(chain(saver, second), False, {})
    assert done == []


def test_what_the_block_raises_is_raised() -> None:
    saver = Held()

    def second(state: State) -> State:
        try:
            with shield():
                saver.owner.cancel("now", "enough")
                raise KeyError("mine")
        except KeyError:
            done.append("caught")
            pay().result()
        return {}

    with pytest.raises(RunCancelled):
        go(chain(saver, second), False, {})
    assert done == ["caught"]


def test_without_a_cancel_nothing_is_different() -> None:
    def node(state: State) -> State:
        with shield():
            return {"log": ["a"]}

    assert go(chain(Held(), node), False, {}) == {"log": ["a"]}
    plain = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
    assert plain.invoke({}) == {"log": ["a"]}


def test_outside_a_graph_it_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"shield\(\) was called outside a graph"):
        shield().__enter__()
