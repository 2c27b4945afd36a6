"""The time, random numbers and UUIDs that a body is given again when it runs again (RB.1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import (
    Command,
    RetryPolicy,
    anow,
    interrupt,
    now,
    random,
    sleep,
    uuid4,
)
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of

assert clock

pytestmark = pytest.mark.rule("RB.1")
OTHER: dict[str, Any] = {"configurable": {"thread_id": "other"}}


class Seen(list[Any]):
    """What each run of a body was given."""

    def node(self, state: State) -> State:
        self.append([now(), random(), uuid4(), random(), now()])
        interrupt("go on?")
        return {"log": [random()]}


@pytest.fixture
def seen() -> Seen:
    return Seen()


class TestTheSameAgain:
    @pytest.mark.parametrize("new_saver", [memory, file])
    def test_when_the_body_runs_again(
        self, clock: Clock, seen: Seen, new_saver: Any
    ) -> None:
        graph = graph_of(new_saver(), node=seen.node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(3600)

        graph.invoke(Command(resume="yes"), CONFIG)

        assert len(seen) == 2
        assert seen[0] == seen[1]
        first, number, name, second, then = seen[0]
        assert first.tzinfo is UTC
        assert first <= then
        assert 0 <= number < 1
        assert number != second
        assert (type(name), name.version) == (UUID, 4)

    def test_after_an_edit_the_time_is_read_anew_as_tasks_run_anew(
        self, clock: Clock, seen: Seen
    ) -> None:
        graph = graph_of(node=seen.node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(3600)
        graph.update_state(CONFIG, {"note": "edited"})

        graph.invoke(Command(resume="yes"), CONFIG)

        assert seen[0][1:4] == seen[1][1:4]
        assert (seen[1][0] - seen[0][0]).total_seconds() > 3599

    def test_when_an_attempt_fails(self, clock: Clock) -> None:
        tried: list[Any] = []

        def shaky(state: State) -> State:
            tried.append((random(), uuid4()))
            if len(tried) < 3:
                raise ConnectionError
            return {"log": []}

        built = StateGraph(State)
        policy = RetryPolicy(initial_interval=0.001, max_attempts=3)
        built.add_node("shaky", shaky, retry_policy=policy).add_edge(START, "shaky")
        built.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)

        assert len(tried) == 3
        assert len(set(tried)) == 1

    def test_in_tasks_and_coroutines(self, clock: Clock) -> None:
        given: list[Any] = []

        @task
        async def part(number: int) -> None:
            given.append((number, await anow(), random()))
            interrupt(number)

        @entrypoint(checkpointer=InMemorySaver())
        async def flow(count: int) -> None:
            given.append((-1, await anow(), random()))
            for each in [part(number) for number in range(count)]:
                await each

        async def story() -> None:
            await flow.ainvoke(2, CONFIG)
            clock.advance(3600)
            asked = (await flow.aget_state(CONFIG)).interrupts
            answers = {each.id: "yes" for each in asked}
            await flow.ainvoke(Command(resume=answers), CONFIG)

        asyncio.run(story())

        assert len(given) == 6
        assert len(set(given)) == 3
        assert len({number for _, _, number in given}) == 3

    def test_the_time_goes_on_after_a_sleep(self, clock: Clock) -> None:
        def node(state: State) -> State:
            before = now()
            sleep(3600)
            return {"log": [(now() - before).total_seconds()]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(3601)

        (passed,) = graph.invoke(None, CONFIG)["log"]
        assert passed >= 3600


class TestOtherPlaces:
    def test_threads_and_forks_have_others(self, clock: Clock, seen: Seen) -> None:
        graph = graph_of(node=seen.node)
        graph.invoke({"log": []}, CONFIG)
        graph.invoke({"log": []}, OTHER)
        clock.advance(1)
        graph.invoke(None, graph.get_state(CONFIG).config)

        assert len({each for _, *each in seen for each in each[:3]}) == 9

    def test_of_many_none_is_like_another_and_they_are_spread(self) -> None:
        def node(state: State) -> State:
            return {"log": [random() for _ in range(2000)]}

        log = graph_of(node=node).invoke({"log": []}, CONFIG)["log"]

        assert len(set(log)) == 2000
        assert 0.45 < sum(log) / 2000 < 0.55

    def test_nothing_of_it_is_streamed(self, seen: Seen) -> None:
        graph = graph_of(node=seen.node)
        modes = ["updates", "tasks"]

        chunks = [*graph.stream({"log": []}, CONFIG, stream_mode=modes)]

        assert [mode for mode, _ in chunks] == ["tasks", "tasks", "updates"]
        assert "now" not in str(chunks)

    def test_without_a_saver_they_are_there_as_well(self, seen: Seen) -> None:
        def node(state: State) -> State:
            return {"log": [type(now()), type(random()), type(uuid4())]}

        graph = StateGraph(State).add_node("node", node).add_edge(START, "node")

        assert graph.compile().invoke({"log": []})["log"] == [datetime, float, UUID]


class TestRefusals:
    @pytest.mark.parametrize("call", [random, uuid4, now])
    def test_outside_of_a_graph(self, call: Any) -> None:
        with pytest.raises(RuntimeError, match="outside"):
            call()

    def test_the_blocking_time_in_a_coroutine(self) -> None:
        async def node(state: State) -> State:
            return {"log": [now()]}

        with pytest.raises(RuntimeError, match="await anow"):
            asyncio.run(graph_of(node=node).ainvoke({"log": []}, CONFIG))


class TestSleepInPlace:
    def test_another_limit_can_be_given(self, clock: Clock) -> None:
        def node(state: State) -> State:
            return {"log": [sleep(0.01)]}

        graph = graph_of(node=node)
        long = {"configurable": {"thread_id": "t", "sleep_in_place": 0}}

        graph.invoke({"log": []}, long)

        assert len(graph.get_state(CONFIG).tasks[0].sleeps) == 1
        assert graph.invoke({"log": []}, OTHER) == {"log": [True]}

    @pytest.mark.parametrize(
        ("given", "error"), [("long", TypeError), (-1, ValueError), (True, TypeError)]
    )
    def test_one_that_is_none_is_refused(self, given: Any, error: Any) -> None:
        config = {"configurable": {"thread_id": "t", "sleep_in_place": given}}

        with pytest.raises(error, match=r"sleep_in_place is .*give seconds"):
            graph_of(node=lambda state: {}).invoke({"log": []}, config)
