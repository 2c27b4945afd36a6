"""A call with an idempotency key begins its work once (RB.6)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from durableweb.durable import continue_as_new
from durableweb.errors import (
    IdempotencyConflict,
    SerializationError,
    StaleResumeError,
    ThreadBusyError,
)
from durableweb.func import entrypoint
from durableweb.types import Command, Durability, interrupt
from tests.conformance.savers import file, memory
from tests.engine.support.keyed import State, chain, first, nothing_ran, ran, second

pytestmark = pytest.mark.rule("RB.6")


assert nothing_ran


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("new_saver", [memory, file])
def test_a_second_call_is_given_what_came_of_the_first(
    new_saver: Any, durability: Durability
) -> None:
    app = chain(new_saver(), first, second)

    once = app.invoke({"log": []}, idempotency_key="k", durability=durability)
    again = app.invoke({"log": []}, idempotency_key="k", durability=durability)

    assert once == again == {"log": ["first", "second"]}
    assert ran == ["first", "second"]


def test_another_key_is_other_work() -> None:
    app = chain(memory(), first)

    app.invoke({"log": []}, idempotency_key="k")
    app.invoke({"log": []}, idempotency_key="l")
    app.with_config(tags=["x"]).invoke({"log": []}, idempotency_key="l")

    assert ran == ["first", "first"]


def test_a_graph_of_another_name_has_keys_of_its_own() -> None:
    saver = memory()

    chain(saver, first).invoke({"log": []}, idempotency_key="k")
    chain(saver, first, name="other").invoke({"log": []}, idempotency_key="k")

    assert ran == ["first", "first"]


def test_another_process_finds_the_same_thread() -> None:
    seen = []

    def look(state: State, config: Any) -> State:
        seen.append(config["configurable"]["thread_id"])
        return {}

    chain(memory(), look, name="orders").invoke({"log": []}, idempotency_key="o-1")

    assert seen == ["08fbb843-fe32-81ec-e636-5910d08f02d3"]


@pytest.mark.parametrize("new_saver", [memory, file])
def test_another_input_is_refused(new_saver: Any) -> None:
    app = chain(new_saver(), first)
    thread = {"configurable": {"thread_id": "t"}}
    app.invoke({"log": [{"a": 1, "b": 2}]}, thread, idempotency_key="k")
    before = app.get_state(thread)

    app.invoke({"log": [{"b": 2, "a": 1}]}, thread, idempotency_key="k")
    with pytest.raises(IdempotencyConflict) as refused:
        app.invoke({"log": [{"a": 1, "b": 3}]}, thread, idempotency_key="k")

    error = refused.value
    assert (error.key, error.graph, error.thread_id) == ("k", "chain", "t")
    assert ran == ["first"]
    assert app.get_state(thread) == before


def test_an_entrypoint_that_begins_anew_is_the_same_work() -> None:
    @entrypoint(checkpointer=memory())
    def count(n: int) -> int:
        ran.append(str(n))
        return continue_as_new(n + 1) if n < 3 else n

    assert [count.invoke(1, idempotency_key="k") for _ in range(2)] == [3, 3]
    assert ran == ["1", "2", "3"]


def test_while_it_is_at_work_a_second_call_is_told_so() -> None:
    refused: list[Any] = []

    def call() -> None:
        with pytest.raises(ThreadBusyError) as error:
            app.invoke({"log": []}, idempotency_key="k")
        refused.append(error.value)

    def node(state: State) -> State:
        other = threading.Thread(target=call)  # as another process would call
        other.start()
        other.join(60)
        return {"log": ["ended"]}

    app = chain(memory(), node)

    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["ended"]}
    assert len(refused) == 1
    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["ended"]}


def test_work_does_not_begin_itself() -> None:
    def again(state: State) -> State:
        app.invoke({"log": []}, idempotency_key="k")
        return {}

    app = chain(memory(), again)

    with pytest.raises(RuntimeError, match="inside a task of its own thread"):
        app.invoke({"log": []}, idempotency_key="k")


@pytest.mark.parametrize("new_saver", [memory, file])
def test_keys_of_a_conversation(new_saver: Any) -> None:
    app = chain(new_saver(), first)
    thread = {"configurable": {"thread_id": "t"}}
    one = app.invoke({"log": [1]}, thread, idempotency_key="m1")
    two = app.invoke({"log": [2]}, thread, idempotency_key="m2")
    app.invoke({"log": [3]}, thread)

    assert app.invoke({"log": [1]}, thread, idempotency_key="m1") == one
    assert app.invoke({"log": [2]}, thread, idempotency_key="m2") == two
    with pytest.raises(IdempotencyConflict):
        app.invoke({"log": [2]}, thread, idempotency_key="m1")
    assert two == {"log": [1, "first", 2, "first"]}
    assert len(ran) == 3
    assert app.get_state(thread).values["log"] == [*two["log"], 3, "first"]


def test_work_that_an_input_without_a_key_has_dropped() -> None:
    def ask(state: State) -> State:
        if "second" not in state["log"]:
            interrupt("fine?")
        return {"log": ["end"]}

    app = chain(memory(), ask)
    thread = {"configurable": {"thread_id": "t"}}
    app.invoke({"log": []}, thread, idempotency_key="k")
    app.invoke({"log": ["second"]}, thread)

    with pytest.raises(StaleResumeError) as refused:
        app.invoke({"log": []}, thread, idempotency_key="k")

    assert "Give another key" in refused.value.__notes__[0]


def test_an_edit_belongs_to_the_work() -> None:
    app = chain(memory(), first)
    thread = {"configurable": {"thread_id": "t"}}
    app.invoke({"log": []}, thread, idempotency_key="k")

    app.update_state(thread, {"log": ["edited"]})

    end = {"log": ["first", "edited"]}
    assert app.invoke({"log": []}, thread, idempotency_key="k") == end
    assert ran == ["first"]


def test_a_stream_of_what_has_ended_shows_its_values() -> None:
    app = chain(memory(), first)
    app.invoke({"log": []}, idempotency_key="k")

    modes: Any = ["values", "updates"]
    shown = [*app.stream({"log": []}, idempotency_key="k", stream_mode=modes)]

    assert shown == [("values", {"log": ["first"]})]
    assert ran == ["first"]


def test_awaited() -> None:
    async def slow(state: State) -> State:
        ran.append("slow")
        return {"log": ["slow"]}

    app = chain(memory(), slow)

    async def main() -> None:
        once = await app.ainvoke({"log": []}, idempotency_key="k")
        assert await app.ainvoke({"log": []}, idempotency_key="k") == once
        parts = app.astream({"log": []}, idempotency_key="k", stream_mode="values")
        assert [part async for part in parts] == [once]

    asyncio.run(main())
    assert ran == ["slow"]


def test_a_node_starts_other_work_once() -> None:
    saver = memory()
    inner = chain(saver, first, name="inner")

    def start(state: State) -> State:
        ran.append("start")
        inner.invoke({"log": ["given"]}, idempotency_key="k")
        return {"log": ["started"]}

    app = chain(saver, start, name="outer")
    for thread_id in "ab":
        app.invoke({"log": []}, {"configurable": {"thread_id": thread_id}})

    assert ran == ["start", "first", "start"]


def test_the_metadata_of_a_checkpoint_do_not_show_it() -> None:
    app = chain(memory(), first)
    mine: Any = {"configurable": {"thread_id": "t"}, "metadata": {"start_key": "mine"}}

    app.invoke({"log": []}, mine, idempotency_key="k")

    metadata = app.get_state(mine).metadata
    assert metadata["start_key"] == "mine"
    assert "start_input" not in metadata


def test_inside_its_own_thread_it_is_refused() -> None:
    inner = chain(memory(), first, name="inner")

    def start(state: State, config: Any) -> State:
        inner.invoke({"log": []}, config, idempotency_key="k")
        return {}

    app = chain(memory(), start)

    with pytest.raises(RuntimeError, match="inside a task of its own thread"):
        app.invoke({"log": []}, {"configurable": {"thread_id": "t"}})


@pytest.mark.parametrize(
    ("given", "key", "config", "error", "text"),
    [
        (None, "k", None, ValueError, "None goes on with a thread"),
        (Command(resume=1), "k", None, ValueError, "a Command goes on"),
        ({"log": [object()]}, "k", None, SerializationError, "cannot be stored"),
        ({"log": []}, "", None, ValueError, "idempotency_key is ''"),
        ({"log": []}, "x" * 201, None, ValueError, "1 to 200 characters"),
        ({"log": []}, "a\nb", None, ValueError, "1 to 200 characters"),
        ({"log": []}, 5, None, TypeError, "idempotency_key is 5"),
        (
            {"log": []},
            "k",
            {"configurable": {"thread_id": "t", "checkpoint_id": "x"}},
            ValueError,
            "names a checkpoint",
        ),
    ],
)
def test_what_begins_nothing_is_refused(
    given: Any, key: Any, config: Any, error: type[Exception], text: str
) -> None:
    app = chain(memory(), first)

    with pytest.raises(error, match=text):
        app.invoke(given, config, idempotency_key=key)
    with pytest.raises(error, match=text):
        [*app.stream(given, config, idempotency_key=key)]
    assert ran == []


def test_without_a_checkpointer_it_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no checkpointer of its own"):
        chain(None, first).invoke({"log": []}, idempotency_key="k")
