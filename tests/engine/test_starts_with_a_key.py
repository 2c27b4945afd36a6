"""A call with an idempotency key begins its work once (RB.6)."""

from __future__ import annotations

import asyncio
import operator
import threading
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.durable import compensate, continue_as_new, sleep
from durableweb.errors import (
    IdempotencyConflict,
    SerializationError,
    StaleResumeError,
    ThreadBusyError,
)
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, Durability, interrupt
from tests.conformance.savers import file, memory
from workflows.engine.drivers import faults

pytestmark = pytest.mark.rule("RB.6")


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> Iterator[None]:
    ran.clear()
    yield
    ran.clear()


def first(state: State) -> State:
    ran.append("first")
    return {"log": ["first"]}


def second(state: State) -> State:
    ran.append("second")
    return {"log": ["second"]}


def chain(saver: Any, *nodes: Any, name: str = "chain", **options: Any) -> Any:
    graph = StateGraph(State).add_sequence([*nodes])
    graph.add_edge(START, nodes[0].__name__)
    return graph.compile(checkpointer=saver, name=name, **options)


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


@pytest.mark.parametrize("new_saver", [memory, file])
def test_what_failed_goes_on(new_saver: Any) -> None:
    fails = [True]

    def weak(state: State) -> State:
        ran.append("weak")
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return {"log": ["weak"]}

    app = chain(new_saver(), first, weak)
    with pytest.raises(ConnectionError, match="away"):
        app.invoke({"log": []}, idempotency_key="k")

    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first", "weak"]}
    assert ran == ["first", "weak", "weak"]


def put_back(what: str) -> None:
    ran.append(f"put back {what}")


def test_what_was_undone_stays_so_and_fails_with_what_it_failed_with() -> None:
    def take(state: State) -> State:
        compensate(put_back, "it")
        return {}

    def breaks(state: State) -> State:
        ran.append("breaks")
        raise ValueError("no")

    app = chain(memory(), take, breaks)

    for _ in range(3):
        with pytest.raises(Exception, match="no"):
            app.invoke({"log": []}, idempotency_key="k")

    assert ran == ["breaks", "put back it"]


@pytest.mark.parametrize("new_saver", [memory, file])
def test_a_question_is_not_asked_again(new_saver: Any) -> None:
    def ask(state: State) -> State:
        ran.append("ask")
        return {"log": [interrupt("fine?")]}

    def beside(state: State) -> State:
        return {"log": ["beside"]}

    graph = StateGraph(State).add_node("ask", ask).add_node("beside", beside)
    graph.add_edge(START, "ask").add_edge(START, "beside")
    app = graph.compile(checkpointer=new_saver())
    thread = {"configurable": {"thread_id": "t"}}

    once = app.invoke({"log": []}, thread, idempotency_key="k")
    again = app.invoke({"log": []}, thread, idempotency_key="k")
    shown = [*app.stream({"log": []}, thread, idempotency_key="k")]

    assert again == once
    assert once["log"] == ["beside"]
    assert [each.value for each in again["__interrupt__"]] == ["fine?"]
    assert shown == [{"__interrupt__": tuple(once["__interrupt__"])}]
    assert ran == ["ask"]
    app.invoke(Command(resume="yes"), thread)
    end = {"log": ["yes", "beside"]}
    assert app.invoke({"log": []}, thread, idempotency_key="k") == end
    assert ran == ["ask", "ask"]


def test_an_entrypoint_at_its_question() -> None:
    @task
    def work() -> str:
        ran.append("work")
        return "done"

    @entrypoint(checkpointer=memory())
    def flow(n: int) -> list[Any]:
        ran.append("flow")
        return [n, work().result(), interrupt("fine?")]

    thread = {"configurable": {"thread_id": "t"}}
    once = flow.invoke(1, thread, idempotency_key="k")
    assert flow.invoke(1, thread, idempotency_key="k") == once
    assert ran == ["flow", "work"]

    flow.invoke(Command(resume="yes"), thread)

    assert flow.invoke(1, thread, idempotency_key="k") == [1, "done", "yes"]
    assert ran == ["flow", "work", "flow"]


def test_an_entrypoint_that_begins_anew_is_the_same_work() -> None:
    @entrypoint(checkpointer=memory())
    def count(n: int) -> int:
        ran.append(str(n))
        return continue_as_new(n + 1) if n < 3 else n

    assert [count.invoke(1, idempotency_key="k") for _ in range(2)] == [3, 3]
    assert ran == ["1", "2", "3"]


@pytest.mark.parametrize("side", ["interrupt_before", "interrupt_after"])
def test_a_breakpoint_holds_who_calls_again(side: str) -> None:
    stop: dict[str, Any] = {side: ["second" if side == "interrupt_before" else "first"]}
    app = chain(memory(), first, second, **stop)
    thread = {"configurable": {"thread_id": "t"}}

    assert app.invoke({"log": []}, thread, idempotency_key="k") == {"log": ["first"]}
    assert app.invoke({"log": []}, thread, idempotency_key="k") == {"log": ["first"]}
    assert ran == ["first"]

    app.invoke(None, thread)
    done = app.invoke({"log": []}, thread, idempotency_key="k")
    assert done == {"log": ["first", "second"]}
    assert ran == ["first", "second"]


def test_a_breakpoint_below_holds_who_calls_again() -> None:
    below = chain(None, second, interrupt_before=["second"])
    graph = StateGraph(State).add_node("below", below).add_edge(START, "below")
    app = graph.compile(checkpointer=memory())

    app.invoke({"log": []}, idempotency_key="k")
    app.invoke({"log": []}, idempotency_key="k")

    assert ran == []


def test_what_sleeps_sleeps_on() -> None:
    def rest(state: State) -> State:
        sleep(3600)
        return {"log": ["rested"]}

    app = chain(memory(), first, rest, second)

    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first"]}
    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first"]}
    assert ran == ["first"]


def test_a_call_that_was_killed_goes_on_where_it_was() -> None:
    for k in range(1, 100):
        ran.clear()
        saver = InMemorySaver()
        app = chain(saver, first, second)
        killed = False
        with faults.kill_before(k):
            try:
                app.invoke({"log": []}, idempotency_key="k")
            except faults.Killed:
                killed = True
        if not killed:
            break
        saver.__dict__.get("_live", {}).clear()

        end = app.invoke({"log": []}, idempotency_key="k")

        assert end == {"log": ["first", "second"]}, f"killed before request {k}"
        assert ran.count("first") + ran.count("second") <= 3
        app.invoke({"log": []}, idempotency_key="k")
        assert ran.count("second") <= 2
    assert k > 5


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
