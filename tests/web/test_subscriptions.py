"""A graph of nodes that subscribe to channels, through the pages: start, answer, finish."""

import pytest

from durableweb.channels import LastValue, Topic
from durableweb.pregel import NodeBuilder, Pregel
from durableweb.types import interrupt
from tests.web.conftest import Html, decision_form
from workflows.engine import serde
from workflows.models import Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("R1.49")]


def review(text: str) -> str:
    answer = interrupt({"title": "Send the letter?", "text": text})
    return str(answer["value"]["text"])


@pytest.fixture
def letters(own_registry):
    def build(inputs):
        names = ("to", "draft", "sent", "copies")
        graph = Pregel(
            nodes={
                "draft": NodeBuilder()
                .subscribe_only("to")
                .do(lambda to: f"Dear {to}")
                .write_to("draft"),
                "review": NodeBuilder()
                .subscribe_only("draft")
                .do(review)
                .write_to("sent", "log"),
            },
            channels={
                **{name: LastValue(str) for name in names},
                "log": Topic(str, accumulate=True),
            },
            input_channels=inputs,
            output_channels="sent",
            name="letters",
        )
        registry.register(graph)

    return build


@pytest.mark.parametrize(
    ("inputs", "typed", "given"),
    [
        ("to", {"input": "Ada"}, "Ada"),
        (["to"], {"input/to": "Ada"}, {"to": "Ada"}),
        (["to", "copies"], {"input/to": "Ada", "input/copies": ""}, {"to": "Ada"}),
    ],
)
def test_from_the_form_to_the_finished_run(as_, letters, inputs, typed, given):
    letters(inputs)
    assert Html(as_("operator").get("/start/letters/")).form("/start/letters/")

    assert as_("operator").post("/start/letters/", typed).status_code == 303
    run = Run.objects.get()
    assert serde.loads(run.payload) == given
    execute_run(run.pk)
    question = Interrupt.objects.get()
    assert Html(as_("reviewer").get(f"/review/{question.pk}/")).has_text("Dear Ada")
    form = decision_form(question, "edit", **{"v/text": "Dear Ada Lovelace"})
    as_("reviewer").post(f"/review/{question.pk}/decision", form)
    execute_run(Run.objects.latest("pk").pk)

    page = Html(as_("viewer").get(f"/threads/{run.thread_id}/"))
    assert "Done" in page.one("div", id="thread-status").text
    assert page.has_text("Dear Ada Lovelace")
    assert "review done" in " ".join(page.one("ol", id="timeline").text.split())
