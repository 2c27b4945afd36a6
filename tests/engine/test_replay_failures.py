"""What a body that runs again gets for a call that failed or was cancelled: R4.16."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import RecordedTaskError
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import Command, interrupt
from tests.engine.support.notes import Notes, settings
from tests.programs.flows import build
from tests.programs.sample import Life, World


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.mark.rule("R4.16")
def test_the_first_of_calls_side_by_side_is_made_again_after_it_failed(
    notes: Notes,
) -> None:
    @task
    def part(n: int) -> int:
        notes.calls.append(n)
        if n == 0 and notes.times(0) == 1:
            raise ConnectionResetError("first time")
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        calls = [part(n) for n in range(3)]
        return [call.result() for call in calls]

    with pytest.raises(ConnectionResetError):
        flow.invoke(1, settings())

    assert flow.invoke(None, settings()) == [0, 1, 2]
    assert sorted(notes.calls) == [0, 0, 1, 2]


@pytest.mark.rule("R4.16")
def test_a_failure_nobody_saw_is_made_again_after_a_question(notes: Notes) -> None:
    @task
    def shaky() -> str:
        notes.calls.append("shaky")
        if notes.times("shaky") == 1:
            raise ValueError("no")
        return "yes"

    @task
    def ask() -> Any:
        return interrupt("q")

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        started, asked = shaky(), ask()
        answer = asked.result()
        return [started.result(), answer]

    flow.invoke(1, settings())

    assert flow.invoke(Command(resume="r"), settings()) == ["yes", "r"]


class OwnError(Exception):
    pass


@pytest.mark.rule("R4.16")
@pytest.mark.parametrize(
    ("raised", "again"),
    [
        (ValueError("no"), ValueError),
        (OwnError("no"), RecordedTaskError),
        # An own class by the name of one of Python's, which wants other arguments.
        (type("UnicodeDecodeError", (Exception,), {})("no"), RecordedTaskError),
    ],
)
def test_a_failure_the_body_went_on_from_is_raised_again(
    notes: Notes, raised: Exception, again: type[Exception]
) -> None:
    seen: list[BaseException] = []

    @task
    def shaky() -> None:
        notes.calls.append("shaky")
        raise raised

    @task
    def after() -> str:
        return "after"

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        try:
            shaky().result()
        except Exception as error:  # noqa: BLE001
            seen.append(error)
        found = after().result()
        if len(seen) == 1:
            raise ConnectionResetError
        return found

    with pytest.raises(ConnectionResetError):
        flow.invoke(1, settings())

    assert flow.invoke(None, settings()) == "after"
    assert notes.times("shaky") == 1
    assert type(seen[1]) is again
    assert "no" in str(seen[1])


@pytest.mark.rule("R4.16")
def test_a_call_that_was_cancelled_runs_again(notes: Notes) -> None:
    started = asyncio.Event()

    @task
    async def slow() -> str:
        notes.calls.append("slow")
        started.set()
        if notes.times("slow") == 1:
            await asyncio.sleep(60)
        return "slow"

    async def calls(state: Any) -> Any:
        return {"log": [await slow()]}

    async def bad(state: Any) -> Any:
        await started.wait()
        notes.calls.append("bad")
        if notes.times("bad") == 1:
            raise ValueError("first time")
        return {"log": ["bad"]}

    edges = [(START, "calls"), (START, "bad")]
    graph = build(Life(World()), "calls bad", *edges, calls=calls, bad=bad)
    flow = graph.compile(checkpointer=InMemorySaver())

    async def both() -> Any:
        with pytest.raises(ValueError, match="first time"):
            await flow.ainvoke({"log": []}, settings())
        return await flow.ainvoke(None, settings())

    assert asyncio.run(both()) == {"log": ["bad", "slow"]}
    assert notes.times("slow") == 2
