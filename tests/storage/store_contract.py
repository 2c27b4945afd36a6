"""What every store does, whatever it keeps items in (section 11).

A test module subclasses `StoreContract` and gives a fixture `new_store`, which makes a store
over the same items each time it is called.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.storage.meaning_contract import MeaningContract
from tests.storage.ttl_contract import TtlContract, keys
from workflows.engine.errors import (
    InvalidNamespaceError,
    SerializationError,
)
from workflows.engine.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)

rule = pytest.mark.rule
OF_A_WRONG_KIND = [
    (lambda s: s.search(("a",), limit="x"), TypeError, "limit is 'x'; give a whole"),
    (lambda s: s.search(("a",), offset=1.5), TypeError, "offset is 1.5; give a whole"),
    (lambda s: s.search(("a",), filter=[]), TypeError, r"filter is \[\]; give a dict"),
    (lambda s: s.list_namespaces(limit=None), TypeError, "limit is None; give a"),
    (lambda s: s.list_namespaces(max_depth="x"), TypeError, "max_depth is 'x'; give"),
    (lambda s: s.list_namespaces(max_depth=-1), ValueError, "max_depth is -1; give"),
    (lambda s: s.put(("a",), None, {}), TypeError, "key is None; give a text"),
    (lambda s: s.get(("a",), []), TypeError, r"key is \[\]; give a text"),
    (lambda s: s.put(("a",), "k", {}, index="x"), TypeError, "index is 'x'; give the"),
    (lambda s: s.put(("a",), "k", {}, ttl="x"), TypeError, "ttl is 'x'; give a number"),
    (lambda s: s.batch(5), TypeError, "ops is 5; give a list of operations"),
]


class StoreContract(MeaningContract, TtlContract):
    """Subclass it with a fixture `new_store`."""

    @pytest.fixture
    def filled(self, store: BaseStore) -> BaseStore:
        for n in range(4):
            store.put(("u", str(n % 2), "x"), f"k{n}", {"n": n, "t": {"a": n}})
        store.put(("v",), "k9", {"n": "nine"})
        return store

    @rule("R11.1", "R11.4")
    def test_what_was_put_is_read_back_as_a_value_of_its_own(self, store):
        value: dict[str, Any] = {"a": (1, 2), "b": [1], "c": Decimal("1.50")}
        store.put(("u", "1"), "k", value)
        value["b"].append(2)

        item = store.get(("u", "1"), "k")
        item.value["b"].append(3)

        again = store.get(("u", "1"), "k")
        assert again.value == {"a": (1, 2), "b": [1], "c": Decimal("1.50")}
        assert (item.namespace, item.key) == (("u", "1"), "k")
        assert item.dict()["namespace"] == ["u", "1"]

    @rule("R11.4")
    def test_an_item_has_its_times_and_a_found_one_its_score(self, store, clock):
        store.put(("u",), "k", {"n": 1})

        item, (found,) = store.get(("u",), "k"), store.search(("u",))

        instant = datetime.fromtimestamp(clock.now, UTC)
        assert (item.created_at, item.updated_at) == (instant, instant)
        assert found.score is None
        assert found.dict() == {**item.dict(), "score": None}

    @rule("R11.4")
    def test_nothing_is_none(self, store):
        store.put(("a", "b"), "k", {})

        assert store.get(("a", "b"), "other") is None
        assert store.get(("a",), "k") is None
        assert store.get((), "k") is None

    @rule("R11.3")
    def test_putting_again_keeps_created_at_and_moves_updated_at(self, store, clock):
        store.put(("u",), "k", {"n": 1})
        clock.now += 5
        store.put(("u",), "k", {"n": 2})

        item = store.get(("u",), "k")

        assert item.value == {"n": 2}
        assert (item.updated_at - item.created_at).total_seconds() == 5

    @rule("R11.3")
    def test_none_and_delete_remove_and_may_be_repeated(self, store):
        for remove in (
            lambda: store.put(("u",), "k", None),
            lambda: store.delete(("u",), "k"),
        ):
            store.put(("u",), "k", {})
            remove()
            remove()

            assert store.get(("u",), "k") is None

    @rule("R11.1")
    def test_a_key_that_is_a_number_is_its_text(self, store):
        store.put(("u",), 5, {"n": 1})

        assert store.get(("u",), "5").value == store.get(("u",), 5).value
        store.delete(("u",), 5)
        assert store.get(("u",), "5") is None

    @rule("R11.2")
    @pytest.mark.parametrize(
        "namespace",
        [
            *((), ("",), ("a.b",), (1,), ("a\0b",), "plain", None),
            *(("langgraph",), ("durableweb", "x")),
        ],
    )
    def test_a_bad_namespace_is_refused(self, store, namespace):
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "k", {})

    @rule("R11.2")
    @pytest.mark.parametrize("namespace", [("",), ("a.b",), (1,), ("a\0b",), "plain"])
    def test_a_bad_namespace_is_not_read_either(self, store, namespace):
        store.put(("a", "b"), "k", {})

        for read in (
            lambda: store.get(namespace, "k"),
            lambda: store.search(namespace),
            lambda: store.list_namespaces(prefix=namespace),
            lambda: store.list_namespaces(suffix=namespace),
        ):
            with pytest.raises(InvalidNamespaceError):
                read()

    @rule("R11.6")
    def test_a_namespace_is_matched_at_its_begin_or_end(self, store):
        middle: Any = "middle"
        odd = ListNamespacesOp((MatchCondition(middle, ("a",)),))

        with pytest.raises(ValueError, match="match_type is 'middle'; give 'prefix'"):
            store.batch([odd])

    @rule("R11.2")
    def test_a_plain_text_is_no_prefix(self, store):
        with pytest.raises(InvalidNamespaceError, match=r"\('u',\)"):
            store.search("u")
        with pytest.raises(InvalidNamespaceError):
            store.list_namespaces(prefix="u")
        with pytest.raises(InvalidNamespaceError):
            store.get("u", "k")

    @rule("R11.3")
    def test_a_value_is_a_dict_that_can_be_stored(self, store):
        with pytest.raises(TypeError, match="'k' was given a list"):
            store.put(("u",), "k", [1])
        with pytest.raises(SerializationError):
            store.put(("u",), "k", {"a": object()})

    @rule("R11.1", "R11.5")
    def test_search_gives_what_lies_below_in_order_of_insertion(self, filled):
        filled.put(("u", "0", "x"), "k0", {"n": "put again"})

        assert keys(filled.search(("u",))) == ["k0", "k1", "k2", "k3"]
        assert keys(filled.search(("u", "1"))) == ["k1", "k3"]
        assert keys(filled.search(())) == ["k0", "k1", "k2", "k3", "k9"]
        assert keys(filled.search(("u",), limit=2, offset=1)) == ["k1", "k2"]
        assert keys(filled.search(("u", "*"))) == []

    @rule("R11.5")
    def test_ten_are_found_unless_more_are_asked_for(self, store):
        store.batch([PutOp(("u",), f"k{n:02}", {"n": n % 2}) for n in range(25)])

        assert len(store.search(("u",))) == 10
        assert len(store.search(("u",), limit=100)) == 25
        odd = store.search(("u",), filter={"n": 1}, limit=4, offset=2)
        assert keys(odd) == ["k05", "k07", "k09", "k11"]
        assert store.search(("u",), filter={"n": 1}, limit=0) == []

    @rule("R11.5")
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
            ({"t": {"a": {"$gt": 1}}}, ["k2", "k3"]),
            ({"t": {}}, ["k0", "k1", "k2", "k3"]),
            ({"zz": None}, ["k0", "k1", "k2", "k3", "k9"]),
            ({"zz": {"$gt": 1}}, []),
            ({"n": 1, "t": {"a": 2}}, []),
            ({}, ["k0", "k1", "k2", "k3", "k9"]),
        ],
    )
    def test_a_filter_compares_top_level_keys(self, filled, filter, expected):
        assert keys(filled.search((), filter=filter)) == expected

    @rule("R11.5", "R10.8")
    @pytest.mark.parametrize(
        "filter",
        [
            {"n": {"$in": [1]}},
            {"t": {"a": {"$in": [1]}}},
            {"n": {"$gt": 1, "x": 2}},
            {"n' OR 1=1": 1},
            {"": 1},
            {1: 1},
        ],
    )
    def test_unknown_operators_and_strange_keys_are_refused(self, filled, filter):
        with pytest.raises(ValueError, match="filter"):
            filled.search((), filter=filter)

    @rule("R10.8")
    @pytest.mark.parametrize(
        "text", ["' OR 1=1 --", '"; DROP TABLE workflows_item; --', "%", "_", "\\", "U"]
    )
    def test_what_looks_like_sql_is_text_and_nothing_else(self, filled, text):
        assert filled.search((text,)) == []
        assert filled.search((), filter={"n": text}) == []
        assert filled.list_namespaces(prefix=(text,)) == []
        assert filled.get((text,), text) is None

        filled.put((text, "x"), text, {"n": text})

        assert keys(filled.search((text,), filter={"n": text})) == [text]
        assert filled.list_namespaces(prefix=(text,)) == [(text, "x")]
        assert len(filled.search(())) == 6

    @rule("R11.5")
    @pytest.mark.parametrize("window", [{"limit": -1}, {"offset": -1}])
    def test_a_negative_window_is_refused(self, filled, window):
        with pytest.raises(ValueError, match="give a whole number >= 0"):
            filled.search((), **window)
        with pytest.raises(ValueError, match="give a whole number >= 0"):
            filled.list_namespaces(**window)

    @rule("RA.21", "R11.1", "R11.5", "R11.6", "R11.7")
    @pytest.mark.parametrize(("ask", "error", "says"), OF_A_WRONG_KIND)
    def test_what_is_of_a_wrong_kind_is_refused_by_name(self, store, ask, error, says):
        with pytest.raises(error, match=says):
            ask(store)

    @rule("R11.8")
    def test_search_by_meaning_is_refused_without_an_index(self, filled):
        with pytest.raises(
            NotImplementedError, match="filter=, or make the store with"
        ):
            filled.search(("u",), query="x")

    @rule("R11.6")
    def test_namespaces_are_listed_with_wildcards_and_depth(self, filled):
        assert filled.list_namespaces() == [("u", "0", "x"), ("u", "1", "x"), ("v",)]
        assert filled.list_namespaces(prefix=("u", "*"), max_depth=1) == [("u",)]
        assert filled.list_namespaces(prefix=("*", "1")) == [("u", "1", "x")]
        assert filled.list_namespaces(suffix=("1", "x")) == [("u", "1", "x")]
        assert filled.list_namespaces(suffix=("*", "*", "x"), prefix=("u", "0")) == [
            ("u", "0", "x")
        ]
        assert filled.list_namespaces(prefix=("u", "1", "x", "y")) == []
        assert filled.list_namespaces(limit=1, offset=1) == [("u", "1", "x")]

    @rule("R11.1")
    def test_a_batch_reads_the_state_before_its_own_writes(self, store):
        store.put(("u",), "a", {"n": 1})

        results = store.batch(
            [
                GetOp(("u",), "a"),
                PutOp(("u",), "a", {"n": 2}),
                PutOp(("u",), "a", {"n": 3}),
                GetOp(("u",), "a"),
                SearchOp(("u",)),
                ListNamespacesOp(),
            ]
        )

        assert results[0].value == results[3].value == {"n": 1}
        assert results[1] is None
        assert keys(results[4]) == ["a"]
        assert results[5] == [("u",)]
        assert store.get(("u",), "a").value == {"n": 3}

    @rule("R11.1")
    def test_a_batch_with_a_bad_write_changes_nothing(self, store):
        with pytest.raises(InvalidNamespaceError):
            store.batch([PutOp(("u",), "a", {}), PutOp((), "b", {})])
        with pytest.raises(TypeError, match="no operation"):
            store.batch([PutOp(("u",), "a", {}), ("u", "a")])

        assert store.search(()) == []

    @rule("R11.1")
    async def test_the_async_twins_do_the_same(self, new_store):
        store = new_store()
        await store.aput(("u",), "k", {"n": 1}, ttl=5)

        assert (await store.aget(("u",), "k")).value == {"n": 1}
        assert keys(await store.asearch(("u",), filter={"n": 1})) == ["k"]
        assert await store.alist_namespaces(prefix=("u",)) == [("u",)]
        await store.adelete(("u",), "k")
        assert await store.abatch([GetOp(("u",), "k")]) == [None]
        await self.let_go()
