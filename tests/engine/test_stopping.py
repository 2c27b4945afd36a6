"""A run that is asked to end: at the next engine call, at its limits, with all it has done saved."""

from __future__ import annotations

import asyncio
import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest

from workflows.engine.checkpoint.memory import InMemorySaver
from workflows.engine.constants import START
from workflows.engine.errors import NodeTimeoutError, RunCancelled
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import Runtime, Stop, interrupt
from workflows.engine.types import RetryPolicy, Send

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
BOTH = pytest.mark.parametrize("is_async", [False, True])
ALL = pytest.mark.parametrize("durability", ["sync", "async", "exit"])


class State(TypedDict, total=False):
    """A list that grows."""

    log: Annotated[list[str], operator.add]


class Held(InMemorySaver):
    """Remembers who opened the thread: a database's beat knows it the same way."""

    owner: Any = None

    def open(self, thread_id: str, expected_head: str | None, owner: Any = None) -> Any:
        self.owner = owner
        return super().open(thread_id, expected_head, owner)


def go(graph: Any, is_async: bool, given: Any, **more: Any) -> Any:
    if is_async:
        return asyncio.run(graph.ainvoke(given, CONFIG, **more))
    return graph.invoke(given, CONFIG, **more)


def chain(saver: Any, *nodes: Any) -> Any:
    graph = StateGraph(State).add_sequence([(node.__name__, node) for node in nodes])
    return graph.add_edge(START, nodes[0].__name__).compile(checkpointer=saver)


def first(state: State) -> State:
    return {"log": ["first"]}


@pytest.mark.rule("RA.16", "RA.17", "C.RunCancelled")
@BOTH
@ALL
def test_a_node_that_checks_ends_and_what_was_done_before_is_saved(
    is_async: bool, durability: str
) -> None:
    saver = Held()

    def second(state: State, runtime: Runtime[Any]) -> State:
        saver.owner.cancel("now", "enough")
        runtime.check()
        return {"log": ["second"]}

    graph = chain(saver, first, second)

    with pytest.raises(RunCancelled, match="enough"):
        go(graph, is_async, {"log": ["in"]}, durability=durability)

    found = graph.get_state(CONFIG)
    assert (found.values, found.next) == ({"log": ["in", "first"]}, ("second",))
    assert saver.open("t", None)  # the thread is free


@pytest.mark.rule("RA.17")
@BOTH
@ALL
def test_a_cancel_by_step_lets_the_step_end(is_async: bool, durability: str) -> None:
    saver = Held()

    def second(state: State, runtime: Runtime[Any]) -> State:
        saver.owner.cancel("step", "enough")
        runtime.check()
        return {"log": ["second"]}

    def third(state: State) -> State:
        raise AssertionError("no next step")

    graph = chain(saver, first, second, third)

    with pytest.raises(RunCancelled):
        go(graph, is_async, {}, durability=durability)

    found = graph.get_state(CONFIG)
    assert (found.values, found.next) == ({"log": ["first", "second"]}, ("third",))


@pytest.mark.rule("RA.17")
@BOTH
def test_a_cancel_that_comes_in_the_last_step_has_lost(is_async: bool) -> None:
    saver = Held()

    def last(state: State) -> State:
        saver.owner.cancel("now", "too late")
        return {"log": ["last"]}

    assert go(chain(saver, last), is_async, {}) == {"log": ["last"]}


@pytest.mark.rule("RA.17")
def test_coroutines_are_cancelled_and_a_finished_sibling_is_kept() -> None:
    saver = Held()
    ended: list[str] = []
    done = asyncio.Event()

    async def quick(state: State) -> State:
        done.set()
        return {"log": ["quick"]}

    async def slow(state: State) -> State:
        try:
            await done.wait()
            saver.owner.cancel("now", "enough")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("slow")
            raise
        return {}

    graph = StateGraph(State).add_node("quick", quick).add_node("slow", slow)
    graph.add_edge(START, "quick").add_edge(START, "slow")
    compiled = graph.compile(checkpointer=saver)

    async def both() -> None:
        with pytest.raises(RunCancelled):
            await compiled.ainvoke({}, CONFIG)
        await asyncio.sleep(0)

    asyncio.run(both())

    assert ended == ["slow"]
    assert compiled.get_state(CONFIG).next == ("slow",)
    assert compiled.get_state(CONFIG).values == {"log": ["quick"]}


@pytest.mark.rule("RA.17")
@BOTH
def test_it_is_met_in_subgraphs_and_passes_a_broad_except(is_async: bool) -> None:
    saver = Held()

    def inner(state: State, runtime: Runtime[Any]) -> State:
        saver.owner.cancel("now", "enough")
        try:
            runtime.stream_writer("a chunk")
        except Exception:  # noqa: BLE001 - what authors write
            return {"log": ["caught"]}
        return {"log": ["went on"]}

    below = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")
    graph = chain(saver, first)
    outer = StateGraph(State).add_node("first", first).add_node("sub", below.compile())
    outer.add_edge(START, "first").add_edge("first", "sub")
    graph = outer.compile(checkpointer=saver)

    with pytest.raises(RunCancelled):
        go(graph, is_async, {})

    assert graph.get_state(CONFIG).next == ("sub",)


