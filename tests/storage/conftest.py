"""What the storage tests share."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import TransactionTestCase

from workflows.models import (
    CacheEntry,
    ChannelValue,
    Checkpoint,
    Decision,
    Event,
    Interrupt,
    Item,
    PendingWrite,
    Run,
    Thread,
)
from workflows.storage.leases import keeper

# A race needs transactions of its own.
real_transactions = pytest.mark.django_db(transaction=True)

FILLED = (
    Item,
    CacheEntry,
    Decision,
    Interrupt,
    Event,
    PendingWrite,
    ChannelValue,
    Checkpoint,
    Run,
    Thread,
)


@pytest.fixture(autouse=True, scope="package")
def _emptied_by_row():
    """Empty by DELETE what these tests fill.

    Django's flush truncates every table of every app and makes all permissions anew: half
    a second a test on PostgreSQL, and there are three hundred.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", delete_rows)
        yield


def delete_rows(_: TransactionTestCase) -> None:
    with connection.cursor() as cursor:
        for model in FILLED:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


@pytest.fixture(autouse=True)
def _no_leases_left():
    """Runs that a test leaves open are not renewed in the tests after it."""
    yield
    keeper.clear()
