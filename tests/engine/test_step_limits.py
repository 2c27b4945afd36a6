"""How long a step may take, where a program that both engines run cannot show it (R3.20)."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.durable import replay_check
from durableweb.graph import START, StateGraph
from durableweb.graph.state import CompiledStateGraph
from durableweb.types import interrupt

pytestmark = pytest.mark.rule("R3.20")
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
LIMIT = 0.2
LONG = 0.5


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def fan(**nodes: Any) -> Any:
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node).add_edge(START, name)
    compiled = graph.compile(checkpointer=InMemorySaver())
    compiled.step_timeout = LIMIT
    return compiled


def quick(state: State) -> State:
    return {"log": ["quick"]}


def slow(state: State) -> State:
    time.sleep(LONG)
    return {"log": ["slow"]}


def bad(state: State) -> State:
    raise RuntimeError("bad")


@pytest.mark.parametrize("mode", ["values", "tasks"])
@pytest.mark.parametrize("names", ["a", "ab"])
def test_the_time_of_a_reader_is_not_that_of_a_step(mode: str, names: str) -> None:
    graph = fan(**dict.fromkeys(names, quick))

    for _ in graph.stream({"log": []}, CONFIG, stream_mode=mode):
        time.sleep(LIMIT * 1.5)

    assert graph.get_state(CONFIG).values == {"log": ["quick"] * len(names)}


@pytest.mark.parametrize("mode", ["values", "tasks"])
def test_the_time_of_an_awaiting_reader_is_not_that_of_a_step(mode: str) -> None:
    graph = fan(a=quick, b=quick)

    async def read() -> None:
        async for _ in graph.astream({"log": []}, CONFIG, stream_mode=mode):
            await asyncio.sleep(LIMIT * 1.5)

    asyncio.run(read())

    assert graph.get_state(CONFIG).values == {"log": ["quick"] * 2}


def test_no_clock_goes_on_when_a_run_has_ended() -> None:
    graph = fan(a=quick, b=quick)
    graph.step_timeout = 600

    graph.invoke({"log": []}, CONFIG)

    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
            assert not thread.is_alive()


def test_what_has_not_started_is_not_started_any_more() -> None:
    graph = fan(a=slow, b=slow)

    with pytest.raises(TimeoutError, match=r"'t': a step took longer .* 'a' had not"):
        graph.invoke({"log": []}, {**CONFIG, "max_concurrency": 1})

    assert graph.get_state(CONFIG).next == ("b",)


def test_a_failure_before_the_time_is_over_is_what_is_raised() -> None:
    graph = fan(bad=bad, slow=slow)

    with pytest.raises(RuntimeError, match="bad"):
        graph.invoke({"log": []}, CONFIG)

    assert graph.get_state(CONFIG).next == ("bad",)


def test_what_is_awaited_in_a_thread_is_kept() -> None:
    graph = fan(slow=slow, quick=quick)

    with pytest.raises(TimeoutError):
        asyncio.run(graph.ainvoke({"log": []}, CONFIG))

    assert graph.get_state(CONFIG).next == ()


@pytest.mark.parametrize(
    ("seconds", "error"), [(0.1, TimeoutError), (-1, ValueError), ("1s", ValueError)]
)
def test_a_class_of_graphs_can_have_a_limit(
    seconds: Any, error: type[Exception]
) -> None:
    class Limited(CompiledStateGraph):
        step_timeout = seconds

    graph = fan(slow=slow)
    graph.__class__ = Limited

    with pytest.raises(error, match="step_timeout"):
        graph.invoke({"log": []}, CONFIG)


def test_a_copy_has_the_limit_too() -> None:
    graph = fan(slow=slow)

    with pytest.raises(TimeoutError):
        graph.with_config(tags=["x"]).invoke({"log": []}, CONFIG)


def test_going_over_a_record_has_no_limit() -> None:
    def asks(state: State) -> State:
        time.sleep(LONG)
        return {"log": [interrupt("go on?")]}

    graph = fan(asks=asks)
    graph.step_timeout = None
    graph.invoke({"log": []}, CONFIG)
    graph.step_timeout = LIMIT

    assert replay_check(graph, "t").bodies[0].ended == "asked"
