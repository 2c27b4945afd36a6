"""`runtime.idempotency_key`: the same in each attempt of a task, and of no two tasks (RB.6)."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import Runtime, get_runtime
from durableweb.types import Command, RetryPolicy, Send, interrupt
from tests.conformance.savers import file, memory

pytestmark = pytest.mark.rule("RB.6")
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    note: str


class Keys:
    """Notes the key of each body that runs, by its name."""

    def __init__(self) -> None:
        self.met: list[tuple[str, str]] = []

    def note(self, name: str) -> None:
        self.met.append((name, get_runtime().idempotency_key))

    def of(self, name: str) -> list[str]:
        return [key for met, key in self.met if met == name]


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.mark.parametrize("new_saver", [memory, file])
def test_it_is_the_same_in_each_attempt(keys: Keys, new_saver: Any) -> None:
    fails = ["after that", "and again", "the first time"]

    def node(state: State) -> State:
        keys.note("node")
        if fails:
            raise ConnectionError(fails.pop())
        return {"log": [interrupt("go on?")]}

    retry = RetryPolicy(max_attempts=2, initial_interval=0.001)
    graph = StateGraph(State).add_node("node", node, retry_policy=retry)
    app = graph.add_edge(START, "node").compile(checkpointer=new_saver())
    with pytest.raises(ConnectionError, match="and again"):
        app.invoke({"log": []}, CONFIG)

    app.invoke(None, CONFIG)
    app.invoke(Command(resume=1), CONFIG)

    assert len(keys.of("node")) == 5
    assert len(set(keys.of("node"))) == 1
    assert len(keys.of("node")[0]) >= 32


def test_no_two_tasks_have_the_same(keys: Keys) -> None:
    @task
    def part(number: int) -> int:
        keys.note("part")
        return number

    def node(state: State, runtime: Runtime[None]) -> State:
        keys.met.append(("node", runtime.idempotency_key))
        return {"log": [part(1).result(), part(1).result()]}

    def sent(state: State) -> State:
        keys.note("sent")
        return {}

    def route(state: State) -> list[Send]:
        return [Send("sent", {}), Send("sent", {})]

    graph = StateGraph(State).add_node(node).add_node(sent)
    graph.add_edge(START, "node").add_conditional_edges("node", route, ["sent"])
    app = graph.compile(checkpointer=InMemorySaver())
    app.invoke({"log": []}, CONFIG)
    app.invoke({"log": []}, CONFIG)
    app.invoke({"log": []}, {"configurable": {"thread_id": "other"}})

    found = [key for _, key in keys.met]
    assert len(found) == 3 * 5
    assert len(set(found)) == len(found)


def test_graphs_below_have_their_own(keys: Keys) -> None:
    def node(state: State) -> State:
        keys.note("below")
        return {}

    below = StateGraph(State).add_node(node).add_edge(START, "node").compile()

    def twice(state: State) -> State:
        keys.note("above")
        below.invoke({"log": []})
        below.invoke({"log": []})
        return {}

    graph = StateGraph(State).add_node(twice).add_edge(START, "twice")
    graph.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)

    assert len(set(keys.of("below") + keys.of("above"))) == 3


def test_a_fork_and_an_edit_have_another(keys: Keys) -> None:
    def node(state: State) -> State:
        keys.note("node")
        return {"log": [interrupt("go on?")]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node")
    app = graph.compile(checkpointer=InMemorySaver())
    app.invoke({"log": []}, CONFIG)
    edited = app.update_state(CONFIG, {"note": "edited"})
    app.invoke(Command(resume=1), CONFIG)
    app.invoke(None, app.update_state(edited, {"note": "forked"}))

    assert len(keys.of("node")) == 3
    assert len(set(keys.of("node"))) == 3


def test_it_is_there_in_tasks_of_entrypoints(keys: Keys) -> None:
    @task
    def pay(amount: int) -> int:
        keys.note("pay")
        if len(keys.of("pay")) == 1:
            raise OSError("the line is dead")
        return amount

    @entrypoint(checkpointer=InMemorySaver())
    def flow(amount: int) -> int:
        keys.note("flow")
        return pay(amount).result() + pay(amount).result()

    with pytest.raises(OSError, match="dead"):
        flow.invoke(5, CONFIG)

    assert flow.invoke(None, CONFIG) == 10
    first, again, second = keys.of("pay")
    assert first == again
    assert len({first, second, *keys.of("flow")}) == 3
