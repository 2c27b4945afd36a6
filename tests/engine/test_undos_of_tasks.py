"""What undoes a call of a task is on record with its result (RB.8)."""

from __future__ import annotations

import asyncio

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.types import (
    Command,
    acompensate,
    compensate,
    interrupt,
)
from tests.engine.support.clocks import CONFIG, State
from tests.engine.support.shop import (
    Broken,
    agive_back,
    atake,
    book,
    done,
    fail,
    give_back,
    in_a_row,
    refund,
    shop,
    take,
    undone,
)
from workflows.engine.drivers import faults

assert shop

pytestmark = pytest.mark.rule("RB.8")


class TestATaskWithAnUndo:
    def test_is_undone_with_its_arguments_and_its_result(self) -> None:
        def node(state: State) -> State:
            return {"log": [take("a").result(), book("flight").result()]}

        with pytest.raises(Broken):
            in_a_row(node, fail).invoke({"log": []}, CONFIG)

        assert undone() == ["cancelled flight as f", "gave back a"]

    def test_saves_that_with_its_result(self) -> None:
        saver = InMemorySaver()
        with faults.counting() as plain:
            graph = in_a_row(lambda state: {"log": [_same("a").result()]}, saver=saver)
            graph.invoke({"log": []}, CONFIG)
        with faults.counting() as undoable:
            graph = in_a_row(lambda state: {"log": [take("a").result()]})
            graph.invoke({"log": []}, CONFIG)

        assert undoable.seen == plain.seen

    def test_has_nothing_to_undo_where_it_has_failed_or_is_taken_from_the_record(
        self,
    ) -> None:
        tried: list[str] = []

        @task(undo=give_back)
        def shaky(what: str) -> str:
            tried.append(what)
            raise ConnectionError

        def node(state: State) -> State:
            take("a").result()
            if interrupt("go on?") == "yes":
                shaky("b").result()
            return {}

        graph = in_a_row(node)
        graph.invoke({"log": []}, CONFIG)
        with pytest.raises(ConnectionError):
            graph.invoke(Command(resume="yes"), CONFIG)

        assert done == ["took a", "gave back a"]

    def test_may_be_in_an_entrypoint(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(names: list[str]) -> str:
            for name in names:
                take(name).result()
            compensate(refund, "all")
            raise Broken("no")

        with pytest.raises(Broken):
            flow.invoke(["a", "b"], CONFIG)

        assert undone() == ["gave back all", "gave back b", "gave back a"]

    def test_may_be_a_coroutine(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        async def flow(name: str) -> str:
            await atake(name)
            await acompensate(agive_back, "b")
            await acompensate(give_back, "c")
            raise Broken("no")

        with pytest.raises(Broken):
            asyncio.run(flow.ainvoke("a", CONFIG))

        assert undone() == ["gave back c", "gave back b", "gave back a"]

    def test_is_not_undone_again_where_undoing_calls_it(self) -> None:
        def node(state: State) -> State:
            compensate(take, "back")
            raise Broken("no")

        with pytest.raises(Broken):
            in_a_row(node).invoke({"log": []}, CONFIG)

        assert done == ["took back"]


@task
def _same(what: str) -> str:
    return what
