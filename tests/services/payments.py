"""The workflow `pay`, that asks about what is big, and words to edit what it asks about."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User

from workflows.engine.constants import END, START
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import AuditEntry, Checkpoint, Decision, Event, Interrupt, Run
from workflows.services import registry
from workflows.services.edit_state import EditState
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.save_and_resume import SaveAndResume
from workflows.services.start_run import StartRun
from workflows.services.thread_history import thread_detail


class State(TypedDict, total=False):
    amount: int
    tags: Annotated[list[str], operator.add]
    key: str
    internal: str


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def pay(noted: list[str]) -> Any:
    """Registers the workflow: pays what is small, asks about what is big, logs meanwhile."""

    @task
    def look_up(amount: int) -> int:
        noted.append("look_up")
        return amount

    def begin(state: State) -> State:
        return {"tags": ["begun"], "key": "s3cret"}

    def ask(state: State) -> State:
        noted.append("ask")
        look_up(state["amount"]).result()
        given = interrupt({"question": "Pay it?", "amount": state["amount"]})
        return {"tags": [f"{given['decision']} {state['amount']}"]}

    def small(state: State) -> State:
        noted.append("small")
        return {"tags": ["paid at once"]}

    def log(state: State) -> State:
        noted.append("log")
        return {"tags": ["logged"]}

    def choose(state: State) -> list[str]:
        # It would pass on nothing that cannot be undone: a branch runs in previews, too.
        return ["ask" if state["amount"] > 100 else "small", "log"]

    def build(**more: Any) -> None:
        builder = StateGraph(State)
        builder.add_node("begin", begin)
        builder.add_node("ask", ask)
        builder.add_node("small", small)
        builder.add_node("log", log)
        builder.add_edge(START, "begin")
        builder.add_conditional_edges("begin", choose, ["ask", "small", "log"])
        for name in ("ask", "small", "log"):
            builder.add_edge(name, END)
        given = {"editable": ["amount", "tags", "key"], "secret": ["key"], **more}
        registry.register(builder.compile(name="pay"), name="pay", **given)

    return build


@pytest.fixture
def ask(pay: Any, people: Any, noted: list[str]) -> Any:
    """Starts the workflow and brings it to its question."""

    def start(**more: Any) -> Interrupt:
        pay(**more)
        StartRun(people.operator, "pay", {"amount": 200}).execute()
        run_all()
        noted.clear()
        return Interrupt.objects.select_related("thread").get()

    return start


@pytest.fixture
def asked(ask: Any) -> Interrupt:
    return ask()


def run_all() -> None:
    """Carry out what is due, as a worker does."""
    while due := Run.objects.filter(status="pending").order_by("id").first():
        execute_run(due.pk)


def edit(person: User, row: Interrupt, values: Any = None, **more: Any) -> EditState:
    row.thread.refresh_from_db()
    given = {"checkpoint": row.thread.head, "reason": "typo", **more}
    return EditState(person, row.thread_id, values or {"amount": 300}, **given)


def resume(person: User, row: Interrupt, values: Any = None, **more: Any) -> Any:
    row.refresh_from_db()
    row.thread.refresh_from_db()
    updates = more.pop("updates", {})
    decision = ResumeRun(
        person,
        row.pk,
        more.pop("kind", "approve"),
        reason=more.pop("reason", "typo"),
        version=row.version,
        round=row.round,
        checkpoint=row.thread.head,
        **more,
    )
    return SaveAndResume(decision, values or {"amount": 300}, updates)


def state(people: Any, row: Interrupt) -> dict[str, Any]:
    shown = thread_detail(people.admin, row.thread_id).state
    return {field.name: field.tree for field in shown.fields}


def everything() -> dict[str, Any]:
    """How many rows there are, and where each sequence stands."""
    models = (Run, Event, Interrupt, Decision, Checkpoint, AuditEntry)
    counts = {model.__name__: model.objects.count() for model in models}
    rows = Interrupt.objects.values_list("pk", "version", "round", "status")
    return {**counts, "questions": list(rows)}
