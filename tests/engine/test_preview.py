"""A preview of an edit: what the real edit would do, with nothing written and no task started."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from workflows.engine.checkpoint.memory import InMemorySaver
from workflows.engine.constants import END, START
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.types import Command, Overwrite

CONFIG = {"configurable": {"thread_id": "t"}}


class Watched(InMemorySaver):
    """A saver that notes who wants to write."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def open(self, *args: Any, **more: Any) -> Any:
        self.calls.append("open")
        return super().open(*args, **more)

    def commit(self, commit: Any) -> None:
        self.calls.append("commit")
        super().commit(commit)


class State(TypedDict, total=False):
    amount: int
    said: Annotated[list[str], operator.add]


@pytest.fixture
def noted() -> list[str]:
    """What the nodes have done."""
    return []


@pytest.fixture
def graph(noted: list[str]) -> Any:
    """`begin` leads to `big` or `small` by the amount; beside them runs `log`."""

    @task
    def look_up(amount: int) -> int:
        noted.append("look_up")
        return amount

    def begin(state: State) -> State:
        noted.append("begin")
        return {"said": ["begun"]}

    def ask(state: State) -> State:
        noted.append("ask")
        look_up(state["amount"]).result()
        return {"said": [interrupt("Pay it?")]}

    def log(state: State) -> State:
        noted.append("log")
        return {"said": ["logged"]}

    def choose(state: State) -> list[str]:
        return ["big" if state["amount"] > 100 else "small", "log"]

    builder = StateGraph(State)
    builder.add_node("begin", begin)
    builder.add_node("big", ask)
    builder.add_node("small", ask)
    builder.add_node("log", log)
    builder.add_edge(START, "begin")
    builder.add_conditional_edges("begin", choose, ["big", "small", "log"])
    for name in ("big", "small", "log"):
        builder.add_edge(name, END)
    return builder.compile(checkpointer=Watched(), name="pay")


@pytest.fixture
def asked(graph: Any, noted: list[str]) -> Any:
    """The graph, standing at its question; what was noted and called is forgotten."""
    graph.invoke({"amount": 200}, CONFIG)
    noted.clear()
    graph.checkpointer.calls.clear()
    return graph


def question(graph: Any) -> str:
    [found] = graph.get_state(CONFIG).interrupts
    return found.id


