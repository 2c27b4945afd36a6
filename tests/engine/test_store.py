"""Section 11: items in namespaces; and the cache, which is a small store of results."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.engine import ids
from workflows.engine.cache.memory import InMemoryCache
from workflows.engine.errors import (
    FeatureNotBuiltError,
    InvalidNamespaceError,
    SerializationError,
)
from workflows.engine.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    PutOp,
    SearchOp,
)
from workflows.engine.store.memory import InMemoryStore


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1_000_000.0

    monkeypatch.setattr(ids, "clock", lambda: Clock.now)
    return Clock


@pytest.fixture
def store():
    return InMemoryStore()


def keys(items):
    return [item.key for item in items]


def test_what_was_put_is_read_back_as_a_value_of_its_own(store):
    value: dict[str, Any] = {"a": (1, 2), "b": [1]}
    store.put(("u", "1"), "k", value)
    value["b"].append(2)

    item = store.get(("u", "1"), "k")
    item.value["b"].append(3)

    assert store.get(("u", "1"), "k").value == {"a": (1, 2), "b": [1]}
    assert item.namespace == ("u", "1")
    assert item.key == "k"
    assert item.created_at.tzinfo is not None
    assert item.dict()["namespace"] == ["u", "1"]
    assert store.get(("u", "1"), "other") is None


def test_putting_again_keeps_created_at_and_moves_updated_at(store, clock):
    store.put(("u",), "k", {"n": 1})
    clock.now += 5
    store.put(("u",), "k", {"n": 2})

    item = store.get(("u",), "k")

    assert item.value == {"n": 2}
    assert (item.updated_at - item.created_at).total_seconds() == 5


def test_none_and_delete_remove_and_may_be_repeated(store):
    store.put(("u",), "k", {})
    store.put(("u",), "k", None)
    store.delete(("u",), "k")

    assert store.get(("u",), "k") is None


@pytest.mark.parametrize(
    "namespace",
    [(), ("",), ("a.b",), (1,), ("langgraph",), ("durableweb", "x"), "plain", None],
)
def test_a_bad_namespace_is_refused(store, namespace):
    with pytest.raises(InvalidNamespaceError):
        store.put(namespace, "k", {})


def test_a_plain_text_is_no_prefix(store):
    with pytest.raises(InvalidNamespaceError):
        store.search("u")
    with pytest.raises(InvalidNamespaceError):
        store.list_namespaces(prefix="u")


def test_a_value_is_a_dict_that_can_be_stored(store):
    with pytest.raises(TypeError):
        store.put(("u",), "k", [1])
    with pytest.raises(SerializationError):
        store.put(("u",), "k", {"a": object()})


@pytest.fixture
def filled(store):
    for n in range(4):
        store.put(("u", str(n % 2), "x"), f"k{n}", {"n": n, "t": {"a": n}})
    store.put(("v",), "k9", {"n": "nine"})
    return store


def test_search_gives_what_lies_below_in_order_of_insertion(filled):
    assert keys(filled.search(("u",))) == ["k0", "k1", "k2", "k3"]
    assert keys(filled.search(("u", "1"))) == ["k1", "k3"]
    assert keys(filled.search(())) == ["k0", "k1", "k2", "k3", "k9"]
    assert keys(filled.search(("u",), limit=2, offset=1)) == ["k1", "k2"]
    assert filled.search(("u",))[0].score is None


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"n": 1}, ["k1"]),
        ({"n": {"$eq": 1}}, ["k1"]),
        ({"n": {"$ne": 1}}, ["k0", "k2", "k3", "k9"]),
        ({"n": {"$gt": 1}}, ["k2", "k3"]),
        ({"n": {"$gte": 1, "$lt": 3}}, ["k1", "k2"]),
        ({"n": {"$lte": 0}}, ["k0"]),
        ({"t": {"a": 2}}, ["k2"]),
        ({"zz": None}, ["k0", "k1", "k2", "k3", "k9"]),
        ({"zz": {"$gt": 1}}, []),
        ({"n": 1, "t": {"a": 2}}, []),
    ],
)
def test_a_filter_compares_top_level_keys(filled, filter, expected):
    assert keys(filled.search((), filter=filter)) == expected


@pytest.mark.parametrize("filter", [{"n": {"$in": [1]}}, {"n' OR 1=1": 1}, {"": 1}])
def test_unknown_operators_and_strange_keys_are_refused(filled, filter):
    with pytest.raises(ValueError, match="filter"):
        filled.search((), filter=filter)


def test_search_by_meaning_is_refused_without_an_index(filled):
    with pytest.raises(NotImplementedError):
        filled.search(("u",), query="x")
    with pytest.raises(FeatureNotBuiltError):
        InMemoryStore(index={"dims": 3})


def test_namespaces_are_listed_with_wildcards_and_depth(filled):
    assert filled.list_namespaces() == [("u", "0", "x"), ("u", "1", "x"), ("v",)]
    assert filled.list_namespaces(prefix=("u", "*"), max_depth=1) == [("u",)]
    assert filled.list_namespaces(suffix=("1", "x")) == [("u", "1", "x")]
    assert filled.list_namespaces(prefix=("u", "1", "x", "y")) == []
    assert filled.list_namespaces(limit=1, offset=1) == [("u", "1", "x")]


def test_a_batch_reads_the_state_before_its_own_writes(store):
    store.put(("u",), "a", {"n": 1})

    results = store.batch(
        [
            GetOp(("u",), "a"),
            PutOp(("u",), "a", {"n": 2}),
            GetOp(("u",), "a"),
            SearchOp(("u",)),
            ListNamespacesOp(),
        ]
    )

    assert results[0].value == results[2].value == {"n": 1}
    assert results[1] is None
    assert keys(results[3]) == ["a"]
    assert results[4] == [("u",)]
    assert store.get(("u",), "a").value == {"n": 2}


def test_a_batch_with_a_bad_write_changes_nothing(store):
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(("u",), "a", {}), PutOp((), "b", {})])

    assert store.search(()) == []


def test_an_expired_item_is_not_returned(store, clock):
    store.put(("u",), "short", {}, ttl=1)
    store.put(("u",), "long", {}, ttl=None)

    clock.now += 50
    assert store.get(("u",), "short", refresh_ttl=False) is not None
    clock.now += 10

    assert store.get(("u",), "short") is None
    assert keys(store.search(("u",))) == ["long"]


def test_reading_gives_an_item_its_time_again(clock):
    store = InMemoryStore(ttl={"default_ttl": 1})
    store.put(("u",), "k", {})

    clock.now += 50
    store.get(("u",), "k")
    clock.now += 50

    assert store.get(("u",), "k") is not None


def test_a_store_without_ttl_says_so():
    with pytest.raises(NotImplementedError, match="ttl"):
        BaseStore().put(("u",), "k", {}, ttl=1)


async def test_the_async_twins_do_the_same(store):
    await store.aput(("u",), "k", {"n": 1})

    assert (await store.aget(("u",), "k")).value == {"n": 1}
    assert keys(await store.asearch(("u",))) == ["k"]
    assert await store.alist_namespaces() == [("u",)]
    await store.adelete(("u",), "k")
    assert await store.abatch([GetOp(("u",), "k")]) == [None]


def test_the_cache_gives_back_what_is_not_too_old(clock):
    cache = InMemoryCache()
    cache.set(
        {(("n",), "a"): ((1,), None), (("n",), "b"): (2, 10), (("m",), "a"): (3, None)}
    )

    assert cache.get([(("n",), "a"), (("n",), "b"), (("n",), "zz")]) == {
        (("n",), "a"): (1,),
        (("n",), "b"): 2,
    }
    clock.now += 10
    assert cache.get([(("n",), "b")]) == {}


def test_the_cache_is_cleared_by_namespace_or_whole():
    cache = InMemoryCache()
    cache.set({(("n",), "a"): (1, None), (("m",), "a"): (3, None)})

    cache.clear([("n",)])
    assert cache.get([(("n",), "a"), (("m",), "a")]) == {(("m",), "a"): 3}
    cache.clear()
    assert cache.get([(("m",), "a")]) == {}


async def test_the_cache_has_async_twins():
    cache = InMemoryCache()
    await cache.aset({(("n",), "a"): (1, None)})

    assert await cache.aget([(("n",), "a")]) == {(("n",), "a"): 1}
    await cache.aclear()
    assert await cache.aget([(("n",), "a")]) == {}
