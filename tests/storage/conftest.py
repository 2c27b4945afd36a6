"""What the storage tests share."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.support.commits import Commits
from workflows.storage.leases import keeper

# A race needs transactions of its own.
real_transactions = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_leases_left():
    """Runs that a test leaves open are not renewed in the tests after it."""
    yield
    keeper.clear()


@pytest.fixture
def commits():
    """What SQLite runs on the test's connection, and its commits."""
    connection.ensure_connection()
    noted = Commits(connection.connection)
    connection.connection.set_trace_callback(noted)
    yield noted
    connection.connection.set_trace_callback(None)
