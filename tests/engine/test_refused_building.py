"""What a graph is built of is refused where it is given, if it is of the wrong kind (RA.21)."""

from __future__ import annotations

import operator
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.cache.base import BaseCache
from durableweb.cache.memory import InMemoryCache
from durableweb.channels import (
    BinaryOperatorAggregate,
    DeltaChannel,
    NamedBarrierValue,
)
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.store.memory import InMemoryStore
from durableweb.types import (
    CachePolicy,
    RetryPolicy,
    Send,
    TimeoutPolicy,
    TracePolicy,
)
from tests.engine.support.refusing import State, builder, graph, node, slow
from workflows.engine import foreign

BUILDING = [
    (lambda: graph(store=5), "store is 5; give a store"),
    (lambda: graph(store=InMemoryStore), "store is <class .*; give a store"),
    (lambda: graph(store={}), "store is {}; give a store"),
    (lambda: graph(cache=5), "cache is 5; give a cache"),
    (lambda: graph(cache={}), "cache is {}; give a cache"),
    (lambda: graph(name=5), "name is 5; give a text"),
    (lambda: graph(interrupt_before=5), "interrupt_before is 5; give a list"),
    (lambda: graph(interrupt_after=True), "interrupt_after is True; give a list"),
    (lambda: graph().with_shared(store=5), "store is 5; give a store"),
    (lambda: graph().copy({"store": 5}), "store is 5; give a store"),
    (lambda: graph().copy({"cache": {}}), "cache is {}; give a cache"),
    (lambda: graph().copy({"name": 5}), "name is 5; give a text"),
    (lambda: graph().copy({"checkpointer": 5}), "checkpointer must be a saver"),
    (lambda: graph().copy({"nodes": {}}), "cannot have another 'nodes', only"),
    (lambda: StateGraph(5), "state_schema is 5; give a class"),
    (lambda: StateGraph(None), "state_schema is None; give a class"),
    (lambda: StateGraph("State"), "state_schema is 'State'; give a class"),
    (lambda: StateGraph(State(a=1)), "state_schema is {'a': 1}; give a class"),
    (lambda: StateGraph(State, 5), "context_schema is 5; give a class"),
    (lambda: StateGraph(State, input_schema=5), "input_schema is 5; give a class"),
    (lambda: StateGraph(State, output_schema=[]), "output_schema is .*; give a class"),
    (lambda: entrypoint(5), "checkpointer must be a saver"),  # type: ignore[arg-type]
    (lambda: entrypoint(node), r"@entrypoint\(\) with brackets"),
    (lambda: entrypoint(store=5), "entrypoint: store is 5; give a store"),
    (lambda: entrypoint(cache=5), "entrypoint: cache is 5; give a cache"),
    (lambda: entrypoint(context_schema=5), "context_schema is 5; give a class"),
    (lambda: entrypoint()(5), "what it decorates is 5; give a function"),  # type: ignore[arg-type]
    (lambda: task(5), "what it decorates is 5; give a function"),  # type: ignore[arg-type]
    (lambda: task("node"), r"is 'node'; .*@task\(name='...'\)"),  # type: ignore[arg-type]
    (lambda: task(name=5)(node), "name is 5; give a text"),  # type: ignore[arg-type]
    (lambda: TracePolicy(5), "process_inputs is 5; give a function"),  # type: ignore[arg-type]
    (lambda: CachePolicy(ttl="3"), "ttl is '3'; give a number of seconds"),  # type: ignore[arg-type]
    (lambda: CachePolicy(key_func=5), "key_func is 5; give a function"),  # type: ignore[arg-type]
    (lambda: DeltaChannel(5), "the reducer is 5; give a function"),  # type: ignore[arg-type]
    (lambda: BinaryOperatorAggregate(list, 5), "the reducer is 5; give a function"),  # type: ignore[arg-type]
    (lambda: NamedBarrierValue(str, 5), "names is 5; give the names"),  # type: ignore[arg-type]
    (lambda: InMemorySaver(serde="x"), "serde is 'x'; give a durableweb Serde"),  # type: ignore[arg-type]
    (lambda: InMemoryStore(serde="x"), "serde is 'x'; give a durableweb Serde"),  # type: ignore[arg-type]
    (lambda: InMemoryCache(serde="x"), "serde is 'x'; give a durableweb Serde"),  # type: ignore[arg-type]
]


@pytest.mark.rule("RA.21", "R1.1", "R1.38", "R1.42", "R8.1", "R8.9")
@pytest.mark.parametrize(("build", "says"), BUILDING)
def test_what_a_graph_is_built_of_is_refused_where_it_is_given(build, says):
    with pytest.raises(TypeError, match=says):
        build()


