"""Who waits for the calls of tasks while the thread of the run is busy with a body."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
import time

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from workflows.engine.drivers.future import TaskFuture

CONFIG = {"configurable": {"thread_id": "t"}}


@task
def work(name: object, seconds: float = 0.0) -> object:
    time.sleep(seconds)
    return name


@task
def stops() -> None:
    raise KeyboardInterrupt


@pytest.mark.rule("R8.9")
def test_a_thread_of_ones_own_and_the_body_wait_at_once() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def flow(rounds: int) -> list[object]:
        found: list[object] = []
        for each in range(rounds):
            aside = work(each, 0.002)
            variables = contextvars.copy_context()
            thread = threading.Thread(target=variables.run, args=(aside.result,))
            thread.start()
            found.append(work(each, 0.001).result())
            found.append(work(each).result())
            thread.join()
        return found

    wanted = [each for each in range(150) for _ in "ab"]
    assert flow.invoke(150, CONFIG) == wanted


@pytest.mark.rule("R8.9")
def test_calls_are_waited_for_by_others_and_by_the_body_in_turn() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def flow(rounds: int) -> int:
        total = 0
        for each in range(rounds):
            calls = [work(n, 0.001 * n) for n in range(4)]
            first = next(concurrent.futures.as_completed(calls))
            total += len([first.result(), work(each).result()])
            total += len([call.result() for call in calls])
        return total

    assert flow.invoke(60, CONFIG) == 60 * 6


@pytest.mark.rule("R8.9", "R3.16")
def test_who_waits_for_a_call_that_ends_the_run_is_let_go() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def flow(_: int) -> None:
        concurrent.futures.wait([stops()])

    with pytest.raises(KeyboardInterrupt):
        flow.invoke(1, CONFIG)


@pytest.mark.rule("R8.9")
def test_a_call_awaited_in_a_loop_of_ones_own_leaves_the_thread_free() -> None:
    limits = [0.01, 5.0]

    @entrypoint(checkpointer=InMemorySaver())
    def flow(_: int) -> object:
        async def inside() -> object:
            return await asyncio.wait_for(work("done", 0.1), limits.pop(0))

        return asyncio.run(inside())

    with pytest.raises(TimeoutError):
        flow.invoke(1, CONFIG)

    assert flow.invoke(None, CONFIG) == "done"


@pytest.mark.rule("R8.9")
def test_a_future_is_given_its_result_by_the_engine_alone() -> None:
    shown: list[str] = []

    @entrypoint()
    def flow(_: int) -> object:
        call: TaskFuture = work("its own", 0.01)
        shown.append(repr(call))
        with pytest.raises(RuntimeError, match="gives task 'work' its result"):
            call.set_result("another")
        with pytest.raises(RuntimeError, match="gives task 'work' its result"):
            call.set_exception(KeyError())
        with pytest.raises(RuntimeError, match="blocking run"):
            call.get_loop()
        found = call.result()
        shown.append(repr(call))
        return found

    assert flow.invoke(1) == "its own"
    assert shown == ["<TaskFuture 'work' pending>", "<TaskFuture 'work' done>"]


@pytest.mark.rule("R8.9")
def test_a_call_that_was_taken_back_is_no_longer_waited_for() -> None:
    @entrypoint()
    async def flow(_: int) -> list[object]:
        taken = work("never")
        heard: list[object] = []
        taken.add_done_callback(lambda future: heard.append(future.cancelled()))
        taken.cancel()
        done, _rest = await asyncio.wait([taken])
        return [heard, len(done), len(concurrent.futures.wait([taken]).done)]

    assert asyncio.run(flow.ainvoke(1)) == [[True], 1, 1]
