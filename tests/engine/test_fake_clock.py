"""Three days in a millisecond: what a program waits for, on savers without Django (RB.17)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.graph import START, StateGraph
from durableweb.store.memory import InMemoryStore
from durableweb.testing import fake_clock
from durableweb.types import (
    RetryPolicy,
    anow,
    asleep,
    first_of,
    interrupt,
    now,
    signal,
    sleep,
    sleep_until,
    timer,
    wait_event,
    wait_signal,
)
from tests.engine.support.clocks import CONFIG, State, graph_of
from workflows.engine import fake_clock as room
from workflows.engine import ids

pytestmark = pytest.mark.rule("RB.17")

HOUR = 3600.0
REAL_SECONDS = 5.0
"""More than what a test here may take, and less than it lets pass."""


@pytest.fixture(params=["memory", "file"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
        return
    with SqliteSaver.from_conn_string(tmp_path / "kept.sqlite3") as made:
        yield made


class TestWhatWaits:
    def test_a_sleep_ends_when_the_clock_is_there(self, saver: Any) -> None:
        graph = graph_of(saver, nap=lambda state: {"log": [sleep(3 * HOUR)]})

        with fake_clock() as clock:
            assert graph.invoke({"log": []}, CONFIG) == {"log": []}
            clock.advance(hours=2, minutes=59)
            assert graph.invoke(None, CONFIG) == {"log": []}
            clock.advance(timedelta(minutes=1))
            assert graph.invoke(None, CONFIG) == {"log": [True]}

    def test_a_coroutine_sleeps_by_it_too(self, saver: Any) -> None:
        async def nap(state: State) -> State:
            return {"log": [await asleep(HOUR)]}

        async def story() -> Any:
            graph = graph_of(saver, nap=nap)
            with fake_clock() as clock:
                await graph.ainvoke({"log": []}, CONFIG)
                clock.advance(hours=1)
                return await graph.ainvoke(None, CONFIG)

        assert asyncio.run(story()) == {"log": [True]}

    def test_an_instant_comes(self) -> None:
        with fake_clock() as clock:
            morning = clock.now() + timedelta(days=400)
            graph = graph_of(nap=lambda state: {"log": [sleep_until(morning)]})
            graph.invoke({"log": []}, CONFIG)
            clock.advance(days=401)

            assert graph.invoke(None, CONFIG) == {"log": [True]}

    @pytest.mark.parametrize(
        "wait",
        [
            lambda: wait_signal("paid", timeout=HOUR, default="late"),
            lambda: wait_event("paid", key="7", timeout=HOUR, default="late"),
            lambda: interrupt("Well?", timeout=HOUR, on_timeout="late"),
            lambda: ("paid", "late")[first_of(signal("paid"), timer(HOUR))[0]],
        ],
        ids=["signal", "event", "question", "timer"],
    )
    def test_what_waits_until_an_instant_gives_up(self, wait: Any, saver: Any) -> None:
        graph = graph_of(saver, node=lambda state: {"log": [wait()]})

        with fake_clock() as clock:
            graph.invoke({"log": []}, CONFIG)
            clock.advance(hours=1)

            assert graph.invoke(None, CONFIG)["log"] == ["late"]

    def test_the_recorded_time_is_that_of_the_clock(self, saver: Any) -> None:
        def node(state: State) -> State:
            return {"log": [now(), sleep(HOUR), now()]}

        graph = graph_of(saver, node=node)

        with fake_clock() as clock:
            begun = clock.advance(days=100)
            graph.invoke({"log": []}, CONFIG)
            clock.advance(hours=1)
            first, _, last = graph.invoke(None, CONFIG)["log"]

        assert abs(first - begun) < timedelta(seconds=REAL_SECONDS)
        assert abs(last - begun - timedelta(hours=1)) < timedelta(seconds=REAL_SECONDS)

    def test_what_the_store_keeps_for_a_time_fades(self) -> None:
        store = InMemoryStore()

        with fake_clock() as clock:
            store.put(("a",), "k", {"v": 1}, ttl=60)
            clock.advance(minutes=59)
            assert store.get(("a",), "k", refresh_ttl=False) is not None
            clock.advance(minutes=1)

            assert store.get(("a",), "k") is None


class TestWhatIsWaitedForInPlace:
    """It moves the clock, and takes no time."""

    def test_a_short_sleep(self) -> None:
        def node(state: State) -> State:
            return {"log": [now(), sleep(1.9), now()]}

        with fake_clock() as clock:
            begun = time.monotonic()
            first, slept, last = graph_of(node=node).invoke({"log": []}, CONFIG)["log"]
            took = time.monotonic() - begun

        assert slept is True
        assert timedelta(seconds=1.9) <= last - first
        assert clock.ahead == timedelta(seconds=1.9)
        assert took < 1.9

    def test_a_short_sleep_of_a_coroutine(self) -> None:
        async def node(state: State) -> State:
            return {"log": [await anow(), await asleep(1.9), await anow()]}

        with fake_clock():
            graph = graph_of(node=node)
            begun = time.monotonic()
            found = asyncio.run(graph.ainvoke({"log": []}, CONFIG))["log"]
            took = time.monotonic() - begun

        assert timedelta(seconds=1.9) <= found[2] - found[0]
        assert took < 1.9

    @pytest.mark.parametrize("driver", ["blocking", "asyncio"])
    def test_the_pause_before_another_attempt(self, driver: str) -> None:
        tried: list[datetime] = []

        def node(state: State) -> State:
            tried.append(ids.now())
            if len(tried) < 4:
                raise ConnectionError("away")
            return {"note": "there"}

        async def anode(state: State) -> State:
            return node(state)

        policy = RetryPolicy(
            initial_interval=60,
            backoff_factor=10,
            max_interval=3600,
            max_attempts=4,
            jitter=False,
        )
        built = StateGraph(State).add_edge(START, "node")
        chosen = node if driver == "blocking" else anode
        graph = built.add_node("node", chosen, retry_policy=policy).compile()

        with fake_clock() as clock:
            if driver == "blocking":
                graph.invoke({"log": []}, CONFIG)
            else:
                asyncio.run(graph.ainvoke({"log": []}, CONFIG))

        assert clock.ahead == timedelta(seconds=60 + 600 + 3600)
        pauses = [b - a for a, b in pairwise(tried)]
        assert [round(each.total_seconds(), -1) for each in pauses] == [60, 600, 3600]


class TestTheClock:
    def test_it_begins_at_the_present_and_goes_on(self) -> None:
        with fake_clock() as clock:
            assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
            before = clock.now()
            while clock.now() == before:
                pass
            assert clock.ahead == timedelta()

    def test_it_adds_up(self) -> None:
        with fake_clock() as clock:
            clock.advance(days=1, hours=2, minutes=3, seconds=4.5)
            found = clock.advance(timedelta(days=1), seconds=1)

            assert clock.ahead == timedelta(days=2, hours=2, minutes=3, seconds=5.5)
            assert abs(found - clock.now()) < timedelta(seconds=1)

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({}, "0:00:00 does not lead ahead"),
            ({"seconds": 0}, "0:00:00 does not lead ahead"),
            ({"hours": -1}, "-1 day, 23:00:00 does not lead ahead"),
            ({"days": 3_000_000}, "after the year 9999"),
        ],
    )
    def test_it_is_not_put_back(self, given: Any, named: str) -> None:
        with fake_clock() as clock:
            with pytest.raises(ValueError, match=named):
                clock.advance(**given)

            assert clock.ahead == timedelta()

    def test_it_goes_to_an_instant(self) -> None:
        with fake_clock() as clock:
            wanted = clock.now() + timedelta(days=3)

            assert abs(clock.advance_to(wanted) - wanted) < timedelta(seconds=1)
            with pytest.raises(ValueError, match="is past; it is"):
                clock.advance_to(wanted - timedelta(hours=1))
            with pytest.raises(ValueError, match="no time zone"):
                clock.advance_to(datetime(2100, 1, 1))  # noqa: DTZ001

    def test_a_bare_number_has_no_unit(self) -> None:
        with fake_clock() as clock, pytest.raises(TypeError, match="say its unit"):
            clock.advance(3)  # type: ignore[arg-type]

    def test_there_is_one_at_a_time(self) -> None:
        with fake_clock() as clock:
            clock.advance(hours=1)
            with pytest.raises(RuntimeError, match="is on in this process already"):
                fake_clock().__enter__()

            assert clock.ahead == timedelta(hours=1)
            clock.advance(hours=1)

    def test_it_is_gone_after_the_block(self) -> None:
        real = ids.clock

        with suppress(KeyError), fake_clock() as clock:
            clock.advance(days=1)
            raise KeyError

        assert (ids.clock, room.active) == (real, None)
        with pytest.raises(RuntimeError, match="has ended"):
            clock.advance(days=1)

    def test_it_is_gone_where_another_clock_cannot_be_moved(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(clock: Any) -> Any:
            raise OSError("the database is away")

        monkeypatch.setattr(room, "others", [*room.others, fails])
        real = ids.clock

        with pytest.raises(OSError, match="away"):
            fake_clock().__enter__()

        assert (ids.clock, room.active) == (real, None)
