"""What an answer is told that finds no open question, where its own is answered and the task has not ended."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import StaleAnswerError, UnknownInterruptError
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    """What was decided."""

    paid: str


def that_fails_once() -> Any:
    """A graph that asks, and fails at the first answer."""
    failures = [ConnectionError("the bank is closed")]

    def pay(state: State) -> State:
        answer = interrupt("Pay?")
        if failures:
            raise failures.pop()
        return {"paid": answer}

    graph = StateGraph(State).add_node("pay", pay).add_edge(START, "pay")
    return graph.compile(checkpointer=InMemorySaver())


def asked_and_failed(graph: Any) -> str:
    """Run it up to its failure; returns the id of its question."""
    (question,) = graph.invoke({}, CONFIG)["__interrupt__"]
    with pytest.raises(ConnectionError):
        graph.invoke(Command(resume={question.id: "yes"}), CONFIG)
    return str(question.id)


@pytest.mark.rule("R5.18", "R5.20")
def test_by_the_id_of_the_question() -> None:
    graph = that_fails_once()
    asked = asked_and_failed(graph)

    with pytest.raises(StaleAnswerError) as raised:
        graph.invoke(Command(resume={asked: "no"}), CONFIG)

    head = graph.get_state(CONFIG).config["configurable"]["checkpoint_id"]
    text = str(raised.value)
    assert f"{asked} was answered at checkpoint {head}" in text
    assert "another run" not in text
    assert "'pay' has its answer and has failed since" in text
    assert "the bank is closed" in text
    assert text.endswith("invoke(None) runs it again with that.")
    assert graph.invoke(None, CONFIG) == {"paid": "yes"}


@pytest.mark.rule("R5.18", "R5.20")
def test_by_a_plain_answer() -> None:
    graph = that_fails_once()
    asked_and_failed(graph)

    with pytest.raises(UnknownInterruptError) as raised:
        graph.invoke(Command(resume="no"), CONFIG)

    assert raised.value.reason == "nothing_pending"
    assert str(raised.value).endswith("invoke(None) runs it again with that.")


@pytest.mark.rule("R5.18")
def test_nothing_of_the_kind_where_the_task_waits_for_another_answer() -> None:
    def pay(state: State) -> State:
        return {"paid": f"{interrupt('Pay?')}, {interrupt('Sure?')}"}

    graph = StateGraph(State).add_node("pay", pay).add_edge(START, "pay")
    compiled: Any = graph.compile(checkpointer=InMemorySaver())
    (first,) = compiled.invoke({}, CONFIG)["__interrupt__"]
    (second,) = compiled.invoke(Command(resume="yes"), CONFIG)["__interrupt__"]

    with pytest.raises(StaleAnswerError) as raised:
        compiled.invoke(Command(resume={first.id: "no"}), CONFIG)

    assert f"open questions: {second.id}" in str(raised.value)
    assert "invoke(None)" not in str(raised.value)


@pytest.mark.rule("R5.18")
def test_nothing_of_the_kind_where_the_thread_has_ended() -> None:
    graph = that_fails_once()
    asked = asked_and_failed(graph)
    graph.invoke(None, CONFIG)

    for late in ({asked: "no"}, "no"):
        with pytest.raises(UnknownInterruptError) as raised:
            graph.invoke(Command(resume=late), CONFIG)
        assert "invoke(None)" not in str(raised.value)
