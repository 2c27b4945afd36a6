"""Real workflows that are sent back, closed, and answered all at once, through the pages."""

from operator import add
from typing import Annotated, TypedDict

import pytest

from durableweb.graph import END, START, StateGraph
from durableweb.types import interrupt
from tests.web.conftest import Html, decision_form
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.execute_run import execute_run

pytestmark = pytest.mark.django_db(transaction=True)


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[str], add]


def work() -> None:
    """Do what is due, as a worker would."""
    while run := Run.objects.filter(status="pending", due_at__year__lt=9999).first():
        execute_run(run.pk)


@pytest.fixture
def start(as_, own_registry):
    """Register a workflow of these nodes, side by side, and run it to its questions."""

    def begin(*nodes, **how):
        builder = StateGraph(State)
        for node in nodes:
            builder.add_node(node.__name__, node)
            builder.add_edge(START, node.__name__)
            builder.add_edge(node.__name__, END)
        registry.register(builder.compile(name="post"), name="post", **how)
        as_("operator").post("/start/post/", {"input/text": "Dear Ada"})
        work()
        return Thread.objects.get()

    return begin


def send(client, question, kind, **typed):
    question.refresh_from_db()
    answer = client.post(
        f"/review/{question.pk}/decision", decision_form(question, kind, **typed)
    )
    assert answer.status_code == 303
    work()


def state_of(thread, as_):
    return Html(as_("viewer").get(f"/threads/{thread.pk}/"))


def test_sent_back_it_is_changed_and_asked_again(as_, start):
    def review(state: State) -> dict:
        text, said = state["text"], []
        while True:
            answer = interrupt({"title": "Send it?", "text": text})
            said.append(answer["decision"])
            if answer["decision"] != "changes":
                return {"text": text, "log": said}
            text = f"{text} ({answer['reason']})"

    thread = start(review)
    question = Interrupt.objects.get()

    send(as_("reviewer"), question, "changes", changes_needed="shorter")
    asked = Interrupt.objects.filter(status="pending").get()
    page = Html(as_("reviewer").get(f"/review/{asked.pk}/"))
    assert page.has_text("Dear Ada (shorter)")
    send(as_("reviewer"), asked, "approve", **{"v/text": "Dear Ada (shorter)"})

    page = state_of(thread, as_)
    assert "Done" in page.one("div", id="thread-status").text
    assert page.has_text("Dear Ada (shorter)")
    assert "sent back" in page.one("ol", id="timeline").text


@pytest.mark.parametrize(
    ("close", "status", "log"),
    [("ignore", "success", True), ("cancel", "cancelled", False)],
)
def test_closed_it_ends_as_the_policy_says(as_, start, close, status, log):
    def review(state: State) -> dict:
        answer = interrupt({"title": "Send it?"})
        return {"log": [f"it was {answer['decision']}"]}

    thread = start(review, policy={"close": close})
    question = Interrupt.objects.get()

    send(as_("reviewer"), question, "close", close_reason="moot")

    assert Run.objects.filter(thread=thread).latest("pk").status == status
    thread.refresh_from_db()
    assert thread.status == "idle"
    page = state_of(thread, as_)
    assert page.has_text("it was close") is log
    assert not Interrupt.objects.filter(status="pending").exists()


def test_held_answers_reach_the_workflow_together(as_, start):
    def first(state: State) -> dict:
        return {"log": [f"first {interrupt('One?')['decision']}"]}

    def second(state: State) -> dict:
        return {"log": [f"second {interrupt('Two?')['decision']}"]}

    thread = start(first, second)
    one, two = Interrupt.objects.order_by("node")

    send(as_("reviewer"), one, "approve", hold="1")
    page = state_of(thread, as_)
    assert not page.has_text("first approve")
    send(as_("admin"), two, "reject", hold="1")

    page = state_of(thread, as_)
    assert "Done" in page.one("div", id="thread-status").text
    assert page.has_text("first approve")
    assert page.has_text("second reject")
