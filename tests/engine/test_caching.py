"""Caches in the loop: what a key is made of, how old a result may be, what is refused."""

from __future__ import annotations

from functools import partial
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel, ValidationError

from workflows.engine import ids
from workflows.engine.cache.base import BaseCache
from workflows.engine.cache.memory import InMemoryCache
from workflows.engine.checkpoint.memory import InMemorySaver
from workflows.engine.constants import START
from workflows.engine.errors import SerializationError
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.types import CachePolicy

pytestmark = pytest.mark.rule("R1.38")


class S(TypedDict, total=False):
    a: Any


class Counted:
    """A node that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, state: Any) -> Any:
        self.calls += 1
        return {"a": self.calls}


def compiled(node, cache, policy=None, *, name="n", schema: Any = S, graph=None):
    built = StateGraph(schema)
    built.add_node(name, node, cache_policy=policy or CachePolicy())
    return built.add_edge(START, name).compile(cache=cache, name=graph)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1_000_000.0

    monkeypatch.setattr(ids, "clock", lambda: Clock.now)
    return Clock


def test_a_result_is_used_until_its_seconds_are_over(clock):
    node = Counted()
    graph = compiled(node, InMemoryCache(), CachePolicy(ttl=10))

    seen = [graph.invoke({"a": 0})["a"]]
    for seconds in (9, 1, 1):
        clock.now += seconds
        seen.append(graph.invoke({"a": 0})["a"])

    assert seen == [1, 1, 2, 2]


def test_the_name_of_the_graph_is_part_of_the_key():
    node, cache = Counted(), InMemoryCache()

    for name in ("one", "two", "one"):
        compiled(node, cache, graph=name).invoke({"a": 0})

    assert node.calls == 2


def test_what_a_partial_has_bound_is_part_of_the_key():
    def n(state: Any, extra: int) -> Any:
        return {"a": extra}

    cache = InMemoryCache()
    first = compiled(partial(n, extra=1), cache).invoke({"a": 0})
    of_an_object = compiled(Counted(), cache).invoke({"a": 0})
    again = compiled(partial(n, extra=2), cache).invoke({"a": 0})

    assert (first, of_an_object, again) == ({"a": 1}, {"a": 1}, {"a": 2})


def test_a_key_func_is_given_what_the_node_is_given():
    class Model(BaseModel):
        a: int = 0

    asked: list[Any] = []

    def key(state: Any) -> bytes:
        asked.append(state)
        return b"k"

    node = Counted()
    graph = compiled(node, InMemoryCache(), CachePolicy(key_func=key), schema=Model)
    graph.invoke({"a": 3})
    graph.invoke({"a": 4})

    assert asked == [Model(a=3), Model(a=4)]
    assert node.calls == 1


@pytest.mark.rule("R2.10")
def test_what_a_model_refuses_fails_the_node_and_asks_no_key_func():
    class Model(BaseModel):
        a: int = 0

    def key(state: Any) -> str:
        raise AssertionError(f"{state} is no state")

    policy = CachePolicy(key_func=key)
    built = StateGraph(Model).add_node("n", Counted(), cache_policy=policy)
    built.add_edge(START, "n")
    graph = built.compile(checkpointer=InMemorySaver(), cache=InMemoryCache())
    config = {"configurable": {"thread_id": "t"}}

    with pytest.raises(ValidationError):
        graph.invoke({"a": "x"}, config)

    (task,) = graph.get_state(config).tasks
    assert task.error is not None


@pytest.mark.parametrize("answer", [5, None, ["a"]])
def test_a_key_is_a_text_or_bytes(answer):
    policy = CachePolicy(key_func=lambda state: answer)

    with pytest.raises(TypeError, match="key_func of 'n' returned"):
        compiled(Counted(), InMemoryCache(), policy).invoke({"a": 0})


def test_the_failure_of_a_key_func_names_the_node():
    policy = CachePolicy(key_func=lambda state: str(1 // state["a"]))

    with pytest.raises(ZeroDivisionError) as caught:
        compiled(Counted(), InMemoryCache(), policy).invoke({"a": 0})

    assert caught.value.__notes__ == ["While the cache key of 'n' was made"]


def test_an_input_that_makes_no_key_is_refused_with_the_way_out():
    with pytest.raises(
        SerializationError, match=r"what 'n' is given .*key_func.* \(at \$\.a\)"
    ):
        compiled(Counted(), InMemoryCache()).invoke({"a": lambda: 1})


def test_a_result_that_cannot_be_kept_names_its_node():
    with pytest.raises(SerializationError, match="cannot keep what 'n' returned"):
        compiled(lambda state: {"a": object()}, InMemoryCache()).invoke({"a": 0})


@pytest.mark.rule("R8.16")
def test_a_key_that_fails_is_told_to_the_caller_of_the_task():
    number: Any = 7

    @task(cache_policy=CachePolicy(key_func=lambda n: number))
    def double(n: int) -> int:
        return 2 * n

    @entrypoint(cache=InMemoryCache())
    def wf(n: int) -> str:
        try:
            return str(double(n).result())
        except TypeError as error:
            return str(error)

    assert wf.invoke(1) == (
        "the key_func of 'double' returned 7; a cache key is a text or bytes"
    )


@pytest.mark.rule("R8.16")
def test_a_task_forgets_its_own_results_and_no_others():
    calls: list[str] = []

    @task(cache_policy=CachePolicy())
    def one(n: int) -> int:
        calls.append("one")
        return n

    @task(cache_policy=CachePolicy())
    def two(n: int) -> int:
        calls.append("two")
        return n

    cache = InMemoryCache()

    @entrypoint(cache=cache)
    def wf(n: int) -> int:
        return one(n).result() + two(n).result()

    wf.invoke(1)
    one.clear_cache(cache)
    wf.invoke(1)

    assert calls == ["one", "two", "one"]


@pytest.mark.rule("R8.16")
async def test_a_task_forgets_in_coroutines_too():
    calls: list[int] = []
    cache = InMemoryCache()

    @task(cache_policy=CachePolicy())
    async def one(n: int) -> int:
        calls.append(n)
        return n

    @entrypoint(cache=cache)
    async def wf(n: int) -> int:
        found: int = await one(n)
        return found

    await wf.ainvoke(1)
    await one.aclear_cache(cache)
    await wf.ainvoke(1)

    assert calls == [1, 1]


def test_clearing_names_what_it_does_not_know():
    cached, plain = compiled(Counted(), InMemoryCache()), compiled(Counted(), None)

    with pytest.raises(ValueError, match="names 'm', which graph"):
        cached.clear_cache(["n", "m"])
    with pytest.raises(ValueError, match="without a cache"):
        plain.clear_cache()


async def test_coroutines_wait_for_the_async_twins_of_a_cache():
    class Remote(BaseCache):
        def __init__(self) -> None:
            self.kept = InMemoryCache()
            self.asked: list[str] = []

        async def aget(self, keys):
            self.asked.append("aget")
            return self.kept.get(keys)

        async def aset(self, pairs):
            self.asked.append("aset")
            self.kept.set(pairs)

    async def n(state: Any) -> Any:
        return {"a": 1}

    cache = Remote()
    graph = compiled(n, cache)
    for _ in range(2):
        await graph.ainvoke({"a": 0})

    assert cache.asked == ["aget", "aset", "aget"]


def test_a_hit_takes_no_place_among_those_that_run_at_once():
    node, cache = Counted(), InMemoryCache()
    compiled(node, cache).invoke({"a": 0})
    built = StateGraph(S).add_node("n", node, cache_policy=CachePolicy())
    built.add_node("m", lambda state: None)
    graph = built.add_edge(START, "n").add_edge(START, "m").compile(cache=cache)

    found = graph.invoke({"a": 0}, {"max_concurrency": 1})

    assert (found, node.calls) == ({"a": 1}, 1)
