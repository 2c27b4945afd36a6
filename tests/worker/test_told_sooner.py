"""A run of which the outside queue was told for later, and is told for sooner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from workflows.worker.choosing import run_queue

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("RB.9"),
]
HOUR = timedelta(hours=1)
RUN = 7_000_000


@pytest.fixture(autouse=True)
def _no_jobs(only_postgresql: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queueing_lock = %s", [KEY])


KEY = f"run:{RUN}"


def deliveries() -> list[datetime | None]:
    """When each job of the run is to be delivered; None for at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scheduled_at FROM procrastinate_jobs WHERE queueing_lock = %s",
            [KEY],
        )
        return [at for (at,) in cursor.fetchall()]


def test_it_is_delivered_then():
    later = timezone.now() + HOUR
    run_queue().enqueue(RUN, later)
    run_queue().enqueue(RUN, later + HOUR)
    assert deliveries() == [later]

    run_queue().enqueue(RUN, later - HOUR / 2)
    assert deliveries() == [later - HOUR / 2]

    run_queue().enqueue(RUN)
    assert deliveries() == [None]
    run_queue().enqueue(RUN, later)
    assert deliveries() == [None]
