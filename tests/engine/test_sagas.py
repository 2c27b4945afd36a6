"""What was done is undone, newest first, when the work of a thread fails (RB.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    GraphDrained,
    GraphRecursionError,
    NodeTimeoutError,
    RecordedTaskError,
)
from durableweb.graph import START, StateGraph
from durableweb.runtime import RunControl
from durableweb.types import (
    Command,
    RetryPolicy,
    acompensate,
    compensate,
    interrupt,
)
from tests.conformance.savers import file, memory
from tests.engine.support.clocks import CONFIG, State, graph_of
from tests.engine.support.shop import (
    Broken,
    buy,
    done,
    fail,
    give_back,
    in_a_row,
    shop,
    undone,
)

assert shop

pytestmark = pytest.mark.rule("RB.8")


class TestAFailure:
    @pytest.mark.parametrize("new_saver", [memory, file])
    @pytest.mark.parametrize("durability", ["sync", "async", "exit"])
    def test_has_all_that_was_done_undone_newest_first(
        self, new_saver: Any, durability: str
    ) -> None:
        graph = in_a_row(buy("a", "b"), buy("c"), fail, saver=new_saver())

        with pytest.raises(Broken, match="too late"):
            graph.invoke({"log": []}, CONFIG, durability=durability)

        assert undone() == ["gave back c", "gave back b", "gave back a"]
        state = graph.get_state(CONFIG)
        assert state.values == {"log": ["a", "b", "c"]}
        assert state.next == ()

    def test_is_raised_as_it_is(self) -> None:
        raised = Broken("mine")

        def node(state: State) -> State:
            compensate(give_back, "a")
            raise raised

        with pytest.raises(Broken) as met:
            in_a_row(node).invoke({"log": []}, CONFIG)

        assert met.value is raised
        assert [each for each in raised.__notes__ if "__undo__" in each] == []
        assert undone() == ["gave back a"]

    def test_comes_again_when_the_thread_is_continued_and_nothing_is_undone_twice(
        self,
    ) -> None:
        saver = InMemorySaver()
        graph = in_a_row(buy("a"), fail, saver=saver)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        for _ in range(2):
            with pytest.raises(RecordedTaskError, match="too late") as met:
                graph.invoke(None, CONFIG)

        assert undone() == ["gave back a"]
        assert "'n1'" in met.value.__notes__[0]

    def test_leaves_nothing_to_undo_to_the_next_input(self) -> None:
        graph = in_a_row(buy("a"), fail)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)
        done.clear()

        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        assert done == ["did a", "gave back a"]

    def test_without_anything_on_record_is_the_failure_it_was(self) -> None:
        graph = in_a_row(fail)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        assert graph.get_state(CONFIG).next == ("n0",)

    def test_of_an_attempt_that_is_tried_again_undoes_nothing(self) -> None:
        tried: list[int] = []

        def shaky(state: State) -> State:
            tried.append(1)
            compensate(give_back, "a")
            if len(tried) < 3:
                raise ConnectionError
            return {"log": []}

        graph = in_a_row(shaky, fail, retry_policy=RetryPolicy(initial_interval=0))
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        assert undone() == ["gave back a"]

    def test_undoes_each_attempt_that_did_something_else(self) -> None:
        tried: list[str] = []

        def shaky(state: State) -> State:
            tried.append(f"try {len(tried)}")
            compensate(give_back, tried[-1])
            raise ConnectionError

        policy = RetryPolicy(max_attempts=2, initial_interval=0)
        with pytest.raises(ConnectionError):
            in_a_row(shaky, retry_policy=policy).invoke({"log": []}, CONFIG)

        assert undone() == ["gave back try 1", "gave back try 0"]

    def test_of_a_reducer_and_of_too_many_steps_count(self) -> None:
        def clash(state: State) -> State:
            return {"note": "x"}

        built = StateGraph(State).add_node("buy", buy("a")).add_edge(START, "buy")
        for name in ("x", "y"):
            built.add_node(name, clash).add_edge("buy", name)
        with pytest.raises(Exception, match="'note'"):
            built.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)
        loop = StateGraph(State).add_node("again", buy("b")).add_edge(START, "again")
        loop.add_edge("again", "again")
        with pytest.raises(GraphRecursionError, match="is undone: begin anew;"):
            loop.compile(checkpointer=InMemorySaver()).invoke(
                {"log": []}, {**CONFIG, "recursion_limit": 2}
            )

        assert undone() == ["gave back a", "gave back b", "gave back b"]

    def test_for_a_limit_of_time_counts(self) -> None:
        async def slow(state: State) -> State:
            await acompensate(give_back, "a")
            await asyncio.sleep(5)
            return {}

        graph = in_a_row(slow, timeout=0.05)
        with pytest.raises(NodeTimeoutError):
            asyncio.run(graph.ainvoke({"log": []}, CONFIG))

        assert undone() == ["gave back a"]

    def test_closes_what_is_asked_beside_it(self) -> None:
        def ask(state: State) -> State:
            interrupt("go on?")
            return {}

        def work(state: State) -> State:
            compensate(give_back, 1)
            return fail(state)

        graph = graph_of(ask=ask, work=work)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)

        assert graph.get_state(CONFIG).interrupts == ()
        assert undone() == ["gave back 1"]


class TestWhatIsNoFailureOfTheWork:
    def test_a_question_undoes_nothing(self) -> None:
        def ask(state: State) -> State:
            return {"log": [interrupt("sure?")]}

        graph = in_a_row(buy("a"), ask, fail)
        graph.invoke({"log": []}, CONFIG)
        assert undone() == []

        with pytest.raises(Broken):
            graph.invoke(Command(resume="yes"), CONFIG)
        assert undone() == ["gave back a"]

    def test_a_drain_undoes_nothing(self) -> None:
        control = RunControl()

        def drain(state: State) -> State:
            control.request_drain()
            return {}

        graph = in_a_row(buy("a"), drain, fail)
        with pytest.raises(GraphDrained):
            graph.invoke({"log": []}, CONFIG, control=control)
        assert undone() == []

        with pytest.raises(Broken):
            graph.invoke(None, CONFIG)
        assert undone() == ["gave back a"]

    @pytest.mark.parametrize("is_below", [False, True])
    def test_a_saver_that_fails_undoes_nothing(
        self, is_below: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saver = InMemorySaver()

        def break_saver(state: State) -> State:
            def refuse(commit: Any) -> None:
                raise OSError("disk full")

            monkeypatch.setattr(saver, "commit", refuse)
            return {"log": ["b"]}

        last: Any = break_saver
        if is_below:
            last = in_a_row(break_saver)
            last.checkpointer = None
        graph = in_a_row(buy("a"), last, saver=saver)
        with pytest.raises(OSError, match="disk full"):
            graph.invoke({"log": []}, CONFIG, durability="sync")

        assert undone() == []


class TestTheRecord:
    def test_lies_with_the_branch(self) -> None:
        graph = in_a_row(buy("a"), buy("b"), fail)
        with pytest.raises(Broken):
            graph.invoke({"log": []}, CONFIG)
        before = next(
            each for each in graph.get_state_history(CONFIG) if each.next == ("n1",)
        )
        done.clear()

        with pytest.raises(Broken):
            graph.invoke(None, before.config)

        assert done == ["did b", "gave back b", "gave back a"]

    def test_stays_over_an_edit(self) -> None:
        def ask(state: State) -> State:
            compensate(give_back, "b")
            interrupt("go on?")
            return {}

        graph = in_a_row(buy("a"), ask, fail)
        graph.invoke({"log": []}, CONFIG)
        graph.update_state(CONFIG, {"note": "edited"})
        with pytest.raises(Broken):
            graph.invoke(Command(resume="yes"), CONFIG)

        assert undone() == ["gave back b", "gave back a"]

    def test_is_shown_in_no_state(self) -> None:
        graph = in_a_row(buy("a"), lambda state: {"log": [interrupt("?")]})
        shown = [*graph.stream({"log": []}, CONFIG, stream_mode=["values", "updates"])]

        assert "__undo__" not in str(shown)
        assert graph.get_state(CONFIG).values == {"log": ["a"]}

    def test_keeps_what_was_given_when_it_was_given(self) -> None:
        def node(state: State) -> State:
            given = ["a"]
            compensate(give_back, given)
            given.append("b")
            raise Broken("no")

        with pytest.raises(Broken):
            in_a_row(node).invoke({"log": []}, CONFIG)

        assert undone() == ["gave back ['a']"]

    def test_a_migration_of_the_state_keeps_it(self) -> None:
        saver = InMemorySaver()

        def ask(state: State) -> State:
            return {"log": [interrupt("?")]}

        in_a_row(buy("a"), ask, fail, saver=saver).invoke({"log": []}, CONFIG)
        built = StateGraph(State)
        for number, node in enumerate((buy("a"), ask, fail)):
            built.add_node(f"n{number}", node)
            built.add_edge(f"n{number - 1}" if number else START, f"n{number}")
        graph = built.compile(
            checkpointer=saver, version="2", on_change=lambda old, found: found
        )
        with pytest.raises(Broken):
            graph.invoke(Command(resume="yes"), CONFIG)

        assert undone() == ["gave back a"]

    def test_is_not_the_copys_to_undo(self) -> None:
        saver = InMemorySaver()
        stop: list[Any] = [lambda state: {"log": [interrupt("?")]}, fail]
        graph = in_a_row(buy("a"), *stop, saver=saver)
        graph.invoke({"log": []}, CONFIG)
        saver.copy_thread("t", "copy")

        other = {"configurable": {"thread_id": "copy"}}
        for config in (other, CONFIG):
            with pytest.raises(Broken):
                graph.invoke(Command(resume="yes"), config)
            assert undone() == ([] if config is other else ["gave back a"])
