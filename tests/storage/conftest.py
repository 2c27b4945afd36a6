"""What the storage tests share."""

from __future__ import annotations

import pytest
from django.db import connection

from workflows.models import (
    ChannelValue,
    Checkpoint,
    Decision,
    Event,
    Interrupt,
    PendingWrite,
    Run,
    Thread,
)
from workflows.storage.leases import keeper

FILLED = (
    Decision,
    Interrupt,
    Event,
    PendingWrite,
    ChannelValue,
    Checkpoint,
    Run,
    Thread,
)


@pytest.fixture
def tables(django_db_setup, django_db_blocker):
    """Real transactions on the test database.

    The rows go by DELETE afterwards: Django's flush empties every table of every app and
    takes half a second.
    """
    with django_db_blocker.unblock():
        yield
        keeper.clear()
        with connection.cursor() as cursor:
            for model in FILLED:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")


@pytest.fixture(autouse=True)
def _no_leases_left():
    """Runs that a test leaves open are not renewed in the tests after it."""
    yield
    keeper.clear()
