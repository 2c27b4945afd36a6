"""Transactions of the pages take turns with the engine's on SQLite (`storage/sqlite_backend`)."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest
from django.conf import settings
from django.db import connection, transaction

from tests.storage.commits import History
from tests.storage.conftest import real_transactions
from tests.storage.racing import beside
from workflows.models import Checkpoint, Thread
from workflows.storage.saver import DjangoSaver
from workflows.storage.turns import turns_of

pytestmark = [
    real_transactions,
    pytest.mark.skipif(settings.IS_POSTGRESQL, reason="PostgreSQL locks rows"),
]


def turn_is_free() -> bool:
    """Whether another thread could write at once."""
    found = []

    def look() -> None:
        turns = turns_of(connection)
        found.append(turns._turn.acquire(blocking=False))
        if found[0]:
            turns.give_back()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


def test_a_transaction_holds_the_turn_until_it_ends() -> None:
    seen = []
    assert turn_is_free()
    with transaction.atomic():
        assert not turn_is_free()
        with transaction.atomic():
            Thread.objects.create(id="t", graph="g")
        assert not turn_is_free()
        transaction.on_commit(lambda: seen.append(turn_is_free()))
    assert seen == [True]
    assert turn_is_free()


def test_a_transaction_that_fails_gives_its_turn_back() -> None:
    with pytest.raises(LookupError), transaction.atomic():
        raise LookupError
    assert turn_is_free()


def test_a_connection_closed_in_a_transaction_gives_its_turn_back() -> None:
    with transaction.atomic():
        connection.close()
        assert turn_is_free()
    assert Thread.objects.count() == 0


def test_the_engine_saves_inside_a_transaction_of_its_own_thread() -> None:
    with transaction.atomic():
        saver = DjangoSaver()
        place = saver.open("t", None)
        History(saver).commit({"n": 1})
        saver.close(place)
    assert Checkpoint.objects.count() == 1
    assert turn_is_free()


def test_a_step_waits_for_a_transaction_of_the_pages() -> None:
    saver = DjangoSaver()
    saver.open("t", None)
    with transaction.atomic():
        Thread.objects.filter(id="t").update(title="first")
        step = beside(lambda: History(saver).commit({"n": 1}))
        assert not wait([step], 0.2).done
        assert Checkpoint.objects.count() == 0
    step.result(20)
    assert Checkpoint.objects.count() == 1
