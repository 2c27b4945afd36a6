"""An entrypoint that begins again with an empty record, and how long a record may grow (RB.15)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    GraphBubbleUp,
    InterruptSwallowedError,
    TooManyRecordsError,
)
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, continue_as_new, interrupt, random, sleep
from tests.engine.support.clocks import State
from workflows.engine.loop import bounds

pytestmark = pytest.mark.rule("RB.15")
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


@task
def double(n: int) -> int:
    return 2 * n


def summing(last: int) -> Any:
    """Adds up the doubles of its input and of all numbers after it, up to `last`."""

    @entrypoint(checkpointer=InMemorySaver())
    def flow(n: int, *, previous: Any = None) -> int:
        total: int = (previous or 0) + double(n).result()
        if n < last:
            continue_as_new(n + 1, save=total)
        return total

    return flow


class TestABody:
    def test_begins_again_with_its_input_and_what_it_has_saved(self) -> None:
        flow = summing(4)

        assert flow.invoke(1, CONFIG) == 20
        assert flow.get_state(CONFIG).values == 20
        told = [each.next for each in flow.get_state_history(CONFIG)]
        assert told == [(), *[("flow",)] * 4]

    def test_has_an_empty_record_then(self) -> None:
        flow = summing(3)
        flow.invoke(1, CONFIG)

        calls = [
            sum(name == "__call__" for _, name, _ in each.pending_writes or ())
            for each in flow.checkpointer.list(CONFIG)
        ]

        assert calls == [0, 1, 1, 1]

    def test_counts_its_steps_anew(self) -> None:
        assert summing(9).invoke(1, {**CONFIG, "recursion_limit": 2}) == 90

    def test_keeps_previous_where_it_saves_nothing(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int, *, previous: Any = None) -> Any:
            if n == 0:
                return entrypoint.final(value="kept", save="kept")
            if n < 3:
                continue_as_new(n + 1)
            return previous

        flow.invoke(0, CONFIG)

        assert flow.invoke(1, CONFIG) == "kept"

    def test_is_shown_as_one_that_has_returned_nothing_yet(self) -> None:
        chunks = [*summing(2).stream(1, CONFIG, stream_mode="updates")]
        values = [*summing(3).stream(1, CONFIG, stream_mode="values")]

        assert chunks == [{"double": 2}, {"flow": None}, {"double": 4}, {"flow": 6}]
        assert values == [12]

    def test_of_a_coroutine_does_so_too(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        async def flow(n: int, *, previous: Any = None) -> int:
            await asyncio.sleep(0)
            if n < 5:
                continue_as_new(n + 1, save=(previous or 0) + n)
            found: int = previous
            return found

        assert asyncio.run(flow.ainvoke(1, CONFIG)) == 10

    def test_is_asked_nothing_that_was_asked_before(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int) -> Any:
            answer = interrupt("go on?")
            if answer == "yes":
                continue_as_new(n + 1)
            return n

        first = flow.invoke(0, CONFIG)["__interrupt__"][0]
        second = flow.invoke(Command(resume="yes"), CONFIG)["__interrupt__"][0]

        assert first.value == second.value
        assert first.id != second.id
        assert flow.invoke(Command(resume="no"), CONFIG) == 1

    def test_ends_what_it_has_called_and_not_waited_for(self) -> None:
        ran = []

        @task
        def note(n: int) -> None:
            ran.append(n)

        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int) -> None:
            note(n)
            if n < 3:
                continue_as_new(n + 1)

        flow.invoke(1, CONFIG)

        assert ran == [1, 2, 3]

    def test_that_catches_what_ends_it_is_told_so(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int) -> Any:
            try:
                continue_as_new(n + 1)
            except Exception:  # noqa: BLE001 - what is tested
                return "went on"

        with pytest.raises(InterruptSwallowedError, match="GraphBubbleUp"):
            flow.invoke(1, CONFIG)

    def test_that_lets_it_pass_is_not(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int) -> Any:
            try:
                if n < 2:
                    continue_as_new(n + 1)
            except GraphBubbleUp:
                raise
            except Exception:  # noqa: BLE001 - what is tested
                return "went on"
            return n

        assert flow.invoke(1, CONFIG) == 2


class TestItIsRefused:
    def test_in_a_task(self) -> None:
        @task
        def again() -> None:
            continue_as_new(1)

        @entrypoint(checkpointer=InMemorySaver())
        def flow(n: int) -> None:
            again().result()

        with pytest.raises(RuntimeError, match=r"@task 'again'.*entrypoint that calls"):
            flow.invoke(1, CONFIG)

    def test_in_a_node(self) -> None:
        def node(state: State) -> State:
            continue_as_new(1)

        graph = StateGraph(State).add_node("node", node).add_edge(START, "node")

        with pytest.raises(RuntimeError, match=r"node 'node'.*lead an edge back"):
            graph.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)

    def test_where_nothing_is_saved(self) -> None:
        @entrypoint()
        def flow(n: int) -> None:
            continue_as_new(n + 1)

        with pytest.raises(RuntimeError, match="nobody saves: compile it"):
            flow.invoke(1)

    def test_outside_of_a_graph(self) -> None:
        with pytest.raises(
            RuntimeError, match=r"continue_as_new\(\) was called outside"
        ):
            continue_as_new(1)


class TestARecord:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "MANY", 5)
        monkeypatch.setattr(bounds, "MOST", 8)

    @staticmethod
    def calling(times: int, saver: Any = None) -> Any:
        @entrypoint(checkpointer=saver)
        def flow(_: Any) -> int:
            sleep(0)
            random()
            return sum(double(1).result() for _ in range(times))

        return flow

    def test_that_grows_long_is_warned_of_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            assert self.calling(7, InMemorySaver()).invoke(1, CONFIG) == 14

        (told,) = [each for each in caplog.messages if "recorded" in each]
        assert "'flow' of thread 't' has asked for 5 things" in told
        assert "continue_as_new(input)" in told

    @pytest.mark.rule("C.TooManyRecordsError")
    def test_that_grows_too_long_fails_and_stays(self) -> None:
        saver = InMemorySaver()

        with pytest.raises(TooManyRecordsError, match=r"more than 8 .*continue_as_new"):
            self.calling(8, saver).invoke(1, CONFIG)

        assert self.calling(7, saver).invoke(None, CONFIG) == 14

    def test_is_counted_with_its_questions(self) -> None:
        @entrypoint(checkpointer=InMemorySaver())
        def flow(_: Any) -> None:
            for n in range(9):
                interrupt(n)

        flow.invoke(1, CONFIG)
        for n in range(1, 8):
            out = flow.invoke(Command(resume="yes"), CONFIG)
            assert out["__interrupt__"][0].value == n

        with pytest.raises(TooManyRecordsError):
            flow.invoke(Command(resume="yes"), CONFIG)

    def test_that_is_not_kept_may_be_of_any_length(self) -> None:
        assert self.calling(20).invoke(1) == 40
