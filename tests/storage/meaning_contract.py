"""How a store finds by meaning, whatever it keeps items in (R11.8); a part of `StoreContract`.

Meaning is counted here: a text is a vector of how often it says cat, dog and car.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from workflows.engine.errors import SerializationError
from workflows.engine.store.base import BaseStore, PutOp, SearchItem, SearchOp

rule = pytest.mark.rule
NewStore = Callable[..., BaseStore]
WORDS = ("cat", "dog", "car")


def counted(texts: list[str]) -> list[list[float]]:
    """A vector of three numbers a text."""
    return [[float(text.count(word)) for word in WORDS] for text in texts]


async def counted_later(texts: list[str]) -> list[list[float]]:
    await asyncio.sleep(0)
    return counted(texts)


class Noting:
    """As `counted`, keeping the texts of each call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: list[str]) -> list[list[float]]:
        self.calls.append([*texts])
        return counted(texts)


class LikeLangChain:
    """The two methods that such objects have."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return counted(texts)

    def embed_query(self, text: str) -> list[float]:
        return counted([text])[0]


class LikeLangChainLater(LikeLangChain):
    """With async twins, which are asked where there are any."""

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return await counted_later(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return (await counted_later([text]))[0]


def index(**more: Any) -> dict[str, Any]:
    return {"dims": 3, "embed": counted, "fields": ["text"], **more}


def scores(items: list[SearchItem]) -> list[tuple[str, float | None]]:
    return [
        (item.key, None if item.score is None else round(item.score, 4))
        for item in items
    ]


class MeaningContract:
    """Needs a fixture `new_store`."""

    async def let_go(self) -> None:
        """Close what the async twins have opened in their thread."""

    @pytest.fixture
    def pets(self, new_store: NewStore) -> BaseStore:
        store = new_store(index=index())
        store.put(("u",), "dogs", {"text": "dog dog", "n": 1})
        store.put(("u",), "both", {"text": "cat dog", "n": 2})
        store.put(("u", "x"), "cats", {"text": "cat", "n": 3})
        store.put(("u",), "none", {"title": "cat", "n": 4})
        store.put(("v",), "other", {"text": "cat", "n": 5})
        return store

    @rule("R11.8")
    def test_the_nearest_come_first_and_what_has_no_text_last(self, pets):
        found = pets.search(("u",), query="cat cat cat")

        half = round(math.sqrt(0.5), 4)
        assert scores(found) == [
            ("cats", 1.0),
            ("both", half),
            ("dogs", 0.0),
            ("none", None),
        ]
        assert found[0].value == {"text": "cat", "n": 3}
        assert found[0].namespace == ("u", "x")

    @rule("R11.8", "R11.5")
    def test_a_filter_and_a_window_hold_for_what_was_ranked(self, pets):
        near = pets.search(("u",), query="cat", filter={"n": {"$lt": 3}})
        assert [item.key for item in near] == ["both", "dogs"]

        pages = [pets.search(("u",), query="cat", limit=2, offset=n) for n in (0, 2, 4)]
        assert [[item.key for item in page] for page in pages] == [
            ["cats", "both"],
            ["dogs", "none"],
            [],
        ]
        assert pets.search(("u",), query="cat", limit=0) == []

    @rule("R11.8", "R11.5")
    def test_without_a_query_the_order_is_that_of_insertion(self, pets):
        for query in (None, ""):
            found = pets.search(("u",), query=query)
            assert scores(found) == [
                (k, None) for k in ("dogs", "both", "cats", "none")
            ]

    @rule("R11.8")
    def test_equally_near_are_in_order_of_insertion(self, new_store):
        store = new_store(index=index())
        for key in ("b", "a", "c"):
            store.put(("u",), key, {"text": "cat"})

        assert [item.key for item in store.search(("u",), query="cat")] == list("bac")

    @rule("R11.8", "R11.3")
    def test_what_is_put_again_is_found_by_what_it_says_now(self, pets):
        pets.put(("u",), "dogs", {"text": "cat cat"})
        pets.put(("u", "x"), "cats", {"text": "dog"})
        pets.delete(("u",), "both")

        found = pets.search(("u",), query="cat")

        assert scores(found) == [("dogs", 1.0), ("cats", 0.0), ("none", None)]

    @rule("R11.8")
    def test_index_says_for_one_item_what_it_is_found_by(self, pets):
        pets.put(("u",), "dogs", {"text": "dog", "say": "cat"}, index=["say"])
        pets.put(("u", "x"), "cats", {"text": "cat"}, index=False)

        assert scores(pets.search(("u",), query="cat", limit=3)) == [
            ("dogs", 1.0),
            ("both", 0.7071),
            ("cats", None),
        ]

    @rule("R11.8")
    @pytest.mark.parametrize(
        ("fields", "value", "texts"),
        [
            (None, {"b": 1, "a": "ä"}, ['{"a": "ä", "b": 1}']),
            (["$"], {"a": [1, None]}, ['{"a": [1, null]}']),
            (["a.b"], {"a": {"b": "x"}}, ["x"]),
            (["a", "b", "c", "d"], {"a": 1, "b": True, "c": None}, ["1", "True"]),
            (["a[0]", "a[-1]", "a[7]"], {"a": ["x", "y", "z"]}, ["x", "z"]),
            (["a[*].t"], {"a": [{"t": "x"}, {"u": "-"}, {"t": "y"}]}, ["x", "y"]),
            (["a.*"], {"a": {"b": "x", "c": "y"}}, ["x", "y"]),
            (["a[*]"], {"a": "no list"}, []),
            (["{a,b.c}"], {"a": "x", "b": {"c": "y"}}, ["x", "y"]),
            (["a"], {"a": {"b": 2, "a": 1}}, ['{"a": 1, "b": 2}']),
            (["a", "b"], {"a": "same", "b": "same"}, ["same"]),
        ],
    )
    def test_paths_lead_to_texts(self, new_store, fields, value, texts):
        embed = Noting()
        store = new_store(index=index(embed=embed, fields=fields))

        store.put(("u",), "k", value)

        assert embed.calls == ([texts] if texts else [])

    @rule("R11.8")
    def test_an_item_counts_by_the_nearest_of_its_texts(self, new_store):
        store = new_store(index=index(fields=["notes[*]"]))
        store.put(("u",), "one", {"notes": ["cat dog"]})
        store.put(("u",), "two", {"notes": ["car", "cat"]})

        assert [item.key for item in store.search(("u",), query="cat")] == [
            "two",
            "one",
        ]

    @rule("R11.8")
    def test_a_batch_asks_once_for_all_it_puts(self, new_store):
        embed = Noting()
        store = new_store(index=index(embed=embed))

        puts = [PutOp(("u",), f"{n}", {"text": "cat" * (n % 2 + 1)}) for n in range(4)]
        store.batch([*puts, SearchOp(("u",), query="cat")])

        assert embed.calls == [["cat", "catcat"], ["cat"]]

    @rule("R11.8")
    async def test_the_async_twins_do_the_same(self, new_store):
        for embed in (counted, counted_later, LikeLangChain(), LikeLangChainLater()):
            store = new_store(index=index(embed=embed))
            await store.aput(("u",), "dogs", {"text": "dog"})
            await store.aput(("u",), "cats", {"text": "cat"})

            found = await store.asearch(("u",), query="cat")

            assert scores(found) == [("cats", 1.0), ("dogs", 0.0)]
        await self.let_go()

    @rule("R11.8")
    def test_an_object_with_the_methods_of_langchain_will_do(self, new_store):
        store = new_store(index=index(embed=LikeLangChain()))
        store.put(("u",), "cats", {"text": "cat"})

        assert scores(store.search(("u",), query="cat")) == [("cats", 1.0)]

    @rule("R11.8")
    def test_a_coroutine_function_is_refused_where_nobody_can_await_it(self, new_store):
        store = new_store(index=index(embed=counted_later))

        with pytest.raises(ValueError, match="is a coroutine function; call aput"):
            store.put(("u",), "k", {"text": "cat"})
        with pytest.raises(ValueError, match="is a coroutine function; call aput"):
            store.search(("u",), query="cat")
        assert store.get(("u",), "k") is None

    @rule("R11.8")
    @pytest.mark.parametrize(
        ("embed", "says"),
        [
            (lambda texts: [[1.0, 2.0]] * len(texts), "of 2 numbers; .* is 3"),
            (lambda texts: counted(texts) * 2, "4 vectors for 2 texts"),
            (lambda texts: [], "0 vectors for 2 texts"),
            (lambda texts: [[math.nan, 0, 0]] * len(texts), "not finite"),
        ],
    )
    def test_vectors_that_cannot_be_are_refused_and_nothing_is_put(
        self, new_store, embed, says
    ):
        store = new_store(index=index(embed=embed))

        with pytest.raises(ValueError, match=says):
            store.batch([PutOp(("u",), k, {"text": k}) for k in ("cat", "dog")])
        assert store.search(()) == []

    @rule("R11.8", "R11.3")
    def test_what_the_author_s_function_raises_is_raised_and_nothing_is_put(
        self, new_store
    ):
        def away(texts: list[str]) -> list[list[float]]:
            raise ConnectionError("the model is away")

        store = new_store(index=index(embed=away))

        with pytest.raises(ConnectionError, match="the model is away"):
            store.put(("u",), "k", {"text": "cat"})
        store.put(("u",), "k", {"title": "nothing to embed"})
        with pytest.raises(SerializationError):
            new_store(index=index()).put(("u",), "k", {"text": object()})
        assert store.get(("u",), "k").value == {"title": "nothing to embed"}

    @rule("R11.8")
    def test_an_index_that_makes_no_sense_is_refused(self, new_store):
        for given, error, says in (
            (5, TypeError, "index is 5; give a dict with dims"),
            ({"dims": 3}, TypeError, r"index\['embed'\] is None; give a function"),
            (index(dims=0), ValueError, r"index\['dims'\] is 0"),
            (index(dims="3"), TypeError, r"index\['dims'\] is '3'"),
            (index(embed=5), TypeError, r"index\['embed'\] is 5; give a function"),
            (index(fields="text"), TypeError, r"index\['fields'\] is 'text'"),
            (index(fields=["a[x]"]), ValueError, r"'a\[x\]' .* from '\[x\]' on"),
            (index(fields=[5]), TypeError, "path 5 of an index is no text"),
            (index(field=["a"]), ValueError, "no key 'field'; known: dims, embed"),
            (index(embed="no:model"), ValueError, "langchain is not installed"),
        ):
            with pytest.raises(error, match=says):
                new_store(index=given)

    @rule("R11.8")
    def test_a_path_or_a_query_of_a_wrong_kind_is_refused(self, pets):
        with pytest.raises(ValueError, match=r"not understood from '\{' on"):
            pets.put(("u",), "k", {"text": "cat"}, index=["a{"])
        with pytest.raises(TypeError, match="query is 5; give a text"):
            pets.search(("u",), query=5)
        assert pets.get(("u",), "k") is None

    @rule("R11.8")
    def test_vectors_of_another_length_are_told_apart(self, pets):
        pets._index = type(pets._index)(
            index(dims=2, embed=lambda texts: [[1.0, 0.0]] * len(texts)), "a store"
        )

        with pytest.raises(
            ValueError, match="of 3 numbers and is searched by one of 2"
        ):
            pets.search(("u",), query="cat")
        assert len(pets.search(("u",))) == 4
