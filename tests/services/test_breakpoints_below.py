"""An edit above a graph that has gone past a breakpoint and asks: the queue says what the thread says."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.graph import START, StateGraph
from durableweb.types import interrupt
from tests.services.letters import State, answer, run_all, values
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.binding import bound
from workflows.services.continue_run import ContinueRun
from workflows.services.edit_state import EditState
from workflows.services.start_run import StartRun
from workflows.storage.saver import DjangoSaver

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("R5.26", "R6.10", "RA.7"),
]


def ask(state: State) -> State:
    return {"said": [interrupt(f"Send {state['text']}?")["decision"]]}


def pay(state: State) -> State:
    return {"said": ["paid"]}


def route(state: State) -> str:
    return "pay" if state["text"] == "pay" else "ask"


@pytest.fixture
def asked(people: Any) -> Run:
    """A run that was held before the node that asks, was let go on, and asks now."""
    below = StateGraph(State).add_node("ask", ask).add_node("pay", pay)
    below.add_conditional_edges(START, route)
    sub = below.compile(interrupt_before=["ask", "pay"])
    graph = StateGraph(State).add_node("sub", sub).add_edge(START, "sub")
    registry.register(graph.compile(name="held"), name="held", editable=["text"])
    run = StartRun(people.operator, "held", {"text": "x"}).execute()
    run_all()
    ContinueRun(people.operator, run.thread_id).execute()
    run_all()
    return run


def edit(people: Any, run: Run, text: str) -> None:
    head = Thread.objects.get(pk=run.thread_id).head
    EditState(people.operator, run.thread_id, {"text": text}, head, "why").execute()
    run_all()


def listed(run: Run) -> list[tuple[str, Any]]:
    """What the thread's state lists as open: ids and what is asked."""
    graph = bound(registry.get("held").graph, DjangoSaver())
    found = graph.get_state({"configurable": {"thread_id": run.thread_id}})
    return [(each.id, each.value) for each in found.interrupts]


def queued() -> list[tuple[str, str]]:
    rows = Interrupt.objects.filter(status="pending").order_by("id")
    return [*rows.values_list("interrupt_id", "title")]


def test_the_question_is_asked_again_on_the_new_state(people, asked):
    edit(people, asked, "y")

    assert queued() == listed(asked)
    assert [title for _, title in queued()] == ["Send y?"]

    answer(people.reviewer, Interrupt.objects.get())
    run_all()

    assert values(people, asked.thread_id)["said"] == ["approve"]


def test_it_stays_open_where_the_edit_leads_to_a_breakpoint_nobody_has_gone_past(
    people, asked
):
    edit(people, asked, "pay")

    assert Run.objects.latest("id").status == "interrupted"
    assert queued() == listed(asked)
    assert [title for _, title in queued()] == ["Send x?"]

    answer(people.reviewer, Interrupt.objects.get())
    run_all()

    asked.thread.refresh_from_db()
    assert values(people, asked.thread_id)["said"] == ["paid"]
    assert (asked.thread.status, queued()) == ("idle", [])
