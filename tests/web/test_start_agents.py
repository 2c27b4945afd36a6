"""An agent is started by typing a message, whatever else its state has."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from durableweb.prebuilt import create_react_agent
from durableweb.prebuilt.chat_agent_executor import (
    AgentState,
    AgentStatePydantic,
    AgentStateWithStructuredResponse,
    AgentStateWithStructuredResponsePydantic,
)
from tests.conformance.programs.scripted import Scripted, add
from tests.web.conftest import Html
from workflows.engine import serde
from workflows.models import Run
from workflows.services import registry

pytestmark = [pytest.mark.django_db, pytest.mark.rule("E.prebuilt")]
TYPED = {
    "input/messages/~n": "1",
    "input/messages/0/role": "0",
    "input/messages/0/text": "Add it.",
}
FORM = {"title": "form", "type": "object"}


class Topic(AgentState):
    topic: str


class TopicOfModel(AgentStatePydantic):
    topic: str = "sums"


def register(**options: Any) -> None:
    model = Scripted(replies=[AIMessage("done")], given=[])
    registry.register(create_react_agent(model, [add], name="adder", **options))


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        (AgentState, None),
        (AgentStatePydantic, None),
        (AgentStateWithStructuredResponse, FORM),
        (AgentStateWithStructuredResponsePydantic, FORM),
    ],
)
def test_its_form_asks_for_a_message_alone(as_, schema, form):
    register(state_schema=schema, response_format=form)
    client = as_("operator")

    page = Html(client.get("/start/adder/"))
    started = client.post("/start/adder/", TYPED)

    fields = [*page.all("input"), *page.all("textarea"), *page.all("select")]
    names = {each.attributes.get("name", "").partition("/~")[0] for each in fields}
    assert sorted(name for name in names if name.startswith("input/")) == [
        "input/messages",
        "input/messages/0",
        "input/messages/0/role",
        "input/messages/0/text",
    ]
    assert started.status_code == 303
    said = {"role": "human", "content": "Add it."}
    assert serde.loads(Run.objects.get().payload) == {"messages": [said]}


@pytest.mark.parametrize("schema", [Topic, TopicOfModel])
def test_keys_of_its_own_are_asked_for(as_, schema):
    register(state_schema=schema)
    client = as_("operator")

    page = Html(client.get("/start/adder/"))
    started = client.post("/start/adder/", {**TYPED, "input/topic": "sums"})

    assert page.one("input", name="input/topic")
    assert started.status_code == 303
    assert serde.loads(Run.objects.get().payload)["topic"] == "sums"


def test_its_messages_are_called_messages(as_):
    register()
    client = as_("operator")

    typed = Html(client.get("/start/adder/"))
    emptied = Html(
        client.post("/start/adder/", TYPED | {"_remove": "input/messages/0"})
    )

    assert "Message 1" in [each.text for each in typed.all("legend")]
    words = typed.text()
    assert "Add a message" in words
    assert "No messages." in emptied.text()
    labels = [each.attributes.get("aria-label", "") for each in typed.all("button")]
    assert any(label.startswith("Remove message 1") for label in labels)
    assert not any("ntry" in each for each in [*labels, words])
