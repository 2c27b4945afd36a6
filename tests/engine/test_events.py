"""Waiting for events: which ones count, what ends the wait, and what it comes back with (RB.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import WaitTimeout
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, EventWait, interrupt, wait_event
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from tests.engine.test_signals import given, waits_of
from workflows.engine import ids, serde
from workflows.engine.waits import Happened

assert clock

pytestmark = pytest.mark.rule("RB.3")
HOUR = 3600.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def told(state: State) -> State:
    return {"log": [wait_event("paid", key="7", where={"country": "NL"})]}


class TestWhatIsKept:
    @pytest.mark.parametrize("new_saver", [memory, file])
    def test_the_wait_says_which_events_count(
        self, clock: Clock, new_saver: Any
    ) -> None:
        graph = graph_of(new_saver(), told=told)
        graph.invoke({"log": []}, CONFIG)

        (found,) = waits_of(graph)

        assert type(found) is EventWait
        assert (found.topic, found.key, found.where) == ("paid", "7", {"country": "NL"})
        assert (found.until, found.after) == (None, 0)
        assert abs(found.since - ids.now()) < timedelta(seconds=5)
        assert "'paid'" in repr(found)

    def test_what_was_fixed_stays(self, clock: Clock) -> None:
        graph = graph_of(told=told)
        graph.invoke({"log": []}, CONFIG)
        (first,) = waits_of(graph)
        clock.advance(HOUR)

        graph.invoke(None, CONFIG)
        graph.update_state(CONFIG, {"note": "edited"})
        graph.update_state(CONFIG, {"note": "again"})

        (kept,) = waits_of(graph)
        assert kept.since == first.since
        assert given(graph, 3) == {"log": [3], "note": "again"}

    def test_an_instant_is_taken_as_it_is(self) -> None:
        def node(state: State) -> State:
            return {"log": [wait_event("paid", since=LONG_AGO)]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)

        assert waits_of(graph)[0].since == LONG_AGO

    def test_streams_end_with_the_wait(self) -> None:
        graph = graph_of(told=told)

        chunks = [*graph.stream({"log": []}, CONFIG, stream_mode="updates")]

        assert chunks == [{"__wait__": waits_of(graph)}]

    def test_it_survives_being_stored(self) -> None:
        wait = EventWait("0" * 32, "paid", "7", {"a": 1}, LONG_AGO, None, 5)

        back = serde.loads(serde.dumps(wait))

        assert type(back) is EventWait
        assert vars(back) == vars(wait)
        event = Happened({"n": 1}, 7, LONG_AGO)
        assert serde.loads(serde.dumps(event)) == event
        assert type(serde.loads(serde.dumps(event))) is Happened


class TestWhatCounts:
    @pytest.mark.parametrize(
        ("where", "payload", "counts"),
        [
            (None, None, True),
            ({}, 7, True),
            ({"a": 1}, {"a": 1, "b": 2}, True),
            ({"a": 1}, {"a": 2}, False),
            ({"a": 1}, {"b": 1}, False),
            ({"a": None}, {}, False),
            ({"a": None}, {"a": None}, True),
            ({"a": 1}, {"a": True}, False),
            ({"a": True}, {"a": 1}, False),
            ({"a": 1}, [1], False),
            ({"a": 1}, None, False),
            ({"a": 1, "b": "x"}, {"a": 1, "b": "x"}, True),
            ({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, False),
        ],
    )
    def test_the_fields_that_are_asked_for(
        self, where: Any, payload: Any, counts: bool
    ) -> None:
        wait = EventWait("0" * 32, "paid", "", where, LONG_AGO)

        assert wait.matches(payload) is counts


class TestWhatEndsIt:
    def test_the_next_wait_begins_behind_the_event_of_the_one_before(self) -> None:
        def node(state: State) -> State:
            found = [wait_event("paid", since="start") for _ in range(3)]
            return {"log": [*found, wait_event("paid", key="other")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        given(graph, Happened("first", 41, LONG_AGO))
        assert waits_of(graph)[0].after == 41
        given(graph, "by hand")
        assert waits_of(graph)[0].after == 41
        given(graph, Happened("third", 50, LONG_AGO))
        assert waits_of(graph)[0].after == 0

        assert given(graph, 4) == {"log": ["first", "by hand", "third", 4]}

    def test_its_time(self, clock: Clock) -> None:
        def node(state: State) -> State:
            late = wait_event("paid", timeout=HOUR, default="late")
            return {"log": [late, wait_event("sent", timeout=HOUR)]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)
        clock.advance(HOUR + 1)

        with pytest.raises(WaitTimeout) as raised:
            graph.invoke(None, CONFIG)

        assert "no event 'sent' came to thread 't' in 3600 seconds" in str(raised.value)
        assert "tell it with emit('sent', payload)" in str(raised.value)
        assert "give wait_event() a default" in str(raised.value)

    def test_a_task_that_it_failed_fails_alike_in_the_next_run(
        self, clock: Clock
    ) -> None:
        met = []

        @task
        def part() -> Any:
            return wait_event("paid", timeout=HOUR)

        @entrypoint(checkpointer=InMemorySaver())
        def flow(given: Any) -> Any:
            try:
                part().result()
            except WaitTimeout as error:
                met.append(error)
            return interrupt("go on?")

        flow.invoke(1, CONFIG)
        clock.advance(HOUR + 1)
        flow.invoke(None, CONFIG)
        flow.invoke(Command(resume="yes"), CONFIG)

        assert [(each.kind, str(each)) for each in met] == [("event", str(met[0]))] * 2


class TestBadInput:
    @pytest.mark.parametrize(
        ("more", "error", "says"),
        [
            ({"name": ""}, ValueError, r"name is ''; give a text of 1 to 200"),
            ({"name": 7}, TypeError, r"name is 7; give a text"),
            ({"key": 7}, TypeError, r"key is 7; give a text of up to 200"),
            ({"key": "a\nb"}, ValueError, r"key is .*printable"),
            ({"where": [1]}, TypeError, r"where is \[1\]; give a dict of names"),
            ({"where": {1: 2}}, TypeError, r"where is .*give a dict of names"),
            ({"where": {"a": [1]}}, TypeError, r"where is .*plain values"),
            ({"since": "now"}, ValueError, r"since is 'now'; give 'wait', 'start'"),
            ({"since": 7}, TypeError, r"since is 7; give 'wait', 'start'"),
            ({"since": datetime(2020, 1, 1)}, ValueError, r"with a time zone"),  # noqa: DTZ001
            ({"timeout": -1}, ValueError, r"timeout is -1; give seconds"),
        ],
    )
    def test_what_is_none_is_refused(self, more: Any, error: Any, says: str) -> None:
        given = {"name": "paid", **more}

        with pytest.raises(error, match=rf"wait_event\(\): {says}|{says}"):
            wait_event(**given)

    def test_outside_of_a_graph_and_without_a_checkpointer(self) -> None:
        with pytest.raises(RuntimeError, match=r"wait_event\(\)"):
            wait_event("paid")

        graph = StateGraph(State).add_node("told", told).add_edge(START, "told")
        with pytest.raises(RuntimeError, match=r"'told' waits for event 'paid'.*no ch"):
            graph.compile().invoke({"log": []})
