"""Waiting for signals: what a run shows that waits, what ends the wait, and what it comes back with (RB.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durableweb.callbacks import GraphCallbackHandler
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import UnknownInterruptError, WaitTimeout
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import (
    Command,
    RetryPolicy,
    SignalWait,
    interrupt,
    sleep,
    wait_signal,
)
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, Clock, State, clock, graph_of
from workflows.engine import serde

assert clock

pytestmark = pytest.mark.rule("RB.2")
HOUR = 3600.0


def paid(state: State) -> State:
    return {"log": [wait_signal("paid")]}


def paid_in_time(state: State) -> State:
    return {"log": [wait_signal("paid", timeout=HOUR)]}


def ask(state: State) -> State:
    return {"log": [interrupt("well?")]}


def waits_of(graph: Any) -> tuple[Any, ...]:
    return tuple(each for task in graph.get_state(CONFIG).tasks for each in task.waits)


def given(graph: Any, *payloads: Any) -> Any:
    """Hand these over, to the waits in their order."""
    found = dict(zip([each.id for each in waits_of(graph)], payloads, strict=False))
    return graph.invoke(Command(resume=found), CONFIG)


class TestWhatIsShown:
    def test_the_call_returns_the_values_and_asks_nobody(self) -> None:
        graph = graph_of(paid=paid)

        assert graph.invoke({"log": ["in"]}, CONFIG) == {"log": ["in"]}

        state = graph.get_state(CONFIG)
        assert (state.next, state.interrupts) == (("paid",), ())
        (found,) = state.tasks[0].waits
        assert (type(found), found.topic, found.until) == (SignalWait, "paid", None)
        assert state.tasks[0].sleeps == ()
        assert waits_of(graph) == (found,)

    def test_streams_end_with_the_wait(self) -> None:
        graph = graph_of(paid=paid)
        modes = ["updates", "values", "tasks"]

        chunks = [*graph.stream({"log": ["in"]}, CONFIG, stream_mode=modes)]

        assert chunks[2][1]["interrupts"] == []
        assert chunks[3:] == [("updates", {"__wait__": waits_of(graph)})]

    def test_beside_a_question_and_a_sleep_each_is_told_of(self, clock: Clock) -> None:
        def nap(state: State) -> State:
            return {"log": [sleep(HOUR)]}

        graph = graph_of(paid=paid, ask=ask, nap=nap)

        chunks = [*graph.stream({"log": []}, CONFIG, stream_mode="updates")]

        assert [[*each] for each in chunks] == [
            ["__interrupt__"],
            ["__sleep__"],
            ["__wait__"],
        ]

    def test_handlers_hear_of_questions_alone(self) -> None:
        heard = []

        class Hears(GraphCallbackHandler):
            def on_interrupt(self, event: Any) -> None:
                heard.append(event)

        graph_of(paid=paid).invoke({"log": []}, {**CONFIG, "callbacks": [Hears()]})

        assert heard == []

    @pytest.mark.parametrize("until", [None, datetime(2031, 5, 4, tzinfo=UTC)])
    def test_it_survives_being_stored(self, until: datetime | None) -> None:
        wait = SignalWait("0" * 32, "paid", until)

        back = serde.loads(serde.dumps(wait))

        assert type(back) is SignalWait
        assert (back.id, back.topic, back.until) == (wait.id, "paid", until)
        assert "'paid'" in repr(back)


class TestWhatEndsIt:
    @pytest.mark.parametrize("new_saver", [memory, file])
    @pytest.mark.parametrize("payload", [{"amount": 3}, None, False, [1, 2]])
    def test_the_payload_comes_back(self, new_saver: Any, payload: Any) -> None:
        graph = graph_of(new_saver(), paid=paid)
        graph.invoke({"log": []}, CONFIG)

        assert given(graph, payload) == {"log": [payload]}
        assert graph.get_state(CONFIG).next == ()

    def test_going_on_without_one_waits_on(self, clock: Clock) -> None:
        graph = graph_of(paid=paid)
        graph.invoke({"log": []}, CONFIG)
        before = waits_of(graph)
        clock.advance(1000 * HOUR)

        assert graph.invoke(None, CONFIG) == {"log": []}
        assert waits_of(graph) == before

    def test_each_wait_of_a_topic_is_one_of_its_own(self) -> None:
        def twice(state: State) -> State:
            first = wait_signal("paid")
            return {"log": [first, wait_signal("sent"), wait_signal("paid")]}

        graph = graph_of(twice=twice)
        graph.invoke({"log": []}, CONFIG)
        given(graph, 1)
        assert [each.topic for each in waits_of(graph)] == ["sent"]
        given(graph, 2)

        assert given(graph, 3) == {"log": [1, 2, 3]}

    def test_tasks_and_coroutines_wait_too(self) -> None:
        @task
        async def fetch(topic: str) -> Any:
            return wait_signal(topic)

        @entrypoint(checkpointer=InMemorySaver())
        async def flow(topics: list[str]) -> list[Any]:
            calls = [fetch(each) for each in topics]
            return [await each for each in calls]

        import asyncio

        async def story() -> Any:
            await flow.ainvoke(["a", "b"], CONFIG)
            state = await flow.aget_state(CONFIG)
            waits = [each for task in state.tasks for each in task.waits]
            by_topic = {each.topic: each.id for each in waits}
            assert [*by_topic] == ["a", "b"]
            await flow.ainvoke(Command(resume={by_topic["b"]: 2}), CONFIG)
            return await flow.ainvoke(Command(resume={by_topic["a"]: 1}), CONFIG)

        assert asyncio.run(story()) == [1, 2]

    def test_an_answer_to_a_question_ends_no_wait(self) -> None:
        graph = graph_of(paid=paid, ask=ask)
        graph.invoke({"log": []}, CONFIG)

        graph.invoke(Command(resume="yes"), CONFIG)

        assert len(waits_of(graph)) == 1
        assert given(graph, "in") == {"log": ["yes", "in"]}

    def test_a_plain_answer_finds_no_question(self) -> None:
        graph = graph_of(paid=paid)
        graph.invoke({"log": []}, CONFIG)

        with pytest.raises(UnknownInterruptError, match="no question is open"):
            graph.invoke(Command(resume="yes"), CONFIG)

    def test_an_edit_carries_over_what_came_and_what_is_waited_for(self) -> None:
        def twice(state: State) -> State:
            return {"log": [wait_signal("paid"), wait_signal("paid", timeout=HOUR)]}

        graph = graph_of(twice=twice)
        graph.invoke({"log": []}, CONFIG)
        given(graph, {"amount": 3})
        second = waits_of(graph)

        graph.update_state(CONFIG, {"note": "edited"})
        graph.update_state(CONFIG, {"note": "again"})

        assert waits_of(graph) == second
        assert waits_of(graph)[0].until == second[0].until
        assert given(graph, 2) == {"log": [{"amount": 3}, 2], "note": "again"}

    def test_a_graph_below_waits(self) -> None:
        below = graph_of(InMemorySaver(), paid=paid).builder.compile()

        def call(state: State) -> State:
            return {"log": below.invoke({"log": ["below"]})["log"]}

        for node in (call, below):
            graph = graph_of(call=node)
            graph.invoke({"log": []}, CONFIG)
            assert given(graph, 7)["log"][-1] == 7

    def test_a_branch_may_wait(self) -> None:
        built = StateGraph(State).add_node("a", lambda s: {"log": ["a"]})
        built.add_node("b", lambda s: {"log": ["b"]}).add_edge(START, "a")
        built.add_conditional_edges("a", lambda s: wait_signal("way"), ["b"])
        graph = built.compile(checkpointer=InMemorySaver())
        graph.invoke({"log": []}, CONFIG)

        assert given(graph, "b") == {"log": ["a", "b"]}


class TestItsTime:
    def test_the_instant_is_fixed_when_it_is_first_met(self, clock: Clock) -> None:
        graph = graph_of(paid=paid_in_time)
        graph.invoke({"log": []}, CONFIG)
        first = waits_of(graph)[0].until
        clock.advance(HOUR / 2)

        graph.invoke(None, CONFIG)

        assert waits_of(graph)[0].until == first

    def test_without_a_signal_it_is_an_error_that_says_what_to_do(
        self, clock: Clock
    ) -> None:
        graph = graph_of(paid=paid_in_time)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)

        with pytest.raises(WaitTimeout) as raised:
            graph.invoke(None, CONFIG)

        assert isinstance(raised.value, TimeoutError)
        assert raised.value.topic == "paid"
        for said in (
            "no signal 'paid' came to thread 't' in 3600 seconds",
            "where 'paid' waited",
            "send_signal('t', 'paid', payload)",
            "give wait_signal() a default",
        ):
            assert said in str(raised.value)

    @pytest.mark.parametrize("default", [None, "late"])
    def test_or_the_default(self, clock: Clock, default: Any) -> None:
        def wait(state: State) -> State:
            return {"log": [wait_signal("paid", timedelta(hours=1), default)]}

        graph = graph_of(wait=wait)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)

        assert graph.invoke(None, CONFIG) == {"log": [default]}

    def test_it_stays_so_when_the_body_runs_again(self, clock: Clock) -> None:
        def wait(state: State) -> State:
            first = wait_signal("paid", HOUR, "late")
            return {"log": [first, wait_signal("paid")]}

        graph = graph_of(wait=wait)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)
        graph.update_state(CONFIG, {"note": "edited"})

        assert given(graph, "in")["log"] == ["late", "in"]

    def test_it_is_caught_as_any_error(self, clock: Clock) -> None:
        def wait(state: State) -> State:
            try:
                return paid_in_time(state)
            except WaitTimeout:
                return {"log": [sleep(HOUR)]}

        graph = graph_of(wait=wait)
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)
        graph.invoke(None, CONFIG)
        clock.advance(HOUR + 1)

        assert graph.invoke(None, CONFIG) == {"log": [True]}

    def test_one_that_failed_a_task_is_the_same_error_in_the_next_run(
        self, clock: Clock
    ) -> None:
        met: list[WaitTimeout] = []

        @task
        def part() -> Any:
            return wait_signal("paid", HOUR)

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

        assert flow.invoke(Command(resume="yes"), CONFIG) == "yes"
        first, second = met
        assert (str(first), first.topic, first.node) == (
            str(second),
            second.topic,
            second.node,
        )

    def test_it_is_not_tried_again(self, clock: Clock) -> None:
        began = []

        def wait(state: State) -> State:
            began.append(1)
            return paid_in_time(state)

        built = StateGraph(State)
        built.add_node("wait", wait, retry_policy=RetryPolicy(max_attempts=5))
        graph = built.add_edge(START, "wait").compile(checkpointer=InMemorySaver())
        graph.invoke({"log": []}, CONFIG)
        clock.advance(HOUR + 1)

        with pytest.raises(WaitTimeout):
            graph.invoke(None, CONFIG)
        assert len(began) == 2


class TestBadInput:
    @pytest.mark.parametrize("topic", ["", "x" * 201, "a\nb", "a\0"])
    def test_a_topic_that_is_none(self, topic: str) -> None:
        with pytest.raises(ValueError, match=r"wait_signal\(\): topic is .*1 to 200"):
            wait_signal(topic)

    def test_a_topic_that_is_no_text(self) -> None:
        with pytest.raises(TypeError, match="topic is 7; give a text"):
            wait_signal(7)  # type: ignore[arg-type]

    @pytest.mark.parametrize("timeout", ["soon", True])
    def test_a_timeout_that_is_no_number(self, timeout: Any) -> None:
        with pytest.raises(TypeError, match=r"timeout is .*give seconds"):
            wait_signal("paid", timeout)

    @pytest.mark.parametrize("timeout", [-1, float("nan")])
    def test_a_timeout_that_cannot_be(self, timeout: float) -> None:
        with pytest.raises(ValueError, match=r"timeout is .*give seconds"):
            wait_signal("paid", timeout)

    def test_a_timeout_after_the_calendar(self) -> None:
        def wait(state: State) -> State:
            return {"log": [wait_signal("paid", 1e12)]}

        with pytest.raises(ValueError, match="after the year 9999; leave timeout out"):
            graph_of(wait=wait).invoke({"log": []}, CONFIG)

    def test_outside_of_a_graph(self) -> None:
        with pytest.raises(RuntimeError, match="wait_signal\\(\\)"):
            wait_signal("paid")

    def test_without_a_checkpointer(self) -> None:
        graph = StateGraph(State).add_node("paid", paid).add_edge(START, "paid")

        with pytest.raises(
            RuntimeError, match=r"'paid' waits for signal 'paid'.*no chec"
        ):
            graph.compile().invoke({"log": []})
