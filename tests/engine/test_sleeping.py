"""Sleeping: what a run shows that sleeps, and when it goes on (RB.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durableweb.callbacks import GraphCallbackHandler
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import UnknownInterruptError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import (
    Command,
    Sleep,
    interrupt,
    sleep,
)
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from workflows.engine import ids, serde

assert clock

pytestmark = pytest.mark.rule("RB.1")
HOUR = 3600.0


def nap(state: State) -> State:
    return {"log": [sleep(HOUR)]}


def ask(state: State) -> State:
    return {"log": [interrupt("well?")]}


def sleeps_of(graph: Any) -> tuple[Sleep, ...]:
    return tuple(each for task in graph.get_state(CONFIG).tasks for each in task.sleeps)


class TestWhatIsShown:
    def test_the_call_returns_the_values_and_asks_nobody(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)

        assert graph.invoke({"log": ["in"]}, CONFIG) == {"log": ["in"]}

        state = graph.get_state(CONFIG)
        assert (state.next, state.interrupts) == (("nap",), ())
        (found,) = state.tasks[0].sleeps
        assert abs(found.until - ids.now() - timedelta(hours=1)) < timedelta(seconds=5)
        assert found.until.tzinfo is UTC
        assert graph.get_state(CONFIG) == state
        assert graph.get_state(CONFIG).tasks[0].sleeps == (found,)

    def test_a_typed_result_has_no_question(self, clock: Clock) -> None:
        given = graph_of(nap=nap).invoke({"log": []}, CONFIG, version="v2")

        assert given.interrupts == ()

    def test_streams_end_with_the_sleep(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)
        modes = ["updates", "values", "tasks"]

        chunks = [*graph.stream({"log": ["in"]}, CONFIG, stream_mode=modes)]

        assert chunks[0] == ("values", {"log": ["in"]})
        assert chunks[1][0] == "tasks"
        assert chunks[2][1]["interrupts"] == []
        assert chunks[3:] == [("updates", {"__sleep__": sleeps_of(graph)})]

    def test_a_question_beside_it_is_asked_as_ever(self, clock: Clock) -> None:
        graph = graph_of(nap=nap, ask=ask)

        chunks = [*graph.stream({"log": []}, CONFIG, stream_mode="updates")]

        (question,) = graph.get_state(CONFIG).interrupts
        assert chunks == [
            {"__interrupt__": (question,)},
            {"__sleep__": sleeps_of(graph)},
        ]

    def test_handlers_hear_of_questions_alone(self, clock: Clock) -> None:
        class Heard(GraphCallbackHandler):
            def __init__(self) -> None:
                self.events: list[Any] = []

            def on_interrupt(self, event: Any) -> None:
                self.events.append(event.interrupts)

        heard = Heard()
        config = {**CONFIG, "callbacks": [heard]}

        graph_of(nap=nap).invoke({"log": []}, config)
        assert heard.events == []

        graph_of(nap=nap, ask=ask).invoke({"log": []}, config)
        assert [each.value for each in heard.events[0]] == ["well?"]

    def test_it_survives_being_stored(self) -> None:
        instant = datetime(2031, 5, 4, 3, 2, 1, 5, UTC)
        given = Sleep("0" * 32, instant)

        back = serde.loads(serde.dumps(given))

        assert (type(back), back.id, back.until) == (Sleep, given.id, instant)
        assert "2031-05-04" in repr(back)


class TestWhenItGoesOn:
    @pytest.mark.parametrize("new_saver", [memory, file])
    def test_the_instant_is_fixed_when_it_is_first_met(
        self, clock: Clock, new_saver: Any
    ) -> None:
        graph = graph_of(new_saver(), nap=nap)
        graph.invoke({"log": []}, CONFIG)
        first = sleeps_of(graph)
        clock.advance(HOUR / 2)

        assert graph.invoke(None, CONFIG) == {"log": []}
        assert sleeps_of(graph) == first

        clock.advance(HOUR / 2)
        assert graph.invoke(None, CONFIG) == {"log": [True]}

    def test_of_several_each_goes_on_at_its_time(self, clock: Clock) -> None:
        def long(state: State) -> State:
            return {"log": [("long", sleep(2 * HOUR))]}

        graph = graph_of(nap=nap, long=long)
        graph.invoke({"log": []}, CONFIG)
        assert len(sleeps_of(graph)) == 2
        clock.advance(HOUR + 1)

        assert graph.invoke(None, CONFIG) == {"log": [True]}
        assert len(sleeps_of(graph)) == 1

        clock.advance(HOUR)
        # Writes keep the order of the nodes.
        assert graph.invoke(None, CONFIG) == {"log": [("long", True), True]}

    def test_who_is_woken_is_told_so(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)
        graph.invoke({"log": []}, CONFIG)
        (found,) = sleeps_of(graph)

        assert graph.invoke(Command(resume={found.id: False}), CONFIG) == {
            "log": [False]
        }

    def test_an_answer_to_a_question_wakes_nobody(self, clock: Clock) -> None:
        began = []

        def counted(state: State) -> State:
            began.append(1)
            return nap(state)

        graph = graph_of(nap=counted, ask=ask)
        graph.invoke({"log": []}, CONFIG)

        graph.invoke(Command(resume="yes"), CONFIG)

        assert (began, len(sleeps_of(graph))) == ([1], 1)
        clock.advance(HOUR + 1)
        assert graph.invoke(None, CONFIG) == {"log": ["yes", True]}

    def test_who_only_sleeps_cannot_be_answered(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)
        graph.invoke({"log": []}, CONFIG)

        with pytest.raises(UnknownInterruptError, match="no question is open"):
            graph.invoke(Command(resume="yes"), CONFIG)

        with pytest.raises(UnknownInterruptError, match="open questions: none"):
            graph.invoke(Command(resume={"0" * 32: "yes"}), CONFIG)

    def test_an_edit_keeps_the_instant_and_what_was_slept(self, clock: Clock) -> None:
        def twice(state: State) -> State:
            return {"log": [sleep(HOUR), sleep(HOUR)]}

        graph = graph_of(twice=twice)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR)
        graph.invoke(None, CONFIG)
        second = sleeps_of(graph)

        graph.update_state(CONFIG, {"note": "edited"})
        graph.update_state(CONFIG, {"note": "again"})

        assert sleeps_of(graph) == second
        clock.advance(HOUR)
        assert graph.invoke(None, CONFIG) == {"log": [True, True], "note": "again"}

    def test_a_fork_sleeps_anew(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)
        graph.invoke({"log": []}, CONFIG)
        (first,) = sleeps_of(graph)
        clock.advance(HOUR)

        graph.invoke(None, graph.get_state(CONFIG).config)

        (anew,) = sleeps_of(graph)
        assert anew.until > first.until
        assert anew.id != first.id

    def test_a_new_input_leaves_the_sleeper_behind(self, clock: Clock) -> None:
        graph = graph_of(nap=nap)
        graph.invoke({"log": []}, CONFIG)
        (first,) = sleeps_of(graph)
        clock.advance(HOUR / 2)

        graph.invoke({"log": []}, CONFIG)

        (anew,) = sleeps_of(graph)
        assert anew.until > first.until

    def test_a_retried_node_sleeps_once(self, clock: Clock) -> None:
        tried = []

        @task
        def shaky() -> str:
            tried.append(1)
            if len(tried) == 1:
                raise ValueError("once")
            return "done"

        @entrypoint(checkpointer=InMemorySaver())
        def flow(given: Any) -> list[Any]:
            slept = sleep(HOUR)
            return [slept, shaky().result()]

        flow.invoke(1, CONFIG)
        clock.advance(HOUR)
        with pytest.raises(ValueError, match="once"):
            flow.invoke(None, CONFIG)

        assert flow.invoke(None, CONFIG) == [True, "done"]

    def test_a_branch_may_sleep(self, clock: Clock) -> None:
        def route(state: State) -> str:
            sleep(HOUR)
            return "b"

        built = StateGraph(State).add_node("a", lambda s: {"log": ["a"]})
        built.add_node("b", lambda s: {"log": ["b"]}).add_edge(START, "a")
        built.add_conditional_edges("a", route, ["b"])
        graph = built.compile(checkpointer=InMemorySaver())
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR)

        assert graph.invoke(None, CONFIG) == {"log": ["a", "b"]}
