"""What cannot be put on record as an undo (RB.8)."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from durableweb.errors import SerializationError
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import compensate
from tests.engine.support.clocks import CONFIG, State
from tests.engine.support.shop import (
    Broken,
    Till,
    agive_back,
    buy,
    done,
    give_back,
    in_a_row,
    shop,
    take,
    undone,
)

assert shop

pytestmark = pytest.mark.rule("RB.8")


@task
def _same(what: str) -> str:
    return what


class TestRefused:
    def call(self, fn: Any, *args: Any) -> Any:
        def node(state: State) -> State:
            compensate(fn, *args)
            return {}

        return in_a_row(node).invoke({"log": []}, CONFIG)

    @pytest.mark.parametrize("fn", [Till.close, Till.count])
    def test_a_function_may_have_a_class_for_its_place(self, fn: Any) -> None:
        def node(state: State) -> State:
            compensate(fn, "a")
            raise Broken("no")

        with pytest.raises(Broken):
            in_a_row(node).invoke({"log": []}, CONFIG)
        assert undone() == ["gave back a"]

    def test_what_cannot_be_called(self) -> None:
        with pytest.raises(
            TypeError, match=r"compensate\(\): fn is 'give_back'; give a f"
        ):
            self.call("give_back")

    def test_what_another_process_would_not_find(self) -> None:
        def local(what: str) -> None: ...

        lambda_ = lambda what: None  # noqa: E731
        partial = functools.partial(give_back, "a")
        for fn in (local, lambda_, partial, Till().open):
            with pytest.raises(ValueError, match=r"compensate\(\): fn is <?.*another"):
                self.call(fn)
            with pytest.raises(ValueError, match="task '_same': undo is"):
                task(undo=fn)(_same.__wrapped__)  # type: ignore[attr-defined]

    def test_arguments_that_cannot_be_stored(self) -> None:
        with pytest.raises(SerializationError):
            self.call(give_back, object())
        with pytest.raises(SerializationError):
            in_a_row(lambda state: take(object()).result()).invoke({}, CONFIG)
        assert done == []

    def test_without_a_saver(self) -> None:
        graph = StateGraph(State).add_node("n", buy("a")).add_edge(START, "n").compile()
        with pytest.raises(RuntimeError, match="no checkpointer to keep that"):
            graph.invoke({"log": []})
        plain = StateGraph(State).add_node("n", lambda state: take("a").result())
        with pytest.raises(RuntimeError, match="'take' has an undo in graph"):
            plain.add_edge(START, "n").compile().invoke({"log": []})
        assert done == ["did a"]

    def test_outside_a_graph(self) -> None:
        with pytest.raises(RuntimeError, match=r"compensate\(\) was called outside"):
            compensate(give_back, "a")

    def test_in_a_coroutine(self) -> None:
        async def node(state: State) -> State:
            compensate(give_back, "a")
            return {}

        with pytest.raises(RuntimeError, match="await acompensate"):
            asyncio.run(in_a_row(node).ainvoke({"log": []}, CONFIG))

    def test_a_coroutine_function_in_a_blocking_graph(self) -> None:
        with pytest.raises(RuntimeError, match="a blocking graph cannot run it"):
            self.call(agive_back, "a")