NODES_AND_EDGES = [
    ("add_node", (5, node), {}, "node is 5; give the node's name"),
    ("add_node", ("n", node), {"destinations": 5}, "destinations is 5; give a list"),
    ("add_node", ("n", node), {"destinations": "node"}, "is 'node'; give a list"),
    ("add_node", ("n", node), {"destinations": [5]}, "a name in destinations is 5"),
    ("add_node", ("n", node), {"metadata": 5}, "node 'n': metadata is 5; give a dict"),
    ("add_node", ("n", node), {"metadata": "x"}, "metadata is 'x'; give a dict"),
    ("add_node", ("n", node), {"trace_policy": 5}, "trace_policy is 5; give a Trace"),
    ("add_node", ("n", node), {"input_schema": 5}, "input_schema is 5; give a class"),
    ("add_sequence", (5,), {}, "nodes is 5; give a list of functions"),
    ("add_sequence", ("ab",), {}, "nodes is 'ab'; give a list of functions"),
    ("add_sequence", ([("b",)],), {}, r"nodes is \[\('b',\)\]; give a list"),
    ("add_sequence", (["b"],), {}, r"nodes is \['b'\]; give a list of functions"),
    ("add_edge", (5, "node"), {}, "start_key is 5; give a node's name"),
    ("add_edge", (None, "node"), {}, "start_key is None; give a node's name"),
    ("add_edge", ("node", 5), {}, "end_key is 5; give a node's name"),
    ("add_edge", ("node", ["node"]), {}, "end_key is .*; give a node's name"),
    ("set_entry_point", (5,), {}, "end_key is 5; give a node's name"),
    ("set_finish_point", (5,), {}, "start_key is 5; give a node's name"),
    ("add_conditional_edges", (["node"], node), {}, "source is .*; give a node's"),
    ("add_conditional_edges", ("node", 5), {}, "path is 5; give a function"),
    ("add_conditional_edges", ("node", node, 5), {}, "path_map is 5; give a dict"),
    ("add_conditional_edges", ("node", node, "n"), {}, "path_map is 'n'; give a dict"),
    ("add_conditional_edges", ("node", node, [[]]), {}, r"in path_map is \[\]; give"),
]


@pytest.mark.rule("RA.21", "R1.13", "R1.18", "R1.23")
@pytest.mark.parametrize(("verb", "given", "options", "says"), NODES_AND_EDGES)
def test_a_node_or_an_edge_of_nothing_is_refused(verb, given, options, says):
    with pytest.raises(TypeError, match=says):
        getattr(builder(), verb)(*given, **options)


@pytest.mark.rule("RA.21", "R1.16")
def test_a_fan_in_of_no_nodes_is_refused():
    with pytest.raises(ValueError, match=r"start_key is \[\]; give a node's name"):
        builder().add_edge([], "node")


def with_default(timeout: Any) -> Any:
    return builder().set_node_defaults(timeout=timeout)


def with_timeout(timeout: Any) -> Any:
    return StateGraph(State).add_node("slow", slow, timeout=timeout)


def decorated(timeout: Any) -> Any:
    return task(timeout=timeout)(slow)


def entered(timeout: Any) -> Any:
    return entrypoint(timeout=timeout)(slow)


def sent(timeout: Any) -> Any:
    return Send("slow", {}, timeout=timeout)


@pytest.mark.rule("RA.21", "R1.27", "R1.37", "R1.40")
@pytest.mark.parametrize(
    "give", [with_default, with_timeout, decorated, entered, sent, TimeoutPolicy]
)
@pytest.mark.parametrize(
    ("timeout", "says"),
    [
        ("soon", "must be a number of seconds or a timedelta, not 'soon'"),
        ([5], r"must be a number of seconds or a timedelta, not \[5\]"),
        (True, "must be a number of seconds or a timedelta, not True"),
        (0, "must be more than 0 seconds, not 0"),
        (-1, "must be more than 0 seconds, not -1"),
        (float("nan"), "must be more than 0 seconds, not nan"),
    ],
)
def test_a_timeout_that_is_no_time_is_refused_where_it_is_given(give, timeout, says):
    with pytest.raises((TypeError, ValueError), match=f"timeout {says}"):
        give(timeout)


@pytest.mark.rule("RA.21", "R1.37")
def test_a_timeout_that_nobody_refreshes_by_that_word_is_refused():
    with pytest.raises(ValueError, match="refresh_on must be 'auto' or 'heartbeat'"):
        TimeoutPolicy(idle_timeout=1, refresh_on="always")  # type: ignore[arg-type]


@pytest.mark.rule("R1.37")
@pytest.mark.parametrize("timeout", [1, 0.5, "5", timedelta(minutes=1)])
def test_whatever_is_a_time_is_taken(timeout):
    for give in (with_default, with_timeout, decorated, entered, sent):
        give(timeout)


