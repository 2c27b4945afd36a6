"""The memory store and the memory cache keep their contracts; what a store may lack."""

from __future__ import annotations

import pytest

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
