"""An agent whose tool asks: started by a form, answered in the queue, carried out to its end."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from msgspec import Meta

from durableweb.prebuilt import create_react_agent
from durableweb.types import interrupt
from tests.conformance.programs.scripted import Scripted, calls
from tests.services.letters import answer, run_all
from workflows.models import Interrupt, Run
from workflows.services import registry
from workflows.services.start_run import StartRun

pytestmark = [
    pytest.mark.rule("E.prebuilt"),
    pytest.mark.django_db(transaction=True),
]


class Answer(TypedDict):
    approved: bool
    amount: Annotated[int, Meta(ge=0)]


@pytest.fixture
def model() -> Scripted:
    replies = [
        calls(("look", {"number": "A-17"}, "c1"), ("refund", {"amount": 120}, "c2")),
        AIMessage("done"),
    ]
    return Scripted(replies=replies, given=[])


@pytest.fixture
def did() -> list[str]:
    return []


@pytest.fixture
def agent(model: Scripted, did: list[str]) -> Any:
    def look(number: str) -> str:
        """Look an order up."""
        did.append(f"look {number}")
        return "nine days late"

    def refund(amount: int) -> str:
        """Pay money back."""
        asked = {"title": f"Pay back {amount} euros?", "amount": amount}
        given: Answer = interrupt(asked, response_schema=Answer)
        if not given["approved"]:
            return "refused"
        did.append(f"refund {given['amount']}")
        return f"{given['amount']} euros were paid back"

    made = create_react_agent(model, [look, refund], name="refunds")
    return registry.register(made)


@pytest.fixture
def asked(people, agent) -> Interrupt:
    run = StartRun(people.operator, "refunds", {"messages": "It came late."}).execute()
    run_all()
    return Interrupt.objects.get(thread=run.thread)


def test_the_question_of_a_tool_stands_in_the_queue(asked, model, did):
    assert asked.title == "Pay back 120 euros?"
    assert did == ["look A-17"]
    assert model.given == [[["human", "It came late."]]]


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("approve", None, "120 euros were paid back"),
        ("edit", {"approved": True, "amount": 60}, "60 euros were paid back"),
        ("reject", None, "refused"),
    ],
)
def test_the_tool_is_answered_as_the_reviewer_decides(
    people, agent, asked, model, did, kind, value, said
):
    answer(people.reviewer, asked, kind, value=value)
    run_all()

    last = Run.objects.filter(thread=asked.thread).latest("id")
    assert last.status == "success"
    told = [text for kind, text in model.given[1] if kind == "tool"]
    assert told == ["nine days late", said]
    assert did.count("look A-17") == 1
    assert len(model.given) == 2
