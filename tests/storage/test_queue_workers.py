"""Which workers of the outside queue live, and how much room threads take."""

from __future__ import annotations

import pytest
from django.db import connection

from workflows.models import Event, Thread
from workflows.storage.queue_workers import last_heartbeats
from workflows.storage.room import bytes_of, database_bytes

pytestmark = pytest.mark.django_db


def test_those_that_were_heard_of_live():
    if connection.vendor != "postgresql":
        assert last_heartbeats("default") == []
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now()), (now() - interval '1 minute')"
        )

    assert len(last_heartbeats("default")) == 1


def test_the_rows_of_a_thread_take_room():
    for name, size in (("small", 1), ("large", 3_000)):
        thread = Thread.objects.create(id=name, graph="letter")
        # Bytes, not characters: some are written with two.
        Event.objects.create(thread=thread, seq=1, kind="step", data="é" * size)

    found = bytes_of(["small", "large", "none"])

    assert found["none"] == 0
    assert found["large"] - found["small"] == 2 * 2_999
    assert bytes_of([]) == {}


def test_the_database_takes_room():
    assert database_bytes() > 10_000
