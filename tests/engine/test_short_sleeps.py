"""Sleeping: what is waited for in place, and what is refused (RB.1)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InterruptSwallowedError
from durableweb.graph import START, StateGraph
from durableweb.types import (
    Sleep,
    asleep,
    asleep_until,
    sleep,
    sleep_until,
)
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from workflows.engine import ids, sleeping
from workflows.engine.errors import RunCancelled

assert clock

pytestmark = pytest.mark.rule("RB.1")
HOUR = 3600.0


def nap(state: State) -> State:
    return {"log": [sleep(HOUR)]}


def sleeps_of(graph: Any) -> tuple[Sleep, ...]:
    return tuple(each for task in graph.get_state(CONFIG).tasks for each in task.sleeps)


class TestInPlace:
    @pytest.mark.parametrize("duration", [0, 0.05, timedelta(milliseconds=50)])
    def test_a_short_sleep_is_waited_for_and_needs_no_saver(
        self, duration: Any
    ) -> None:
        def node(state: State) -> State:
            return {"log": [sleep(duration), sleep_until(ids.now())]}

        built = StateGraph(State).add_node("node", node).add_edge(START, "node")

        assert built.compile().invoke({"log": []}) == {"log": [True, True]}

    def test_a_coroutine_lets_others_go_on(self) -> None:
        order = []

        async def slow(state: State) -> State:
            await asleep(0.1)
            order.append("slow")
            return {"log": [await asleep_until(datetime(2020, 1, 1, tzinfo=UTC))]}

        async def quick(state: State) -> State:
            order.append("quick")
            return {}

        graph = graph_of(slow=slow, quick=quick)

        assert asyncio.run(graph.ainvoke({"log": []}, CONFIG)) == {"log": [True]}
        assert order == ["quick", "slow"]

    def test_a_run_that_is_asked_to_end_does_not_sleep_on(self) -> None:
        begun, ended = threading.Event(), []

        def node(state: State) -> State:
            begun.set()
            try:
                sleep(60)
            except RunCancelled as error:
                ended.append(error)
                raise
            return {}

        patch = pytest.MonkeyPatch()
        patch.setattr(sleeping, "IN_PLACE", 90.0)
        saver = Listened()
        graph = graph_of(saver, node=node)

        def call() -> None:
            with pytest.raises(RunCancelled):
                graph.invoke({"log": []}, CONFIG)

        caller = threading.Thread(target=call)
        try:
            caller.start()
            assert begun.wait(30)
            saver.owner.cancel("now", "enough")
            caller.join(30)
        finally:
            patch.undo()
        assert not caller.is_alive()
        assert len(ended) == 1


class Listened(InMemorySaver):
    """Knows who drives the run, as the saver of the dashboard does."""

    owner: Any = None

    def open(self, *args: Any, **more: Any) -> Any:
        place = super().open(*args, **more)
        self.owner = place.owner
        return place


class TestWhatIsRefused:
    def run(self, node: Any, **more: Any) -> Any:
        return graph_of(node=node, **more).invoke({"log": []}, CONFIG)

    @pytest.mark.parametrize("given", ["1", None, True, object()])
    def test_a_duration_that_is_none(self, given: Any) -> None:
        with pytest.raises(TypeError, match="duration"):
            self.run(lambda state: sleep(given))

    @pytest.mark.parametrize("given", [-1, float("nan"), timedelta(seconds=-1)])
    def test_a_duration_that_is_negative(self, given: Any) -> None:
        with pytest.raises(ValueError, match="not negative"):
            self.run(lambda state: sleep(given))

    @pytest.mark.parametrize("given", [float("inf"), 1e15])
    def test_a_duration_without_an_end(self, given: float) -> None:
        with pytest.raises(ValueError, match="year 9999"):
            self.run(lambda state: sleep(given))

    def test_an_instant_that_is_none_or_has_no_zone(self) -> None:
        with pytest.raises(TypeError, match="instant"):
            self.run(lambda state: sleep_until("tomorrow"))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="time zone"):
            self.run(lambda state: sleep_until(datetime(2030, 1, 1)))  # noqa: DTZ001

    def test_an_instant_of_another_zone_is_the_same_instant(self, clock: Clock) -> None:
        there = timezone(timedelta(hours=9))
        instant = (ids.now() + timedelta(hours=2)).astimezone(there)
        graph = graph_of(node=lambda state: {"log": [sleep_until(instant)]})
        graph.invoke({"log": []}, CONFIG)

        assert sleeps_of(graph)[0].until == instant

    def test_without_a_saver_nobody_would_wake_it(self) -> None:
        built = StateGraph(State).add_node("nap", nap).add_edge(START, "nap")

        with pytest.raises(RuntimeError, match="no checkpointer to keep"):
            built.compile().invoke({"log": []})

    def test_outside_a_graph(self) -> None:
        with pytest.raises(RuntimeError, match="outside a graph"):
            sleep(1)

    def test_in_a_coroutine_a_short_one_would_hold_up_all(self) -> None:
        async def node(state: State) -> State:
            sleep(0.1)
            return {}

        with pytest.raises(RuntimeError, match="await asleep"):
            asyncio.run(graph_of(node=node).ainvoke({"log": []}, CONFIG))

    def test_a_sleep_that_is_caught_is_noticed(self) -> None:
        def node(state: State) -> State:
            with suppress(Exception):
                sleep(HOUR)
            return {}

        with pytest.raises(InterruptSwallowedError):
            self.run(node)
