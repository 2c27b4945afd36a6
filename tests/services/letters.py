"""The workflow `letter`, that drafts, asks and posts, and words to start, carry out and answer runs."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import interrupt
from tests.support.deciding import decided
from workflows.models import Decision, Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun
from workflows.services.thread_history import thread_detail


class State(TypedDict, total=False):
    text: str
    names: list[str]
    said: Annotated[list[str], operator.add]


@pytest.fixture
def noted() -> list[str]:
    """What the nodes have done."""
    return []


def register(name: str, **nodes: Any) -> None:
    graph = StateGraph(State)
    graph.add_sequence(list(nodes.items()))
    graph.add_edge(START, next(iter(nodes)))
    registry.register(graph.compile(name=name), name=name, editable=["text"])


def values(people: Any, thread_id: str) -> dict[str, Any]:
    state = thread_detail(people.admin, thread_id).state
    return {field.name: field.tree for field in state.fields}


def run_all() -> None:
    """Carry out what is due, as a worker does."""
    for _ in range(50):
        due = Run.objects.filter(status="pending").order_by("id").first()
        if due is None:
            return
        execute_run(due.pk)
    raise AssertionError("it does not end")


def answer(person: Any, row: Interrupt, kind: str = "approve", **more: Any) -> Decision:
    row.refresh_from_db()
    shown = {"version": row.version, "round": row.round}
    return decided(ResumeRun(person, row.pk, kind, **{**shown, **more}))


@pytest.fixture
def letter(noted):
    @task
    def draft(text: str) -> str:
        noted.append("draft")
        return text.upper()

    def write(state: State) -> State:
        noted.append("write")
        text = draft(state["text"]).result()
        given = interrupt({"question": "Send it?", "text": text})
        return {"said": [f"{given['decision']} {state['text']}"]}

    def post(state: State) -> State:
        noted.append("post")
        return {"said": ["posted"]}

    register("letter", write=write, post=post)


@pytest.fixture
def asked(people, letter):
    run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
    run_all()
    return Interrupt.objects.get(thread=run.thread)
