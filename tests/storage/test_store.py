"""The Django store: the contract of every store, and what only a database can get wrong."""

from __future__ import annotations

from functools import partial

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from tests.storage.conftest import real_transactions
from tests.storage.meaning_contract import index
from tests.storage.racing import together
from tests.storage.store_contract import StoreContract
from tests.storage.ttl_contract import keys
from workflows.engine.errors import DamagedValueError
from workflows.engine.store.base import GetOp, PutOp
from workflows.models import Item
from workflows.storage.store import DjangoStore

rule = pytest.mark.rule


@real_transactions
class TestOnItsOwn(StoreContract):
    async def let_go(self):
        await sync_to_async(connections.close_all)()

    @pytest.fixture
    def new_store(self):
        return DjangoStore


@pytest.mark.django_db
@rule("R11.1")
def test_it_is_one_store_for_everybody():
    DjangoStore().put(("u",), "k", {"n": 1})

    assert DjangoStore().get(("u",), "k").value == {"n": 1}


@pytest.mark.django_db
@rule("R11.2", "R10.8")
@pytest.mark.parametrize("text", ["x" * 301, "a\ud800"])
def test_a_name_that_a_database_cannot_hold_is_refused_and_found_nowhere(text):
    store = DjangoStore()

    with pytest.raises(ValueError, match="namespace"):
        store.put((text,), "k", {})
    with pytest.raises(ValueError, match="key"):
        store.put(("u",), text, {})

    assert store.get((text,), "k") is None
    assert store.get(("u",), text) is None
    assert store.search((text,)) == []
    assert store.list_namespaces(prefix=(text,)) == []


@pytest.mark.django_db
@rule("R11.2", "R10.8")
def test_a_key_that_a_database_cannot_hold_is_refused_and_found_nowhere():
    with pytest.raises(ValueError, match="key"):
        DjangoStore().put(("u",), "a\0b", {})

    assert DjangoStore().get(("u",), "a\0b") is None


@pytest.mark.django_db
@rule("R11.8", "R10.7")
def test_vectors_that_cannot_be_read_are_an_error_and_no_order():
    store = DjangoStore(index=index())
    store.put(("u",), "k", {"text": "cat"})
    for damaged in ("###", "AAAA,AA", "AAAAAAA"):
        Item.objects.update(vectors=damaged)

        with pytest.raises(DamagedValueError, match="'k' of namespace 'u' has vectors"):
            store.search(("u",), query="cat")
    assert keys(store.search(("u",))) == ["k"]


@pytest.mark.django_db
@rule("R11.8")
def test_the_nearest_are_found_on_any_page_and_read_alone():
    store = DjangoStore(index=index())
    puts = [
        PutOp(("u",), f"k{n:03}", {"text": "cat" if n in (150, 420) else "dog"})
        for n in range(450)
    ]
    store.batch(puts)
    with CaptureQueriesContext(connection) as plain:
        store.search(("u",))

    assert keys(store.search(("u",), query="cat", limit=2)) == ["k150", "k420"]
    assert "vectors" not in plain.captured_queries[0]["sql"]


@pytest.mark.django_db
@rule("R10.7")
def test_a_damaged_text_is_an_error_and_no_value():
    store = DjangoStore()
    store.put(("u",), "k", {"n": 1})
    Item.objects.update(value='{"n":2}')

    with pytest.raises(DamagedValueError, match="'k' of namespace 'u'"):
        store.get(("u",), "k")


@pytest.mark.django_db
@rule("R11.5")
def test_a_filter_looks_through_more_than_one_page():
    store = DjangoStore()
    store.batch([PutOp(("u",), f"k{n:03}", {"n": n}) for n in range(450)])

    found = store.search(("u",), filter={"n": {"$gte": 199}}, limit=3, offset=200)

    assert keys(found) == ["k399", "k400", "k401"]


@pytest.mark.django_db
@rule("R10.8")
def test_no_text_of_a_user_stands_in_a_statement():
    store = DjangoStore()

    said: list[str] = []

    def listen(execute, sql, params, many, context):
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        store.put(("needle",), "needle", {"needle": "needle"})
        store.search(("needle",), filter={"needle": "needle"})
        store.list_namespaces(prefix=("needle", "*"), suffix=("needle",))
        store.delete(("needle",), "needle")

    assert len(said) > 4
    assert not [sql for sql in said if "needle" in sql]


@real_transactions
@rule("R11.1")
def test_a_batch_that_breaks_in_the_middle_leaves_nothing(monkeypatch):
    store = DjangoStore()
    store.put(("u",), "gone", {})

    def no_insert(*args, **options):
        raise ConnectionError("away")

    with monkeypatch.context() as patched:
        patched.setattr("django.db.models.query.QuerySet.bulk_create", no_insert)
        with pytest.raises(ConnectionError):
            store.batch([PutOp(("u",), "gone", None), PutOp(("u",), "new", {})])

    assert keys(store.search(("u",))) == ["gone"]


@real_transactions
@rule("R11.1")
def test_of_many_who_put_at_once_each_is_done_whole():
    answers = together(
        [partial(DjangoStore().put, ("u",), "k", {"n": n, "m": n}) for n in range(8)]
    )

    item = DjangoStore().get(("u",), "k")
    assert answers == [None] * 8
    assert item.value["n"] == item.value["m"]
    assert Item.objects.count() == 1


@real_transactions
@rule("R11.9")
def test_a_write_belongs_to_the_transaction_of_its_caller():
    store = DjangoStore()

    with transaction.atomic():
        store.put(("u",), "k", {})
        transaction.set_rollback(True)

    assert store.batch([GetOp(("u",), "k")]) == [None]


@pytest.mark.django_db
@rule("R11.7")
def test_what_has_expired_is_pruned():
    store = DjangoStore()
    store.put(("u",), "old", {}, ttl=0)
    store.put(("u",), "new", {}, ttl=5)
    store.put(("u",), "for ever", {})

    assert store.prune() == 1
    assert keys(store.search(())) == ["new", "for ever"]
