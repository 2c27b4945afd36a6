"""What threads of this site share: the store and the cache that a registered graph is given."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from django.core.management import call_command

from durableweb.cache.django import DjangoCache
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.store.django import DjangoStore
from durableweb.store.memory import InMemoryStore
from durableweb.types import CachePolicy
from workflows.models import CacheEntry, Item, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.start_run import StartRun

pytestmark = pytest.mark.django_db(transaction=True)


class State(TypedDict, total=False):
    text: str
    n: int


def run(people, name: str, given: dict[str, Any]) -> Run:
    made = StartRun(people.operator, name, given).execute()
    assert execute_run(made.pk) == "success"
    return made


@pytest.mark.rule("R11.1", "R11.9")
def test_a_registered_graph_writes_to_the_store_of_the_database(people):
    def keep(state: State, *, store: Any) -> Any:
        store.put(("texts",), state["text"], {"length": len(state["text"])})
        return {"n": len(store.search(("texts",)))}

    graph = StateGraph(State).add_node(keep).add_edge(START, "keep")
    registry.register(graph.compile(name="keeper"), name="keeper")

    run(people, "keeper", {"text": "one"})
    run(people, "keeper", {"text": "three"})

    assert DjangoStore().get(("texts",), "three").value == {"length": 5}
    assert Item.objects.count() == 2


@pytest.mark.rule("R11.1")
def test_the_store_that_the_author_chose_stays(people):
    mine = InMemoryStore()

    def keep(state: State, *, store: Any) -> Any:
        store.put(("texts",), "k", {"text": state["text"]})

    graph = StateGraph(State).add_node(keep).add_edge(START, "keep")
    registry.register(graph.compile(name="own", store=mine), name="own")

    run(people, "own", {"text": "one"})

    assert mine.get(("texts",), "k").value == {"text": "one"}
    assert not Item.objects.exists()


@pytest.mark.rule("R1.38", "R8.16")
def test_results_are_used_by_other_threads_and_after_a_restart(people):
    calls: list[str] = []

    @task(cache_policy=CachePolicy())
    def look_up(text: str) -> int:
        calls.append(text)
        return len(text)

    def node(state: State) -> Any:
        calls.append("node")
        return {"n": look_up(state["text"]).result()}

    def compiled() -> Any:
        graph = StateGraph(State).add_node("n", node, cache_policy=CachePolicy(ttl=60))
        return graph.add_edge(START, "n").compile(name="cached")

    for _ in range(2):
        registry.unregister("cached")
        registry.register(compiled(), name="cached")
        run(people, "cached", {"text": "one"})

    assert calls == ["node", "one"]

    compiled().with_shared(cache=DjangoCache()).clear_cache()
    run(people, "cached", {"text": "one"})

    assert calls == ["node", "one", "node"]


@pytest.mark.rule("R11.7")
def test_the_command_removes_what_is_over(capsys):
    DjangoStore().put(("u",), "old", {}, ttl=0)
    DjangoStore().put(("u",), "new", {})
    DjangoCache().set({(("n",), "a"): (1, 0), (("n",), "b"): (1, None)})

    call_command("forget_expired")

    assert capsys.readouterr().out == "1 items and 1 cache entries removed\n"
    assert (Item.objects.count(), CacheEntry.objects.count()) == (1, 1)


@pytest.mark.rule("R8.16")
async def test_a_coroutine_reads_and_writes_through_the_async_twins():
    @entrypoint(cache=DjangoCache(), store=DjangoStore())
    async def wf(n: int, *, store: Any) -> Any:
        await store.aput(("u",), str(n), {"n": n})
        return [item.key for item in await store.asearch(("u",))]

    assert await wf.ainvoke(1) == ["1"]
    assert await wf.ainvoke(2) == ["1", "2"]
