"""Which thread runs a call of a `@task`: the one that waits for it, where that is all there is to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from workflows.engine.drivers import blocking
from workflows.engine.drivers.threads import Offer, pool

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
PATIENCE_SECONDS = 30


class IdlePool:
    """Keeps the jobs that it is given, and does none."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], None]) -> None:
        """Keep it."""
        self.jobs.append(job)


@pytest.fixture
def idle_pool(monkeypatch: pytest.MonkeyPatch) -> IdlePool:
    """No thread takes up anything: whoever waits for one waits for ever."""
    found = IdlePool()
    monkeypatch.setattr(blocking, "pool", found)
    return found


def where() -> int:
    """Return the thread this runs on."""
    return threading.get_ident()


@pytest.mark.rule("R8.9")
@pytest.mark.parametrize("saver", [None, InMemorySaver()])
def test_a_call_that_is_waited_for_needs_no_other_thread(
    idle_pool: IdlePool, saver: Any
) -> None:
    asked: list[int] = []

    @task
    def inner(n: int) -> int:
        asked.append(n)
        return n + 1

    @task
    def outer(n: int) -> int:
        first: int = inner(n).result()
        return 10 * first

    @entrypoint(checkpointer=saver)
    def flow(n: int) -> list[int]:
        return [outer(n).result(), inner(n).result(), where()]

    assert flow.invoke(1, CONFIG) == [20, 2, where()]
    for job in idle_pool.jobs:  # a thread of the pool comes late, and finds it done
        job()
    assert asked == [1, 1]


@pytest.mark.rule("R8.9", "R4.2")
def test_while_another_runs_its_end_is_saved() -> None:
    saver = InMemorySaver()
    goes_on = threading.Event()

    @task
    def short() -> str:
        return "short"

    @task
    def long() -> str:
        # Ends when the other is on record, which somebody has to see to meanwhile.
        for _ in range(PATIENCE_SECONDS * 100):
            found = saver.get_tuple(CONFIG)
            if found and any(value == "short" for *_, value in found.pending_writes):
                return "saved beside"
            goes_on.wait(0.01)
        return "not saved"

    @entrypoint(checkpointer=saver)
    def flow(_: Any) -> list[str]:
        first, second = short(), long()
        return [second.result(), first.result()]

    assert flow.invoke("go", CONFIG) == ["saved beside", "short"]


@pytest.mark.rule("R8.9")
def test_calls_in_calls_go_deeper_than_one_stack_would_let_them() -> None:
    depth = 120
    threads: set[int] = set()

    @task
    def down(n: int) -> int:
        threads.add(where())
        return 0 if n == 0 else 1 + int(down(n - 1).result())

    @entrypoint()
    def flow(n: int) -> int:
        return int(down(n).result())

    assert flow.invoke(depth) == depth
    assert len(threads) > 1


@pytest.mark.rule("R8.9")
def test_a_call_begins_at_once_also_where_nobody_waits_for_it_yet() -> None:
    begun = threading.Event()

    @task
    def works() -> str:
        begun.set()
        return "done"

    @entrypoint(checkpointer=InMemorySaver())
    def flow(_: Any) -> list[Any]:
        call = works()
        return [begun.wait(PATIENCE_SECONDS), call.result()]

    assert flow.invoke("go", CONFIG) == [True, "done"]


def test_an_offer_is_taken_once() -> None:
    done: list[int] = []
    both = threading.Barrier(2)
    ended = threading.Event()
    offer = Offer(lambda: done.append(1), None)

    def race() -> None:
        both.wait(PATIENCE_SECONDS)
        offer()
        ended.set()

    pool.submit(race)
    both.wait(PATIENCE_SECONDS)
    offer()
    assert ended.wait(PATIENCE_SECONDS)
    assert done == [1]
