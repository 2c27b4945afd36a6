"""Two at once on one thread: one wins, the others are told who won."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    LeaseLostError,
    StaleResumeError,
    ThreadBusyError,
    UnknownInterruptError,
)
from durableweb.graph import START
from durableweb.types import Command, interrupt
from tests.programs.flows import build
from tests.programs.sample import Life, World

CONFIG = {"configurable": {"thread_id": "t"}}
REFUSED = (StaleResumeError, ThreadBusyError, UnknownInterruptError)


@pytest.mark.rule("RA.1", "R5.24")
def test_twenty_answers_to_one_question_have_one_effect() -> None:
    effects: list[Any] = []

    def ask(state: Any) -> Any:
        given = interrupt("q")
        effects.append(given)
        return {"log": [given]}

    graph = build(Life(World()), "ask", (START, "ask"), ask=ask)
    flow = graph.compile(checkpointer=InMemorySaver())
    flow.invoke({"log": []}, CONFIG)
    barrier = threading.Barrier(20)
    won: list[int] = []
    lost: list[BaseException] = []

    def answer(number: int) -> None:
        barrier.wait()
        try:
            flow.invoke(Command(resume=number), CONFIG)
            won.append(number)
        except REFUSED as error:
            lost.append(error)

    people = [threading.Thread(target=answer, args=(n,)) for n in range(20)]
    for each in people:
        each.start()
    for each in people:
        each.join(60)

    assert len(won) == 1
    assert len(lost) == 19
    assert effects == won
    assert flow.get_state(CONFIG).values == {"log": won}


@pytest.mark.rule("RA.1", "R5.24")
def test_an_answer_to_a_state_that_has_moved_names_the_winner() -> None:
    flow = build(
        Life(World()),
        "ask",
        (START, "ask"),
        ask=lambda state: {"log": [interrupt("q"), interrupt("again")]},
    ).compile(checkpointer=InMemorySaver())
    flow.invoke({"log": []}, CONFIG)
    seen = flow.get_state(CONFIG).config["configurable"]["checkpoint_id"]
    config = {"configurable": {"thread_id": "t", "expected_head": seen}}

    flow.invoke(Command(resume=1), config)
    flow.invoke(Command(resume=2), config)
    winner = flow.get_state(CONFIG).config["configurable"]["checkpoint_id"]

    with pytest.raises(StaleResumeError, match="'t'") as caught:
        flow.invoke(Command(resume=3), config)
    assert caught.value.winner_checkpoint_id == winner
    assert "expected_head" not in flow.get_state(CONFIG).metadata


@pytest.mark.rule("RA.1")
def test_a_busy_thread_names_the_run_that_holds_it() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(state: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return {}

    flow = build(Life(World()), "slow", (START, "slow"), slow=slow).compile(
        checkpointer=InMemorySaver()
    )
    first = threading.Thread(target=flow.invoke, args=({"log": []}, CONFIG))
    first.start()
    begun.wait(60)

    try:
        with pytest.raises(ThreadBusyError, match="'t'") as caught:
            flow.invoke({"log": []}, CONFIG)
    finally:
        go_on.set()
        first.join(60)

    assert caught.value.run_id in str(caught.value)


def test_a_thread_is_free_again_after_a_failure() -> None:
    def bad(state: Any) -> Any:
        raise RuntimeError("bad")

    flow = build(Life(World()), "bad", (START, "bad"), bad=bad).compile(
        checkpointer=InMemorySaver()
    )
    for _ in range(2):
        with pytest.raises(RuntimeError, match="bad"):
            flow.invoke({"log": []}, CONFIG)


@pytest.mark.rule("R3.18")
def test_leaving_a_stream_frees_the_thread() -> None:
    flow = build(Life(World()), "x y", (START, "x"), ("x", "y")).compile(
        checkpointer=InMemorySaver()
    )
    for _ in flow.stream({"log": []}, CONFIG):
        break

    assert flow.invoke(None, CONFIG) == {"log": ["<x>", "<y>"]}


@pytest.mark.rule("RA.2")
def test_a_stream_that_nobody_reads_on_is_taken_over() -> None:
    flow = build(Life(World()), "x y", (START, "x"), ("x", "y")).compile(
        checkpointer=InMemorySaver()
    )
    abandoned = flow.stream({"log": []}, CONFIG)
    next(abandoned)

    assert flow.invoke(None, CONFIG) == {"log": ["<x>", "<y>"]}
    with pytest.raises(LeaseLostError):
        next(abandoned)


@pytest.mark.rule("R3.18", "RA.2")
async def test_the_next_call_goes_on_at_once_where_an_async_stream_was_left() -> None:
    """Breaking out of `async for` closes nothing yet; a task of the step may be at work."""
    go_on = asyncio.Event()

    async def slow(state: Any) -> Any:
        await asyncio.wait_for(go_on.wait(), 60)
        return {"log": ["slow"]}

    edges = [(START, "x"), (START, "slow"), (["x", "slow"], "y")]
    flow = build(Life(World()), "x slow y", *edges, slow=slow).compile(
        checkpointer=InMemorySaver()
    )
    async for _ in flow.astream({"log": []}, CONFIG):
        break
    go_on.set()

    out = await flow.ainvoke(None, CONFIG)

    assert out == {"log": ["slow", "<x>", "<y>"]}


@pytest.mark.rule("RA.2")
async def test_a_stream_that_is_still_held_is_not_taken_over_from_its_tasks() -> None:
    go_on = asyncio.Event()

    async def slow(state: Any) -> Any:
        await asyncio.wait_for(go_on.wait(), 60)
        return {"log": ["slow"]}

    edges = [(START, "x"), (START, "slow")]
    flow = build(Life(World()), "x slow", *edges, slow=slow).compile(
        checkpointer=InMemorySaver()
    )
    held = flow.astream({"log": []}, CONFIG)
    await anext(held)

    with pytest.raises(ThreadBusyError, match="since 20"):
        await flow.ainvoke(None, CONFIG)

    go_on.set()
    assert [chunk async for chunk in held] == [{"slow": {"log": ["slow"]}}]


@pytest.mark.rule("RA.2")
def test_a_run_inside_a_task_of_the_same_thread_is_refused() -> None:
    saver = InMemorySaver()
    other = build(Life(World()), "x", (START, "x")).compile(checkpointer=saver)

    def again(state: Any) -> Any:
        root = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        found: list[BaseException] = []

        def outside() -> None:
            try:
                other.invoke({"log": []}, root)
            except ThreadBusyError as error:
                found.append(error)

        runner = threading.Thread(target=outside)
        runner.start()
        runner.join(60)
        return {"log": [len(found)]}

    flow = build(Life(World()), "again", (START, "again"), again=again).compile(
        checkpointer=saver
    )

    assert flow.invoke({"log": []}, CONFIG) == {"log": [1]}
