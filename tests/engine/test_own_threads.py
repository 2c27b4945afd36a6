"""Threads that a body starts by itself, and that call tasks: each is answered."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from workflows.engine.drivers import faults

PATIENCE_SECONDS = 60


@pytest.fixture
def eager_switches() -> Iterator[None]:
    """Let the threads of this test take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.rule("R8.9")
def test_none_waits_for_ever_and_none_gets_the_result_of_another(
    eager_switches: None,
) -> None:
    @task
    def more(n: int) -> int:
        return n + 1

    @entrypoint(checkpointer=InMemorySaver())
    def flow(start: int) -> list[int]:
        results: dict[int, int] = {}

        def work(name: int, context: contextvars.Context) -> None:
            def inside() -> None:
                results[name] = more(more(start + name).result()).result()

            context.run(inside)

        threads = [
            threading.Thread(target=work, args=(name, contextvars.copy_context()))
            for name in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [results[name] for name in sorted(results)]

    found: list[Any] = []

    def run_often() -> None:
        for number in range(300):
            config = {"configurable": {"thread_id": str(number)}}
            found.append(flow.invoke(1, config))

    runs = threading.Thread(target=run_often, daemon=True)
    runs.start()
    runs.join(PATIENCE_SECONDS)

    assert not runs.is_alive(), f"run {len(found)} waits for ever"
    assert found == [[3, 4, 5]] * 300


@pytest.mark.rule("R3.16")
@pytest.mark.parametrize("k", range(6, 12))
def test_what_ends_the_process_in_one_thread_ends_the_one_that_drives(k: int) -> None:
    """The loop is handed its events by the thread of `outer` while the body is busy, and dies there."""
    gone = threading.Event()

    @task
    def inner() -> str:
        return "inner"

    @task
    def outer() -> Any:
        try:
            return inner().result()
        finally:
            gone.set()

    @entrypoint(checkpointer=InMemorySaver())
    def flow(_: Any) -> Any:
        called = outer()
        gone.wait(PATIENCE_SECONDS)
        return called.result()

    found: list[Any] = []

    def run() -> None:
        try:
            with faults.kill_before(k):
                found.append(flow.invoke(1, {"configurable": {"thread_id": "t"}}))
        except faults.Killed:
            found.append("killed")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)

    assert found == ["killed"]
