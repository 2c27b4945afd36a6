"""How long a store keeps items, whatever it keeps them in (R11.7); a part of `StoreContract`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workflows.engine import ids
from workflows.engine.store.base import BaseStore, SearchItem

rule = pytest.mark.rule
NewStore = Callable[..., BaseStore]


def keys(items: list[SearchItem]) -> list[str]:
    return [item.key for item in items]


class TtlContract:
    """Needs a fixture `new_store`."""

    @pytest.fixture
    def clock(self, monkeypatch):
        class Clock:
            now = 1_000_000.0

        monkeypatch.setattr(ids, "clock", lambda: Clock.now)
        return Clock

    @pytest.fixture
    def store(self, new_store: NewStore) -> BaseStore:
        return new_store()

    @rule("R11.7")
    def test_an_expired_item_is_not_returned(self, store, clock):
        store.put(("u",), "short", {}, ttl=1)
        store.put(("u", "x"), "long", {}, ttl=None)

        clock.now += 59
        assert store.get(("u",), "short", refresh_ttl=False) is not None
        clock.now += 1

        assert store.get(("u",), "short") is None
        assert keys(store.search(("u",))) == ["long"]
        assert keys(store.search(("u",), filter={"n": None})) == ["long"]
        assert store.list_namespaces() == [("u", "x")]

    @rule("R11.7", "R11.3")
    def test_what_is_put_over_an_expired_item_is_a_new_one(self, store, clock):
        store.put(("u",), "a", {}, ttl=1)
        store.put(("u",), "b", {})
        clock.now += 60
        store.put(("u",), "a", {})

        assert store.get(("u",), "a").created_at.timestamp() == clock.now
        assert keys(store.search(("u",))) == ["b", "a"]

    @rule("R11.7")
    def test_putting_again_sets_the_time_anew(self, store, clock):
        store.put(("u",), "a", {}, ttl=1)
        store.put(("u",), "b", {})
        clock.now += 30
        store.put(("u",), "a", {})
        store.put(("u",), "b", {}, ttl=1)

        clock.now += 60

        assert keys(store.search(("u",))) == ["a"]

    @rule("R11.7")
    @pytest.mark.parametrize("read", ["get", "search", "filtered"])
    def test_reading_gives_an_item_its_time_again(self, new_store, clock, read):
        store = new_store(ttl={"default_ttl": 1})
        store.put(("u",), "k", {"n": 1})
        reading = {
            "get": lambda **asked: store.get(("u",), "k", **asked),
            "search": lambda **asked: store.search(("u",), **asked),
            "filtered": lambda **asked: store.search((), filter={"n": 1}, **asked),
        }[read]

        clock.now += 50
        assert reading()
        clock.now += 50
        assert reading(refresh_ttl=False)
        clock.now += 50
        assert not reading()

    @rule("R11.7")
    def test_a_store_may_be_told_not_to_refresh(self, new_store, clock):
        store = new_store(ttl={"default_ttl": 1, "refresh_on_read": False})
        store.put(("u",), "k", {})

        clock.now += 50
        assert store.get(("u",), "k") is not None
        clock.now += 50

        assert store.get(("u",), "k") is None

    @rule("R11.7")
    @pytest.mark.parametrize("ttl", [-1, float("nan"), float("inf")])
    def test_a_ttl_that_is_no_time_is_refused(self, store, ttl):
        with pytest.raises(ValueError, match="minutes"):
            store.put(("u",), "k", {}, ttl=ttl)