@pytest.mark.rule("RA.17")
def test_a_body_that_waits_for_a_task_is_let_go_and_the_tasks_result_stays() -> None:
    saver = Held()
    calls: list[str] = []
    let = threading.Event()

    @task
    def quick() -> str:
        calls.append("quick")
        return "done"

    @task
    def slow() -> str:
        saver.owner.cancel("now", "enough")
        let.wait(60)
        return "late"

    @entrypoint(checkpointer=saver)
    def flow(_: Any) -> list[str]:
        one = quick().result()
        if len(calls) == 1 and not let.is_set():
            return [one, slow().result()]
        return [one]

    with pytest.raises(RunCancelled):
        flow.invoke("go", CONFIG)
    let.set()

    assert flow.invoke(None, CONFIG) == ["done"]
    assert calls == ["quick"]


@task
def cheap() -> str:
    """A task that could be called."""
    return "called"


below = StateGraph(State).add_node("inner", first).add_edge(START, "inner").compile()
ENGINE_CALLS: dict[str, Any] = {
    "interrupt": lambda runtime: interrupt("still there?"),
    "a task": lambda runtime: cheap(),
    "a subgraph": lambda runtime: below.invoke({}),
    "the stream writer": lambda runtime: runtime.stream_writer("a chunk"),
    "heartbeat": lambda runtime: runtime.heartbeat(),
    "check": lambda runtime: runtime.check(),
}


@pytest.mark.rule("RA.17")
@BOTH
@pytest.mark.parametrize("call", ENGINE_CALLS)
def test_any_engine_call_meets_the_cancel(call: str, is_async: bool) -> None:
    saver = Held()
    went_on: list[str] = []

    def second(state: State, runtime: Runtime[Any]) -> State:
        saver.owner.cancel("now", "enough")
        ENGINE_CALLS[call](runtime)
        went_on.append(call)
        return {}

    with pytest.raises(RunCancelled, match="enough"):
        go(chain(saver, first, second), is_async, {})
    assert went_on == []


@pytest.mark.rule("RA.16")
@BOTH
def test_the_runs_limit_is_a_timeout_for_whoever_checks(is_async: bool) -> None:
    saver = Held()
    seen: list[NodeTimeoutError] = []

    def slow(state: State, runtime: Runtime[Any]) -> State:
        saver.owner.cancel("timeout", "", 2.5)
        try:
            runtime.check()
        except NodeTimeoutError as error:
            seen.append(error)
            raise
        return {}

    with pytest.raises(RunCancelled) as ended:
        go(chain(saver, slow, first), is_async, {})

    assert (seen[0].node, seen[0].kind, seen[0].run_timeout) == ("slow", "run", 2.5)
    assert ended.value.cause == "timeout"


@pytest.mark.rule("RA.16")
def test_a_limit_of_a_send_is_soft_for_a_plain_function() -> None:
    def spin(state: Any, runtime: Runtime[Any]) -> State:
        while True:
            runtime.check()

    graph = StateGraph(State).add_node("spin", spin)
    graph.add_conditional_edges(
        START, lambda _: [Send("spin", {}, timeout=0.01)], ["spin"]
    )

    with pytest.raises(NodeTimeoutError, match=r"run timeout of 0\.01"):
        graph.compile().invoke({})


@pytest.mark.rule("RA.16")
@BOTH
def test_the_next_attempt_is_given_what_the_last_heartbeat_said(is_async: bool) -> None:
    saver = InMemorySaver()
    seen: list[Any] = []

    def copy(state: State, runtime: Runtime[Any]) -> State:
        seen.append(runtime.last_heartbeat)
        runtime.heartbeat({"rows": 10 * len(seen)})
        if len(seen) < 3:
            raise ConnectionError("try again")
        return {"log": ["copied"]}

    graph = StateGraph(State).add_node(
        "copy",
        copy,
        retry_policy=RetryPolicy(max_attempts=2, initial_interval=0, jitter=False),
    )
    compiled = graph.add_edge(START, "copy").compile(checkpointer=saver)

    with pytest.raises(ConnectionError):
        go(compiled, is_async, {})
    assert go(compiled, is_async, None) == {"log": ["copied"]}

    assert seen == [None, {"rows": 10}, {"rows": 20}]


def test_a_request_is_only_made_more_urgent() -> None:
    stop = Stop()
    stop.request("step", "later")
    stop.request("now", "at once")
    stop.request("timeout", "too long")

    assert (stop.mode, stop.reason) == ("now", "at once")


@pytest.mark.rule("RA.2")
@BOTH
def test_a_call_of_the_graph_cannot_wait_its_turn(is_async: bool) -> None:
    graph = chain(InMemorySaver(), first)
    config = {"configurable": {"thread_id": "t", "if_busy": "enqueue"}}

    call = (
        (lambda *given: asyncio.run(graph.ainvoke(*given)))
        if is_async
        else graph.invoke
    )

    with pytest.raises(ValueError, match="if_busy='enqueue'"):
        call({}, config)
