"""The queue follows the thread: what a fork leaves behind is closed, what it opens again is open."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.storage.conftest import real_transactions
from workflows.models import Interrupt, Thread
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("R6.15", "RA.11")]
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


@pytest.fixture
def graph() -> Any:
    """x, then two that ask at once."""
    builder = StateGraph(State).add_node("x", lambda state: {"log": ["x"]})
    builder.add_edge(START, "x")
    for name in ("p", "q"):
        builder.add_node(name, lambda state, name=name: {"log": [interrupt(name)]})
        builder.add_edge("x", name)
    made = builder.compile(checkpointer=DjangoSaver())
    made.invoke({"log": []}, CONFIG)
    return made


def answer(graph: Any, config: Any = CONFIG, **answers: Any) -> Any:
    ids = {row.title: row.interrupt_id for row in Interrupt.objects.order_by("id")}
    given = {ids[title]: value for title, value in answers.items()}
    return graph.invoke(Command(resume=given), config)


def rows() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in Interrupt.objects.order_by("id"):
        found.setdefault(row.title, []).append(row.status)
    return found


def at(graph: Any, due: str) -> Any:
    return next(s for s in graph.get_state_history(CONFIG) if due in s.next).config


def test_a_replay_supersedes_what_the_head_asked(graph):
    graph.invoke(None, at(graph, "x"))

    assert rows() == {"p": ["superseded", "pending"], "q": ["superseded", "pending"]}


def test_an_update_at_an_older_checkpoint_supersedes_what_the_head_asked(graph):
    graph.update_state(at(graph, "x"), {"log": ["u"]})

    assert rows() == {"p": ["superseded"], "q": ["superseded"]}


def test_a_new_input_at_an_older_checkpoint_does_so_too(graph):
    graph.invoke({"log": ["again"]}, at(graph, "x"))

    assert rows() == {"p": ["superseded", "pending"], "q": ["superseded", "pending"]}


def test_an_answer_at_an_old_checkpoint_opens_the_others_again(graph):
    asked = at(graph, "p")
    answer(graph, p=1, q=2)
    assert rows() == {"p": ["resolved"], "q": ["resolved"]}

    out = answer(graph, asked, p=8)

    assert [question.value for question in out["__interrupt__"]] == ["q"]
    assert rows() == {"p": ["resolved"], "q": ["pending"]}
    assert Thread.objects.get().status == "interrupted"
    assert answer(graph, q=9) == {"log": ["x", 8, 9]}
    assert rows() == {"p": ["resolved"], "q": ["resolved"]}


def test_an_edit_keeps_the_rows_open(graph):
    asked = Interrupt.objects.order_by("id").values_list("pk", "interrupt_id")
    before = list(asked)
    graph.update_state(CONFIG, None)
    graph.invoke(None, CONFIG)

    assert rows() == {"p": ["pending"], "q": ["pending"]}
    assert list(asked.all()) == before


def test_a_jump_supersedes_what_was_asked(graph):
    graph.update_state(CONFIG, {"log": ["u"]}, as_node="x")

    assert rows() == {"p": ["superseded"], "q": ["superseded"]}
