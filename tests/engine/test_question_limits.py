"""Questions with a deadline: it is fixed once, and when it has come the task goes on without an answer (RB.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InterruptTimeout, UnknownInterruptError
from durableweb.func import entrypoint, task
from durableweb.types import RAISE, Command, interrupt
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from workflows.engine import ids, serde
from workflows.engine.waits import TIME_IS_UP

assert clock

pytestmark = pytest.mark.rule("RB.4")
HOUR = 3600.0


def asks(state: State) -> State:
    return {"log": [interrupt("Pay?", timeout=HOUR, on_timeout="late")]}


def question_of(graph: Any) -> Any:
    (found,) = graph.get_state(CONFIG).interrupts
    return found


class TestItsTime:
    @pytest.mark.parametrize("new_saver", [memory, file])
    def test_the_task_goes_on_with_what_it_has_for_that(
        self, clock: Clock, new_saver: Any
    ) -> None:
        graph = graph_of(new_saver(), asks=asks)
        found = graph.invoke({"log": []}, CONFIG)
        assert [each.value for each in found["__interrupt__"]] == ["Pay?"]
        left = question_of(graph).until - ids.now()
        assert timedelta(minutes=59) < left <= timedelta(hours=1)

        clock.advance(HOUR - 60)
        assert graph.invoke(None, CONFIG)["log"] == []
        clock.advance(61)

        assert graph.invoke(None, CONFIG) == {"log": ["late"]}
        assert graph.get_state(CONFIG).interrupts == ()

    def test_an_answer_in_time_is_an_answer(self, clock: Clock) -> None:
        graph = graph_of(asks=asks)
        graph.invoke({"log": []}, CONFIG)

        found = graph.invoke(Command(resume="yes"), CONFIG)

        assert found == {"log": ["yes"]}

    def test_an_answer_that_comes_too_late_is_one_while_nobody_has_gone_on(
        self, clock: Clock
    ) -> None:
        graph = graph_of(asks=asks)
        graph.invoke({"log": []}, CONFIG)
        question = question_of(graph)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)

        with pytest.raises(UnknownInterruptError):
            graph.invoke(Command(resume={question.id: "yes"}), CONFIG)

        assert graph.get_state(CONFIG).values == {"log": ["late"]}

    def test_without_a_value_it_is_an_error_that_can_be_caught(
        self, clock: Clock
    ) -> None:
        met = []

        @task
        def ask() -> Any:
            return interrupt("Pay?", timeout=timedelta(hours=1))

        @entrypoint(checkpointer=InMemorySaver())
        def flow(given: Any) -> Any:
            try:
                ask().result()
            except InterruptTimeout as error:
                met.append(error)
            return interrupt("And now?")

        flow.invoke(1, CONFIG)
        clock.advance(HOUR + 1)
        flow.invoke(None, CONFIG)
        flow.invoke(Command(resume="done"), CONFIG)

        assert len({str(each) for each in met}) == 1
        assert len(met) == 2
        assert isinstance(met[0], TimeoutError)
        assert (met[0].question, met[0].seconds) == ("Pay?", HOUR)
        assert str(met[0]) == (
            "nobody answered 'Pay?' in 3600 seconds, which 'ask' of thread 't' asked; "
            "give interrupt() more time, or with on_timeout= what to go on with"
        )

    @pytest.mark.rule("C.InterruptTimeout")
    def test_uncaught_it_ends_the_run(self, clock: Clock) -> None:
        def node(state: State) -> State:
            return {"log": [interrupt({"pay": 1}, timeout=1)]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(2)

        with pytest.raises(InterruptTimeout, match=r"nobody answered \"\{'pay': 1\}\""):
            graph.invoke(None, CONFIG)

    def test_the_end_that_was_fixed_stays_over_an_edit(self, clock: Clock) -> None:
        graph = graph_of(asks=asks)
        graph.invoke({"log": []}, CONFIG)
        first = question_of(graph).until
        clock.advance(HOUR / 2)

        graph.update_state(CONFIG, {"note": "edited"})

        assert question_of(graph).until == first
        clock.advance(HOUR / 2 + 1)
        found = graph.invoke(None, CONFIG)
        assert found == {"log": ["late"], "note": "edited"}

    def test_what_ran_out_before_an_edit_is_not_asked_again(self, clock: Clock) -> None:
        def node(state: State) -> State:
            first = interrupt("1", timeout=HOUR, on_timeout="late")
            return {"log": [first, interrupt("2")]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)
        graph.update_state(CONFIG, {"note": "edited"})

        found = graph.invoke(Command(resume="yes"), CONFIG)

        assert found["log"] == ["late", "yes"]

    def test_each_question_has_its_own(self, clock: Clock) -> None:
        def other(state: State) -> State:
            return {"log": [interrupt("Send?", timeout=2 * HOUR, on_timeout="no")]}

        def patient(state: State) -> State:
            return {"log": [interrupt("Talk?")]}

        graph = graph_of(asks=asks, other=other, patient=patient)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)
        assert {q.value for q in graph.get_state(CONFIG).interrupts} == {
            "Send?",
            "Talk?",
        }
        clock.advance(HOUR)
        graph.invoke(None, CONFIG)

        assert graph.invoke(Command(resume="yes"), CONFIG)["log"] == [
            "late",
            "no",
            "yes",
        ]

    def test_a_value_need_not_fit_the_schema_of_answers(self, clock: Clock) -> None:
        class Answer(BaseModel):
            amount: int

        def node(state: State) -> State:
            found = interrupt(
                "Pay?", response_schema=Answer, timeout=HOUR, on_timeout=None
            )
            return {"log": [found]}

        graph = graph_of(node=node)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)

        assert graph.invoke(None, CONFIG) == {"log": [None]}

    def test_who_hands_answers_over_may_say_that_it_is_over(self) -> None:
        graph = graph_of(asks=asks)
        graph.invoke({"log": []}, CONFIG)
        question = question_of(graph)

        found = graph.invoke(Command(resume={question.id: TIME_IS_UP}), CONFIG)

        assert found == {"log": ["late"]}

    def test_it_survives_being_stored(self) -> None:
        graph = graph_of(asks=asks)
        graph.invoke({"log": []}, CONFIG)
        question = question_of(graph)

        back = serde.loads(serde.dumps(question))

        assert (back, back.until) == (question, question.until)
        assert serde.loads(serde.dumps(TIME_IS_UP)) is TIME_IS_UP


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "error", "says"),
        [
            ({"timeout": -1}, ValueError, "timeout is -1; give seconds, up to 366"),
            ({"timeout": "1h"}, TypeError, "timeout is '1h'; give seconds"),
            ({"timeout": True}, TypeError, "timeout is True; give seconds"),
            ({"timeout": timedelta(days=400)}, ValueError, "up to 366 days"),
            ({"on_timeout": "x"}, ValueError, "on_timeout is 'x'; give a timeout as"),
            (
                {"timeout": 1, "policy": {"timeout": 2}},
                ValueError,
                "here or in the policy, not in both",
            ),
        ],
    )
    def test_what_is_none_is_refused(self, given: Any, error: Any, says: str) -> None:
        with pytest.raises(error, match=rf"interrupt\(\): .*{says}"):
            interrupt("Pay?", **given)

    def test_raise_is_what_comes_without_a_value(self) -> None:
        with pytest.raises(RuntimeError, match=r"interrupt\(\)"):
            interrupt("Pay?", timeout=1, on_timeout=RAISE)