@pytest.mark.rule("R6.10")
class TestAnEditAlone:
    def test_it_tells_values_before_and_after_the_reducers(self, asked):
        found = asked.preview_update(CONFIG, {"amount": 300, "said": ["edited"]})

        assert found.before == {"amount": 200, "said": ["begun", "logged"]}
        assert found.after == {"amount": 300, "said": ["begun", "logged", "edited"]}

    def test_it_tells_what_runs_again_and_what_has_run(self, asked):
        found = asked.preview_update(CONFIG, {"amount": 300})

        assert (found.again, found.fresh, found.finished) == (("big",), (), ("log",))
        assert found.calls_lost == ("look_up",)
        assert found.asked_again == (question(asked),)

    def test_it_tells_where_a_branch_turns(self, asked):
        found = asked.preview_update(CONFIG, {"amount": 50})

        assert (found.again, found.fresh) == ((), ("small",))
        assert found.dropped == ("big",)
        assert (found.asked_again, found.superseded) == ((), (question(asked),))

    def test_it_agrees_with_the_edit(self, asked):
        for values in ({"amount": 50}, {"amount": 300, "said": Overwrite(["x"])}):
            told = asked.preview_update(CONFIG, values)
            asked.update_state(CONFIG, values)
            state = asked.get_state(CONFIG)

            assert told.after == state.values
            assert sorted((*told.again, *told.fresh)) == sorted(state.next)
            assert [q.id for q in state.interrupts] == list(told.asked_again)

    def test_nothing_is_written_and_no_node_runs(self, asked, noted):
        before = asked.get_state(CONFIG)

        asked.preview_update(CONFIG, {"amount": 50})
        asked.preview_update(CONFIG, {"amount": 300}, answering=[question(asked)])

        assert noted == []
        assert asked.checkpointer.calls == []
        assert asked.get_state(CONFIG) == before

    def test_a_reducer_that_fails_is_told_with_its_channel(self, asked):
        found = asked.preview_update(CONFIG, {"amount": 1, "said": 5})

        assert list(found.faults) == ["said"]
        assert isinstance(found.faults["said"], TypeError)
        assert found.after == found.before

    def test_on_a_finished_thread_nothing_is_due(self):
        builder = StateGraph(State)
        builder.add_node("only", lambda state: {"said": ["done"]})
        builder.add_edge(START, "only")
        graph = builder.compile(checkpointer=InMemorySaver())
        graph.invoke({"amount": 1}, CONFIG)

        found = graph.preview_update(CONFIG, {"amount": 2})

        assert found.after == {"amount": 2, "said": ["done"]}
        assert (found.again, found.fresh, found.asked_again) == ((), (), ())

    def test_a_thread_without_any_state_begins(self):
        builder = StateGraph(State)
        builder.add_node("only", lambda state: {"said": ["done"]})
        builder.add_edge(START, "only")
        graph = builder.compile(checkpointer=InMemorySaver())

        found = graph.preview_update(CONFIG, {"amount": 2})

        assert (found.before, found.after) == ({}, {"amount": 2, "said": []})
        assert found.fresh == ("only",)
        assert graph.get_state(CONFIG).values == {}

    def test_what_the_edit_refuses_is_refused(self, asked):
        asked.invoke(Command(resume="yes"), CONFIG)
        with pytest.raises(InvalidUpdateError, match="as_node"):
            asked.update_state(CONFIG, {"amount": 1})
        with pytest.raises(InvalidUpdateError, match="as_node"):
            asked.preview_update(CONFIG, {"amount": 1})


@pytest.mark.rule("R5.21")
class TestAnEditWithAnAnswer:
    def test_recorded_calls_are_kept(self, asked, noted):
        answering = [question(asked)]

        found = asked.preview_update(CONFIG, {"amount": 50}, answering=answering)

        assert found.after == {"amount": 50, "said": ["begun", "logged"]}
        assert (found.again, found.finished) == (("big",), ("log",))
        assert (found.calls_kept, found.calls_lost) == (("look_up",), ())
        assert found.superseded == ()
        asked.invoke(Command(resume="yes", update={"amount": 50}), CONFIG)
        assert noted == ["ask"]

    def test_others_wait(self, graph):
        def ask(state: State) -> State:
            return {"said": [interrupt("Sure?")]}

        builder = StateGraph(State)
        builder.add_node("one", ask)
        builder.add_node("two", ask)
        builder.add_edge(START, "one")
        builder.add_edge(START, "two")
        both = builder.compile(checkpointer=InMemorySaver())
        both.invoke({"amount": 1}, CONFIG)
        first = both.get_state(CONFIG).tasks[0]

        found = both.preview_update(
            CONFIG, {"amount": 2}, answering=[first.interrupts[0].id]
        )

        assert (found.again, found.waiting) == ((first.name,), ("two",))


@pytest.mark.rule("R4.20")
def test_changed_code_is_told(asked):
    builder = StateGraph(State)
    builder.add_node("begin", lambda state: {"said": ["new"]})
    builder.add_edge(START, "begin")
    other = builder.compile(checkpointer=asked.checkpointer, name="pay")

    found = other.preview_update(CONFIG, {"amount": 1})

    assert found.code_changed
    assert asked.preview_update(CONFIG, {"amount": 1}).code_changed == ()


async def test_the_async_twin_tells_the_same(asked):
    assert await asked.apreview_update(CONFIG, {"amount": 50}) == (
        asked.preview_update(CONFIG, {"amount": 50})
    )