@pytest.mark.rule("RA.21", "R1.33", "R1.38")
@pytest.mark.parametrize(
    "policy",
    [
        {"initial_interval": -1},
        {"backoff_factor": float("nan")},
        {"max_interval": -0.5},
        {"max_attempts": -1},
    ],
)
def test_a_number_of_a_retry_policy_that_counts_nothing_is_refused(policy):
    (name,) = policy

    with pytest.raises(ValueError, match=f"{name} of the RetryPolicy is .*negative"):
        StateGraph(State).add_node("node", node, retry_policy=RetryPolicy(**policy))


@pytest.mark.rule("RA.21", "R1.33", "R1.38")
def test_other_values_of_policies_that_mean_nothing_are_refused():
    policy = RetryPolicy(jitter="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="jitter of the RetryPolicy is 'no'; give True"):
        StateGraph(State).add_node("node", node, retry_policy=policy)
    with pytest.raises(ValueError, match="CachePolicy: ttl is -1; give a number"):
        CachePolicy(ttl=-1)


class OwnStore:
    """Has what its author needs of a store, and no base class."""

    def put(self, namespace: Any, key: str, value: Any) -> None:
        self.kept = value

    def get(self, namespace: Any, key: str) -> Any:
        return self.kept


class OwnCache(BaseCache):
    """A cache of its author's own."""

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}

    def get(self, keys: Any) -> Any:
        return {key: self.kept[key] for key in keys if key in self.kept}

    def set(self, keys: Any) -> None:
        self.kept |= {key: value for key, (value, _) in keys.items()}


@pytest.mark.rule("R1.42", "R1.38", "R11.1")
async def test_a_store_and_a_cache_of_ones_own_are_taken():
    ran = []

    def remembers(state: State, store: Any) -> Any:
        ran.append(state)
        store.put(("people",), "ann", {"a": state["a"]})
        return store.get(("people",), "ann")

    built = StateGraph(State).add_node("n", remembers, cache_policy=CachePolicy())
    flow = built.add_edge(START, "n").compile(store=OwnStore(), cache=OwnCache())

    assert flow.invoke({"a": 5}) == {"a": 5}
    assert await flow.ainvoke({"a": 5}) == {"a": 5}
    assert len(ran) == 1


class AsyncCache(BaseCache):
    """One whose author has written the async methods alone."""

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}

    async def aget(self, keys: Any) -> Any:
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def aset(self, keys: Any) -> None:
        self.kept |= {key: value for key, (value, _) in keys.items()}


@pytest.mark.rule("R1.38")
async def test_a_cache_with_async_methods_alone_serves_async_calls():
    ran: list[Any] = []

    def notes(state: State) -> Any:
        ran.append(state)
        return {"a": 2}

    built = StateGraph(State).add_node("n", notes, cache_policy=CachePolicy())
    flow = built.add_edge(START, "n").compile(cache=AsyncCache())

    assert await flow.ainvoke({"a": 1}) == await flow.ainvoke({"a": 1}) == {"a": 2}
    assert len(ran) == 1
    with pytest.raises(NotImplementedError, match=r"AsyncCache has no get\(\)"):
        flow.invoke({"a": 1})


@pytest.mark.rule("R1.23", "R5.25", "E.signatures")
def keep(left: list[str], right: list[str]) -> list[str]:
    return left or right


class Kept(TypedDict, total=False):
    log: Annotated[list[str], keep]


class Added(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def test_a_schema_that_was_refused_is_refused_again():
    building = StateGraph(Kept)

    for _ in range(2):
        with pytest.raises(ValueError, match="'log' is declared with two different"):
            building.add_node("n", lambda state: {}, input_schema=Added)


def test_more_forms_than_one_are_taken():
    started = StateGraph(State).add_sequence((("x", node), ("y", node)))
    flow = started.add_edge(START, "x").compile(interrupt_before="y")

    assert flow.invoke({"a": 0}, interrupt_after=()) == {"a": 1}
    assert flow.invoke({"a": 0}, interrupt_before=("x",)) == {"a": 0}
    assert flow.invoke({"a": 0}, output_keys=("a",)) == {"a": 1}
    assert [*flow.stream({"a": 0}, stream_mode=("updates",))] == [
        ("updates", {"x": {"a": 1}}),
        ("updates", {"__interrupt__": ()}),
    ]
    assert flow.batch(({"a": 0},), ({},)) == [{"a": 1}]


def test_without_langchain_core_a_dict_is_no_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foreign, "find_spec", lambda name: None)

    with pytest.raises(TypeError, match=r"node 'parts' is a dict, .* pip install"):
        StateGraph(State).add_node("parts", {"messages": len})
