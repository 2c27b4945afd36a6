"""A workflow that waits with an editable state, and a person at its editor."""

import operator
from typing import Annotated, Any, TypedDict

import pytest
from django.test import Client

from tests.web.conftest import Html
from workflows.engine.constants import END, START
from workflows.engine.graph.message import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    add_messages,
)
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.thread_history import thread_detail

BIG = 2**63 + 1


class Input(TypedDict):
    to: str


class State(TypedDict, total=False):
    to: str
    text: str
    count: int
    tags: Annotated[list[str], operator.add]
    said: Annotated[list[AnyMessage], add_messages]
    key: str
    memo: str


def draft(state):
    return {
        "text": f"Dear {state['to']}",
        "count": BIG,
        "tags": ["new"],
        "said": [HumanMessage("Write to Ada", id="1"), AIMessage("Done", id="2")],
        "key": "s3cret",
    }


def review(state):
    answer = interrupt({"title": "Send the letter?", "text": state["text"]})
    return {"tags": [f"{answer['decision']}: {state['text']}"]}


@pytest.fixture
def post(own_registry):
    """Registers the workflow; `editable` may be other channels."""

    def build(editable=("text", "count", "tags", "said", "key", "memo"), **more):
        builder = StateGraph(State, input_schema=Input)
        builder.add_node("draft", draft)
        builder.add_node("review", review)
        builder.add_edge(START, "draft")
        builder.add_edge("draft", "review")
        builder.add_edge("review", END)
        registry.register(
            builder.compile(name="post"),
            name="post",
            title="Post",
            editable=editable,
            secret=["key"],
            **more,
        )

    return build


def run_all():
    while due := Run.objects.filter(status="pending").order_by("id").first():
        execute_run(due.pk)


@pytest.fixture
def asked(as_, post):
    """The question, in front of which the thread stands."""
    post()
    as_("operator").post("/start/post/", {"input/to": "Ada"})
    run_all()
    return Interrupt.objects.get()


def form_of(page: Html, **typed: str) -> dict[str, Any]:
    """What the editor's form posts of its own accord, with what is typed into it."""
    [form] = page.all("form", id="edit-state")
    sent: dict[str, Any] = {}
    for element in page.elements:
        name = element.attributes.get("name")
        if form not in element.parents or not name:
            continue
        if element.tag == "textarea":
            sent[name] = element.text.removeprefix("\n")
        elif name == "on":
            sent.setdefault(name, []).append(element.attributes["value"])
        elif element.tag == "input" and element.attributes.get("type") != "checkbox":
            sent[name] = element.attributes.get("value", "")
        elif element.tag == "option" or element.tag == "select":
            continue
    for select in page.all("select"):
        chosen = [
            option.attributes["value"]
            for option in page.all("option")
            if select in option.parents and "selected" in option.attributes
        ]
        sent[select.attributes["name"]] = chosen[0] if chosen else ""
    return {**sent, "reason": "a typo", **typed}


def values(thread_id: str, people) -> dict:
    state = thread_detail(people["admin"], thread_id).state
    return {each.name: each.tree for each in state.fields}


class Desk:
    """One person at the editor of a question."""

    def __init__(self, client: Client, question: Interrupt) -> None:
        self.client = client
        self.path = f"/review/{question.pk}/state"

    def open(self) -> Html:
        response = self.client.get(self.path)
        assert response.status_code == 200, response
        return Html(response)

    def post(self, page: Html, at: str = "", /, **typed: str):
        return self.client.post(self.path + at, form_of(page, **typed))


@pytest.fixture
def desk(as_, asked):
    return Desk(as_("reviewer"), asked)
