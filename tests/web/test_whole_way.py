"""A real workflow through the pages: start, look, edit the state, edit, approve, finish."""

from operator import add
from typing import Annotated, TypedDict

import pytest

from durableweb.graph import END, START, StateGraph
from durableweb.types import interrupt
from tests.web.conftest import Html, decision_form
from workflows.models import Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run

pytestmark = pytest.mark.django_db(transaction=True)


class Input(TypedDict):
    to: str


class State(Input, total=False):
    text: str
    log: Annotated[list[str], add]
    key: str


def draft(state: State) -> dict:
    return {"text": f"Dear {state['to']}", "log": ["drafted"], "key": "s3cret"}


def review(state: State) -> dict:
    answer = interrupt({"title": "Send the letter?", "text": state["text"]})
    return {"text": answer["value"]["text"], "log": [answer["decision"]]}


def fail(state: State) -> dict:
    raise ValueError("no stamp")


@pytest.fixture
def post_office(own_registry):
    def build(*last):
        builder = StateGraph(State, input_schema=Input)
        for node in (draft, review, *last):
            builder.add_node(node.__name__, node)
        builder.add_edge(START, "draft")
        builder.add_edge("draft", "review")
        builder.add_edge("review", last[0].__name__ if last else END)
        registry.register(
            builder.compile(name="post"),
            name="post",
            title="Post",
            editable=["text"],
            secret=["key"],
        )

    return build


def start(as_):
    as_("operator").post("/start/post/", {"input/to": "Ada"})
    run = Run.objects.get()
    execute_run(run.pk)
    return run.thread_id


def decide(as_, kind="approve", **more):
    question = Interrupt.objects.get()
    response = as_("reviewer").post(
        f"/review/{question.pk}/decision", decision_form(question, kind, **more)
    )
    execute_run(Run.objects.latest("pk").pk)
    return response


def test_from_the_form_to_the_finished_run(as_, post_office):
    post_office()
    thread = start(as_)
    number = Interrupt.objects.get().pk

    page = Html(as_("reviewer").get(f"/review/{number}/"))
    assert page.has_text("Dear Ada")
    assert page.has_text("drafted")
    assert not page.has_text("s3cret")
    assert page.has_text("hidden: you lack the right to read it")

    assert decide(as_, "edit", **{"v/text": "Dear Ada Lovelace"}).status_code == 303

    page = Html(as_("viewer").get(f"/threads/{thread}/"))
    assert "Done" in page.one("div", id="thread-status").text
    assert page.has_text("Dear Ada Lovelace")
    assert "approved with changes" in page.one("ol", id="timeline").text
    assert "review done" in " ".join(page.one("ol", id="timeline").text.split())


def test_a_node_that_raises_can_be_continued(as_, post_office):
    post_office(fail)
    thread = start(as_)
    decide(as_, **{"v/text": "Dear Ada"})

    page = Html(as_("operator").get(f"/threads/{thread}/"))

    assert page.has_text("Failed in fail")
    assert page.has_text("no stamp")
    assert page.has_text("Traceback")
    assert page.form(f"/threads/{thread}/continue")


@pytest.mark.rule("RA.3")
def test_the_thread_page_says_how_often_a_task_was_run(as_, post_office):
    post_office()
    thread = start(as_)
    before = Html(as_("viewer").get(f"/threads/{thread}/"))

    decide(as_, "edit", **{"v/text": "Dear Ada Lovelace"})
    page = Html(as_("viewer").get(f"/threads/{thread}/"))

    assert not before.has_text("run 2 times")
    assert page.has_text("run 2 times")
