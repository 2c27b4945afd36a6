"""The Django cache: the contract of every cache, and entries that cannot be read."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.storage.cache_contract import OTHER, A, B, CacheContract
from tests.storage.conftest import real_transactions
from workflows.engine import ids
from workflows.models import CacheEntry
from workflows.storage.cache import DjangoCache

pytestmark = pytest.mark.rule("R1.38")


@real_transactions
class TestOnItsOwn(CacheContract):
    async def let_go(self):
        await sync_to_async(connections.close_all)()

    @pytest.fixture
    def cache(self):
        return DjangoCache()


CODE = '{"$t":"os:system","v":"false"}'
GONE = '{"$t":"gone.Class","v":1}'


@pytest.mark.django_db
@pytest.mark.rule("R10.4")
@pytest.mark.parametrize(
    ("value", "digest", "why"),
    [
        (GONE, ids.digest(GONE), "gone.Class"),
        (CODE, ids.digest(CODE), "os:system"),
        ("[1", ids.digest("[1"), "damaged"),
        ("2", ids.digest("1"), "digest"),
    ],
)
def test_an_entry_that_cannot_be_read_is_absent_until_it_is_replaced(
    value, digest, why, caplog
):
    cache = DjangoCache()
    cache.set({A: (1, None), B: (2, None)})
    CacheEntry.objects.filter(key="a").update(value=value, digest=digest)

    assert cache.get([A, B]) == {B: 2}
    assert [why in record.getMessage() for record in caplog.records] == [True]

    cache.set({A: (3, None)})
    assert cache.get([A]) == {A: 3}


@pytest.mark.django_db
def test_many_are_asked_for_at_once():
    cache = DjangoCache()
    cache.set({(("n",), str(n)): (n, None) for n in range(1200)})

    found = cache.get([(("n",), str(n)) for n in range(1300)])

    assert sorted(found.values()) == [*range(1200)]


@pytest.mark.django_db
def test_labels_are_not_mixed_up():
    cache = DjangoCache()
    cache.set({(("a", "b"), "k"): (1, None), (("a.b",), "k"): (2, None)})

    cache.clear([("a", "b")])

    assert cache.get([(("a", "b"), "k"), (("a.b",), "k")]) == {(("a.b",), "k"): 2}


@pytest.mark.django_db
def test_what_is_too_old_is_pruned():
    cache = DjangoCache()
    cache.set({A: (1, 0), B: (2, 60), OTHER: (3, None)})

    assert cache.prune() == 1
    assert cache.get([A, B, OTHER]) == {B: 2, OTHER: 3}


@pytest.mark.django_db
def test_a_namespace_too_long_for_the_table_is_refused():
    with pytest.raises(ValueError, match="namespace of the cache"):
        DjangoCache().set({(("n" * 600,), "k"): (1, None)})
