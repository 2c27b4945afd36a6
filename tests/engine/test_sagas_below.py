"""What graphs below have done is undone with the rest (RB.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from durableweb.types import Command, acompensate, compensate, interrupt
from tests.engine.support.clocks import CONFIG, State
from tests.engine.support.shop import (
    Broken,
    atake,
    buy,
    done,
    fail,
    give_back,
    in_a_row,
    shop,
    take,
    undone,
)

assert shop

pytestmark = pytest.mark.rule("RB.8")


class TestBelow:
    def below(self, *nodes: Any) -> Any:
        graph = in_a_row(*nodes)
        graph.checkpointer = None
        return graph

    @pytest.mark.parametrize("is_called", [False, True])
    def test_what_was_done_in_graphs_that_have_ended_is_undone(
        self, is_called: bool
    ) -> None:
        inner = self.below(buy("c"), lambda state: {"log": [take("d").result()]})
        middle = self.below(buy("b"), inner, buy("e"))

        def call(state: State) -> State:
            return {"log": middle.invoke({"log": []})["log"]}

        graph = in_a_row(buy("a"), call if is_called else middle, buy("f"), fail)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        assert undone() == [f"gave back {each}" for each in "fedcba"]

    def test_coroutines_below_are_undone(self) -> None:
        async def node(state: State) -> State:
            await acompensate(give_back, "a")
            return {"log": [await atake("b")]}

        middle = self.below(self.below(node), node)
        with pytest.raises(Broken):
            asyncio.run(in_a_row(middle, fail).ainvoke({"log": []}, CONFIG))

        assert undone() == ["gave back b", "gave back a"] * 2

    def test_a_graph_without_a_saver_of_its_own_is_undone_once(self) -> None:
        inner = in_a_row(buy("a"), lambda state: {"log": [interrupt("go on?")]})
        inner.checkpointer = False

        def call(state: State) -> State:
            return inner.invoke({"log": []})

        graph = in_a_row(call, fail)
        graph.invoke({"log": []}, CONFIG)
        with pytest.raises(Broken):
            graph.invoke(Command(resume="yes"), CONFIG)

        assert done == ["did a", "did a", "gave back a"]

    def test_side_by_side_it_is_undone_in_the_order_of_time(self) -> None:
        def late(state: State) -> State:
            compensate(give_back, "late")
            return {}

        built = StateGraph(State)
        built.add_node("a", self.below(buy("early"))).add_node("b", late)
        built.add_node("c", fail).add_edge(START, "a").add_edge("a", "b")
        built.add_edge("b", "c")
        with pytest.raises(Broken):
            built.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)

        assert undone() == ["gave back late", "gave back early"]
