"""A question in a graph below that ended in the same step without an answer: nobody is asked any more."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.services.letters import State, run_all, values
from workflows.models import Interrupt
from workflows.services import registry
from workflows.services.start_run import StartRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("R5.13")]


def asking_beside(ends: Any) -> Any:
    """A graph that asks in one node; then another one ends it."""
    has_asked = threading.Event()

    def asks(state: State) -> State:
        has_asked.set()
        return {"said": [interrupt("Well?")["decision"]]}

    def other(state: State) -> Any:
        has_asked.wait(60)
        return ends(state)

    graph = StateGraph(State).add_node("asks", asks).add_node("other", other)
    return graph.add_edge(START, "asks").add_edge(START, "other").compile()


def fail(state: State) -> Any:
    raise ValueError("no")


def leave(state: State) -> Any:
    return Command(graph=Command.PARENT, update={"said": ["left"]})


def node_that_leaves(graph: StateGraph) -> None:
    graph.add_node("node", asking_beside(leave))


def node_that_catches(graph: StateGraph) -> None:
    below = asking_beside(fail)

    def node(state: State) -> State:
        try:
            return {"said": below.invoke({})["said"]}
        except ValueError:
            return {"said": ["left"]}

    graph.add_node("node", node)


def node_with_a_handler(graph: StateGraph) -> None:
    def handler(state: State) -> State:
        return {"said": ["left"]}

    graph.add_node("node", asking_beside(fail), error_handler=handler)


@pytest.mark.parametrize(
    "add", [node_that_leaves, node_that_catches, node_with_a_handler]
)
def test_the_run_ends_and_the_question_is_over(people, add):
    graph = StateGraph(State)
    add(graph)
    graph.add_edge(START, "node")
    registry.register(graph.compile(name="above"), name="above")
    run = StartRun(people.operator, "above", {"text": "x"}).execute()

    run_all()

    run.refresh_from_db()
    run.thread.refresh_from_db()
    assert values(people, run.thread_id)["said"] == ["left"]
    assert Interrupt.objects.get().status == "superseded"
    assert (run.status, run.thread.status) == ("success", "idle")
