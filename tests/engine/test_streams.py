"""Streams that are cancelled or cut short, and what is handed down to graphs below (R9.4, R9.8, R7.13)."""

import asyncio
import operator
from typing import Annotated, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import get_config
from durableweb.graph import START, StateGraph
from durableweb.graph.state import CompiledStateGraph
from durableweb.runtime import get_runtime
from durableweb.store.memory import InMemoryStore
from durableweb.types import RetryPolicy
from workflows.engine.drivers import faults

CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]


def chain(*nodes, **options):
    builder = StateGraph(State)
    before = START
    for node in nodes:
        builder.add_node(node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder.compile(**options)


@pytest.mark.rule("R9.1")
def test_a_class_of_graphs_can_have_a_mode():
    class Values(CompiledStateGraph):
        stream_mode = "values"

    def first(state: State) -> State:
        return {"log": ["first"]}

    graph = chain(first)
    graph.__class__ = Values

    assert [*graph.stream({"log": []})] == [{"log": []}, {"log": ["first"]}]
    assert graph.with_config(tags=["t"]).stream_mode == "values"


@pytest.mark.rule("R9.4", "R3.16")
async def test_a_cancelled_stream_can_be_gone_on_with():
    begun, calls = asyncio.Event(), []

    async def first(state: State) -> State:
        calls.append("first")
        return {"log": ["first"]}

    async def second(state: State) -> State:
        calls.append("second")
        if calls.count("second") == 1:
            begun.set()
            await asyncio.Event().wait()
        return {"log": ["second"]}

    graph = chain(first, second, checkpointer=InMemorySaver())
    seen = []

    async def read():
        async for chunk in graph.astream({"log": []}, CONFIG):
            seen.append(chunk)

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert seen == [{"first": {"log": ["first"]}}]
    assert await graph.ainvoke(None, CONFIG) == {"log": ["first", "second"]}
    assert calls == ["first", "second", "second"]


class DyingSaver(InMemorySaver):
    """The process dies once, before what node `first` wrote is saved."""

    alive = True

    def commit(self, commit):
        if self.alive and any(writes.name == "first" for writes in commit.writes):
            self.alive = False
            raise faults.Killed
        super().commit(commit)


@pytest.mark.rule("R9.8")
def test_after_a_crash_chunks_come_again_with_the_same_task_ids():
    calls = []

    def first(state: State, writer) -> State:
        calls.append("first")
        writer("at work")
        return {"log": ["first"]}

    graph = chain(first, checkpointer=DyingSaver())

    def read(given, into):
        options = {"stream_mode": ["tasks", "custom"], "durability": "sync"}
        into.extend(graph.stream(given, CONFIG, **options))

    before: list[tuple[str, object]] = []
    after: list[tuple[str, object]] = []
    with pytest.raises(faults.Killed):
        read({"log": []}, before)
    read(None, after)

    assert calls == ["first", "first"]
    assert [mode for mode, _ in before][:1] == ["tasks"]
    assert before[0] == after[0]  # the same task id, name and input
    assert ("custom", "at work") in after


@pytest.mark.rule("R7.13")
@pytest.mark.parametrize("called", [False, True])
def test_what_a_run_was_given_is_handed_down(called):
    store, seen = InMemoryStore(), []

    def inner(state: State) -> State:
        runtime = get_runtime()
        config = get_config()
        seen.append(
            (
                runtime.context,
                runtime.store is store,
                config["metadata"]["who"],
                config["configurable"]["mine"],
                config["tags"],
                config["recursion_limit"],
            )
        )
        return {"log": ["inner"]}

    below = chain(inner)

    def calls(state: State) -> State:
        return below.invoke({"log": []})

    if called:
        graph = chain(calls, store=store)
    else:
        builder = StateGraph(State).add_node("below", below).add_edge(START, "below")
        graph = builder.compile(store=store)
    graph.invoke(
        {"log": []},
        {
            "metadata": {"who": "me"},
            "configurable": {"mine": 1},
            "tags": ["a"],
            "recursion_limit": 9,
        },
        context={"k": "v"},
    )

    assert seen == [({"k": "v"}, True, "me", 1, ["a"], 9)]


@pytest.mark.rule("R7.13")
def test_durability_is_handed_down_and_retries_are_not():
    saver, calls = InMemorySaver(), []

    def flaky(state: State) -> State:
        calls.append("flaky")
        raise ConnectionError("no")

    builder = StateGraph(State)
    builder.add_node("below", chain(flaky))
    builder.add_edge(START, "below")
    policy = RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
    builder.set_node_defaults(retry_policy=policy)
    graph = builder.compile(checkpointer=saver)

    with pytest.raises(ConnectionError):
        graph.invoke({"log": []}, CONFIG, durability="exit")

    assert calls == ["flaky", "flaky"]  # the node `below` twice, `flaky` once in each
    spaces = {
        each.config["configurable"]["checkpoint_ns"]
        for each in saver.list({"configurable": {"thread_id": "t"}})
    }
    steps = [
        each.metadata["step"]
        for each in saver.list({"configurable": {"thread_id": "t"}})
    ]
    assert len(spaces) == 2
    assert max(steps) == 0
    assert len(steps) == 2  # one checkpoint a namespace: each wrote at its end only
