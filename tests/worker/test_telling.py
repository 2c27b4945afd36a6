"""A worker tells of itself while it works, on both databases, and takes its word back as it ends."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.db import connection

from workflows.services.workers import Colleague, workers
from workflows.worker.embedded import EmbeddedWorker

PATIENCE_SECONDS = 60

pytestmark = pytest.mark.django_db(transaction=True)


def first_seen() -> list[Colleague]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := workers()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_the_one_of_the_server():
    worker = EmbeddedWorker(2)
    worker.start()
    try:
        [found] = first_seen()
    finally:
        assert worker.stop(PATIENCE_SECONDS)

    assert (found.hands, found.is_alive, found.has_same_code) == (2, True, True)
    assert workers() == []


def test_one_that_is_fed_by_procrastinate(only_postgresql, monkeypatch):
    from workflows.worker import procrastinate

    seen: list[Colleague] = []

    def from_a_thread() -> None:
        seen.extend(first_seen())
        connection.close()

    async def look(concurrency: int) -> None:
        await asyncio.to_thread(from_a_thread)

    monkeypatch.setattr(procrastinate, "_work", look)
    monkeypatch.setattr(procrastinate, "SWEEP_SECONDS", 0.05)

    procrastinate.run_worker(3)

    assert [(each.hands, each.is_alive) for each in seen] == [(3, True)]
    assert workers() == []
