"""The memory store and the memory cache keep their contracts; what a store may lack."""

from __future__ import annotations

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from tests.storage.cache_contract import CacheContract
from tests.storage.store_contract import StoreContract
from workflows.engine.cache.memory import InMemoryCache
from workflows.engine.store.base import BaseStore
from workflows.engine.store.memory import InMemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def new_store(self):
        return InMemoryStore


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self):
        return InMemoryCache()


@pytest.mark.rule("R11.7")
def test_a_store_without_ttl_says_so():
    with pytest.raises(NotImplementedError, match="ttl"):
        BaseStore().put(("u",), "k", {}, ttl=1)


@pytest.mark.rule("R11.9")
def test_what_a_failed_node_put_stays():
    store = InMemoryStore()

    def node(state, store):
        store.put(("people",), "ida", {"calls": 1})
        raise RuntimeError("too late")

    builder = StateGraph(dict).add_node("node", node).add_edge(START, "node")
    flow = builder.compile(checkpointer=InMemorySaver(), store=store)
    with pytest.raises(RuntimeError, match="too late"):
        flow.invoke({}, {"configurable": {"thread_id": "t"}})

    assert store.get(("people",), "ida").value == {"calls": 1}


@pytest.mark.rule("R11.1")
def test_all_threads_of_a_graph_share_its_store():
    def node(state, store):
        seen = len(store.search(("seen",)))
        store.put(("seen",), f"{seen}", {})
        return {"seen": seen}

    builder = StateGraph(dict).add_node("node", node).add_edge(START, "node")
    flow = builder.compile(checkpointer=InMemorySaver(), store=InMemoryStore())

    seen = [flow.invoke({}, {"configurable": {"thread_id": t}}) for t in ("a", "b")]
    assert seen == [{"seen": 0}, {"seen": 1}]
