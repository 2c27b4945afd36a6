"""The first of several waits: it is the one on record, and the others are withdrawn (RB.4)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import ChildFailed, UnknownInterruptError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import (
    Command,
    ask,
    ending,
    event,
    first_of,
    interrupt,
    signal,
    timer,
    wait_signal,
)
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from workflows.engine import ids, serde
from workflows.engine.waits import TIME_IS_UP, ChildEnded, Happened

assert clock

pytestmark = pytest.mark.rule("RB.4")
HOUR = 3600.0


def waits(state: State) -> State:
    found = first_of(
        ask("Pay?"), signal("cancelled"), event("closed", key="7"), timer(HOUR)
    )
    return {"log": [found]}


def open_on(graph: Any) -> dict[str, Any]:
    """What a thread's task waits for, by what it is."""
    (found,) = graph.get_state(CONFIG).tasks
    every = (*found.interrupts, *found.sleeps, *found.waits)
    return {getattr(each, "topic", "") or str(each.value): each for each in every}


def answer(graph: Any, **given: Any) -> Any:
    """Answer waits by what they are."""
    known = open_on(graph)
    resume = {known[name].id: value for name, value in given.items()}
    return graph.invoke(Command(resume=resume), CONFIG)


class TestWhichIsFirst:
    @pytest.mark.parametrize("new_saver", [memory, file])
    def test_all_begin_together(self, clock: Clock, new_saver: Any) -> None:
        graph = graph_of(new_saver(), waits=waits)

        chunks = [*graph.stream({"log": []}, CONFIG, stream_mode="updates")]

        assert set(open_on(graph)) == {"Pay?", "cancelled", "closed", "sleep"}
        assert [key for chunk in chunks for key in chunk] == [
            "__interrupt__",
            "__sleep__",
            "__wait__",
        ]
        assert len({each.group for each in open_on(graph).values()}) == 1

    @pytest.mark.parametrize(
        ("name", "given", "number", "value"),
        [
            ("Pay?", "yes", 0, "yes"),
            ("cancelled", {"by": "me"}, 1, {"by": "me"}),
            ("closed", Happened("x", 7, ids.now()), 2, "x"),
            ("sleep", False, 3, False),
        ],
    )
    def test_the_one_that_is_answered(
        self, name: str, given: Any, number: int, value: Any
    ) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)

        found = answer(graph, **{name: given})

        assert found == {"log": [(number, value)]}
        assert graph.get_state(CONFIG).next == ()

    def test_the_time_that_has_come(self, clock: Clock) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR / 2)
        assert graph.invoke(None, CONFIG)["log"] == []
        clock.advance(HOUR / 2 + 1)

        assert graph.invoke(None, CONFIG) == {"log": [(3, True)]}

    def test_of_several_at_once_the_one_that_stands_first(self, clock: Clock) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)

        found = answer(graph, closed="e", cancelled="s")

        assert found == {"log": [(1, "s")]}

    def test_of_times_at_once_too(self, clock: Clock) -> None:
        def node(state: State) -> State:
            late = first_of(timer(HOUR), timer(1))
            return {"log": [late, interrupt("q", timeout=1, on_timeout="up")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(2 * HOUR)
        graph.invoke(None, CONFIG)
        clock.advance(2)

        assert graph.invoke(None, CONFIG) == {"log": [(0, True), "up"]}

    def test_an_end_of_a_thread(self) -> None:
        def node(state: State) -> State:
            try:
                return {"log": [first_of(ending("c"), timer(HOUR))]}
            except ChildFailed as error:
                return {"log": [error.error]}

        for ended, found in ((ChildEnded("r"), (0, "r")), (ChildEnded(error="e"), "e")):
            graph = graph_of(node=node)
            graph.invoke({"log": []}, CONFIG)
            assert answer(graph, c=ended) == {"log": [found]}

    def test_an_answer_is_an_instance_of_its_class(self) -> None:
        class Answer(BaseModel):
            amount: int

        def node(state: State) -> State:
            number, found = first_of(
                ask("Pay?", key="pay", response_schema=Answer), signal("x")
            )
            return {"log": [number, found.amount]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        with pytest.raises(ValueError, match="amount"):
            graph.invoke(Command(resume={"amount": "much"}), CONFIG)
        assert set(open_on(graph)) == {"Pay?", "x"}

        found = graph.invoke(Command(resume={"amount": 7}), CONFIG)

        assert found == {"log": [0, 7]}


class TestWhatIsLost:
    def test_the_others_take_no_answer_any_more(self, clock: Clock) -> None:
        def node(state: State) -> State:
            return {"log": [first_of(ask("1"), signal("s")), interrupt("2")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        first = open_on(graph)["1"]
        answer(graph, s="sent")
        assert set(open_on(graph)) == {"2"}

        with pytest.raises(UnknownInterruptError):
            graph.invoke(Command(resume={first.id: "late"}), CONFIG)

        assert answer(graph, **{"2": "two"}) == {"log": [(1, "sent"), "two"]}

    def test_the_winner_stays_when_the_body_died_before_it_paused_again(self) -> None:
        fails = [True]

        def node(state: State) -> State:
            found = first_of(ask("1"), signal("s"))
            if fails:
                raise OSError(fails.pop())
            return {"log": [found]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        first = open_on(graph)["1"]
        with pytest.raises(OSError, match="True"):
            answer(graph, s="sent")
        with pytest.raises(UnknownInterruptError):
            graph.invoke(Command(resume={first.id: "late"}), CONFIG)

        assert graph.invoke(None, CONFIG) == {"log": [(1, "sent")]}

    def test_a_wait_that_won_before_an_edit_has_won(self) -> None:
        def node(state: State) -> State:
            return {"log": [first_of(ask("1"), signal("s")), interrupt("2")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        answer(graph, s="sent")
        graph.update_state(CONFIG, {"note": "edited"})

        assert answer(graph, **{"2": "two"})["log"] == [(1, "sent"), "two"]

    def test_an_answer_before_an_edit_is_asked_for_anew_with_all_of_them(self) -> None:
        def node(state: State) -> State:
            return {"log": [first_of(ask("1"), signal("s")), interrupt("2")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        answer(graph, **{"1": "one"})
        graph.update_state(CONFIG, {"note": "edited"})
        answer(graph, **{"2": "two"})
        assert set(open_on(graph)) == {"1", "s"}

        assert answer(graph, s="sent")["log"] == [(1, "sent"), "two"]

    def test_an_edit_carries_all_of_them(self, clock: Clock) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)
        until = open_on(graph)["sleep"].until
        clock.advance(HOUR / 2)
        graph.update_state(CONFIG, {"note": "edited"})

        assert set(open_on(graph)) == {"Pay?", "cancelled", "closed", "sleep"}
        assert open_on(graph)["sleep"].until == until
        found = answer(graph, cancelled="c", closed="e")
        assert found == {"log": [(1, "c")], "note": "edited"}

    def test_each_call_is_one_of_its_own(self) -> None:
        @task
        def part(number: int) -> Any:
            return first_of(ask(f"p{number}"), signal("s"))

        @entrypoint(checkpointer=InMemorySaver())
        def flow(given: Any) -> Any:
            both = [part(1), part(2)]
            found = [each.result() for each in both]
            return [*found, first_of(signal("s"), signal("s")), wait_signal("s")]

        flow.invoke(1, CONFIG)

        def resume(**given: Any) -> Any:
            every = [
                wait
                for each in flow.get_state(CONFIG).tasks
                for wait in (*each.interrupts, *each.waits)
            ]
            chosen = {
                w.id: given[k]
                for k in given
                for w in every
                if k in (w.value, getattr(w, "topic", ""))
            }
            return flow.invoke(Command(resume=chosen), CONFIG)

        resume(p1="one", p2="two")
        resume(s="three")
        found = resume(s="four")

        assert found == [(0, "one"), (0, "two"), (0, "three"), "four"]

    def test_in_graphs_below(self) -> None:
        graph = StateGraph(State).add_node("waits", waits)
        below = graph.add_edge(START, "waits").compile()

        def call(state: State) -> State:
            return {"log": below.invoke({"log": []})["log"]}

        above = graph_of(call=call)
        above.invoke({"log": []}, CONFIG)

        assert answer(above, cancelled=1) == {"log": [(1, 1)]}

    def test_it_survives_being_stored(self) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)

        for each in open_on(graph).values():
            back = serde.loads(serde.dumps(each))
            assert (type(back), back.id) == (type(each), each.id)
            assert (back.group, len(back.group)) == (each.group, 32)
            assert back.until == each.until


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "error", "says"),
        [
            ([], ValueError, "there is nothing to wait for; give ask"),
            (["paid"], TypeError, r"number 0 is 'paid'; give ask\(\.\.\.\), signal"),
            ([timer], TypeError, "number 0 is <function timer"),
        ],
    )
    def test_what_is_no_wait_is_refused(
        self, given: Any, error: Any, says: str
    ) -> None:
        with pytest.raises(error, match=rf"first_of\(\): {says}"):
            first_of(*given)

    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (lambda: signal(""), ValueError),
            (lambda: signal(7), TypeError),  # type: ignore[arg-type]
            (lambda: event("x", where=[1]), TypeError),  # type: ignore[arg-type]
            (lambda: timer(-1), ValueError),
            (lambda: ending(""), ValueError),
            (lambda: ask("q", key=""), ValueError),
        ],
    )
    def test_so_is_what_can_be_none(self, make: Any, error: Any) -> None:
        with pytest.raises(error):
            make()

    def test_outside_of_a_graph_and_without_a_checkpointer(self) -> None:
        with pytest.raises(RuntimeError, match=r"first_of\(\)"):
            first_of(timer(1))
        graph = StateGraph(State).add_node(waits).add_edge(START, "waits").compile()
        with pytest.raises(
            RuntimeError, match="'waits' waits for the first of several"
        ):
            graph.invoke({"log": []})

    def test_who_says_that_the_time_of_a_question_is_up_needs_one_that_has_a_time(
        self,
    ) -> None:
        graph = graph_of(waits=waits)
        graph.invoke({"log": []}, CONFIG)

        found = answer(graph, **{"Pay?": TIME_IS_UP})

        assert found == {"log": [(0, None)]}
