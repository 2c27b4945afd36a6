"""A thread of the author's own that waits for a task saves for the run, and keeps no connection for that."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from django.db import connection

from durableweb.func import entrypoint, task
from tests.storage.conftest import real_transactions
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("R8.9", "R8.10")]
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
SOON = 60.0


def run_in_threads(work: Any) -> None:
    """A run whose body leaves its tasks to three threads of its own; `work` gets what calls two of them."""

    @task
    def more(n: int) -> int:
        return n + 1

    @entrypoint(checkpointer=DjangoSaver())
    def flow(n: int) -> int:
        def call() -> None:
            assert more(more(n).result()).result() == n + 2

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(work, call))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        return n

    assert flow.invoke(1, CONFIG) == 1


def test_what_was_opened_for_it_is_closed() -> None:
    left = []

    def work(call: Any) -> None:
        call()
        left.append(connection.connection)
        connection.close()

    run_in_threads(work)

    assert left == [None] * 3


def test_what_it_had_open_stays_open() -> None:
    kept = []

    def work(call: Any) -> None:
        connection.ensure_connection()
        own = connection.connection
        call()
        kept.append(own is not None and connection.connection is own)
        connection.close()

    run_in_threads(work)

    assert kept == [True] * 3
