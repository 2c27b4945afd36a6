"""What a program raises instead of asking stands in the queue like any question (R5.29)."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.errors import GraphInterrupt, NodeInterrupt
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Interrupt as Question
from durableweb.types import interrupt
from tests.services.letters import State, answer, register, run_all
from workflows.models import Interrupt, Thread
from workflows.services.start_run import StartRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:NodeInterrupt is deprecated"),
    pytest.mark.rule("R5.29"),
]


def raises(reasons: list[Any]) -> Any:
    """A node that asks for each reason and is done when there is none."""

    def node(state: State) -> State:
        if reasons:
            raise reasons.pop(0)
        return {"said": ["done"]}

    return node


def in_a_task(reasons: list[Any]) -> Any:
    inner = task(raises(reasons))
    return lambda state: inner(state).result()


def in_a_graph(reasons: list[Any]) -> Any:
    below = StateGraph(State).add_node("inner", raises(reasons))
    return below.add_edge(START, "inner").compile()


def begun(person: Any) -> str:
    thread_id = StartRun(person, "older", {"text": "t"}).execute().thread_id
    run_all()
    return thread_id


@pytest.mark.parametrize("place", [raises, in_a_task, in_a_graph])
def test_it_is_asked_answered_and_asked_again(people, place):
    register("older", node=place([NodeInterrupt("too much"), NodeInterrupt("still")]))
    thread_id = begun(people.operator)
    first = Interrupt.objects.get()

    answer(people.reviewer, first)
    run_all()
    again = Interrupt.objects.get()
    answer(people.reviewer, again)
    run_all()

    assert (first.title, first.status, first.round) == ("too much", "pending", 1)
    assert (again.pk, again.title, again.status) == (first.pk, "still", "pending")
    assert again.round == 2
    again.refresh_from_db()
    assert again.status == "resolved"
    assert Thread.objects.get(pk=thread_id).status == "idle"


def test_each_of_several_is_a_row(people):
    asked = [Question("one"), Question("two", id="a" * 32)]
    register("older", node=raises([GraphInterrupt(asked)]))
    begun(people.operator)

    rows = list(Interrupt.objects.order_by("ordinal"))

    assert [row.title for row in rows] == ["one", "two"]
    assert rows[1].interrupt_id == "a" * 32
    assert len(rows[0].interrupt_id) == 32


def raised(text: str) -> None:
    raise NodeInterrupt(text)


@pytest.mark.parametrize("asks", [interrupt, raised])
def test_a_question_that_was_caught_for_another_does_not_wait(people, asks):
    def node(state: State) -> State:
        try:
            interrupt("caught")
        except GraphInterrupt:
            asks("asked instead")
        return {"said": ["done"]}

    register("older", node=node)
    begun(people.operator)

    waiting = Interrupt.objects.filter(status="pending")

    assert [row.title for row in waiting] == ["asked instead"]
