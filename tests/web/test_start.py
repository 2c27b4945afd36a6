"""Starting a workflow from the form of its input."""

from types import SimpleNamespace

import pytest

from durableweb.graph import START, MessagesState, StateGraph
from tests.web.conftest import SCHEMA, Html
from workflows.engine import serde
from workflows.models import Run, Thread
from workflows.services import registry

pytestmark = pytest.mark.django_db


def test_the_workflows_one_may_start_are_offered(as_, letter, other_thread):
    page = Html(as_("operator").get("/start/"))

    assert page.one("a", href="/start/letter/").text == "Letter"
    assert not page.all("a", href="/start/payroll/")


def test_the_form_is_drawn_from_the_schema(as_, letter):
    page = Html(as_("operator").get("/start/letter/"))

    form = page.form("/start/letter/")
    assert form.attributes["method"] == "post"
    assert (
        page.one("input", name="input/repository").attributes["aria-required"] == "true"
    )
    assert page.one("input", name="input/limit").attributes["value"] == "20"
    label = page.one(
        "label", **{"for": page.one("input", name="input/limit").attributes["id"]}
    )
    assert label.text.startswith("Limit")


def test_starting_leads_to_the_run(as_, letter):
    response = as_("operator").post(
        "/start/letter/",
        {
            "input/repository": "/srv/code",
            "input/limit": "5",
            "input/tags/~n": "1",
            "input/tags/0": "new",
            "title": "Monday",
        },
    )

    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/runs/{run.pk}/")
    assert serde.loads(run.payload) == {
        "repository": "/srv/code",
        "limit": 5,
        "tags": ["new"],
    }
    assert Thread.objects.get().title == "Monday"


def test_errors_keep_what_was_typed(as_, letter):
    response = as_("operator").post(
        "/start/letter/", {"input/repository": "", "input/limit": "many"}
    )
    page = Html(response)

    assert response.status_code == 400
    assert Run.objects.count() == 0
    limit = page.one("input", name="input/limit")
    assert limit.attributes["value"] == "many"
    assert limit.attributes["aria-invalid"] == "true"
    error = page.one("p", id=limit.attributes["aria-describedby"])
    assert "whole number" in error.text
    assert "2 fields need another look" in page.one("section", id="error-summary").text


def test_sending_twice_starts_once(as_, letter):
    client = as_("operator")
    form = {"input/repository": ".", "key": "k-1"}

    answers = [client.post("/start/letter/", form) for _ in "ab"]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Run.objects.count() == 1


def test_going_back_and_changing_what_was_sent_starts_nothing_unasked(as_, letter):
    client = as_("operator")
    form = {"input/repository": ".", "key": "k-1"}
    client.post("/start/letter/", form)

    answer = client.post("/start/letter/", {**form, "input/repository": "/other"})

    page = Html(answer)
    assert answer.status_code == 409
    assert page.has_text(f"This form has started thread {Thread.objects.get().pk}")
    assert page.one("input", name="input/repository").attributes["value"] == "/other"
    key = page.one("input", name="key").attributes["value"]
    assert key not in ("", "k-1")
    again = {"input/repository": "/other", "key": key}
    assert client.post("/start/letter/", again).status_code == 303
    assert Run.objects.count() == 2


def test_a_hidden_workflow_is_offered_to_nobody(as_, letter):
    registry.register(
        SimpleNamespace(name="inner"),
        name="inner",
        title="Inner workings",
        input_schema=SCHEMA,
        hidden=True,
    )

    for path in ("/start/", "/queue/", "/decisions/", "/policies/"):
        assert not Html(as_("admin").get(path)).has_text("Inner workings"), path
    assert Html(as_("operator").get("/runs/")).has_text("Inner workings")
    for name in ("operator", "admin"):
        assert as_(name).get("/start/inner/").status_code == 404
        answer = as_(name).post("/start/inner/", {"input/repository": "."})
        assert answer.status_code == 404


class TestConversation:
    """A state of messages is begun by typing one."""

    @pytest.fixture
    def clerk(self, own_registry):
        class State(MessagesState):
            topic: str

        builder = StateGraph(State).add_node("answer", lambda state: {})
        graph = builder.add_edge(START, "answer").compile(name="clerk")
        registry.register(graph, title="Clerk")

    TYPED = {
        "input/messages/~n": "1",
        "input/messages/0/role": "0",
        "input/messages/0/text": "Pay it.",
        "input/topic": "money",
    }

    def test_one_message_of_a_person_is_there_to_be_filled_in(self, as_, clerk):
        page = Html(as_("operator").get("/start/clerk/"))

        assert page.one("textarea", name="input/messages/0/text").text.strip() == ""
        assert page.one("input", name="input/messages/~n").attributes["value"] == "1"
        [chosen] = [e for e in page.all("option") if "selected" in e.attributes]
        assert (chosen.text, chosen.attributes["value"]) == ("human", "0")
        assert not page.all("textarea", name="input/messages")

    def test_what_was_typed_is_what_the_workflow_is_given(self, as_, clerk):
        client = as_("operator")
        more = client.post("/start/clerk/", {**self.TYPED, "_add": "input/messages"})
        assert Html(more).one("textarea", name="input/messages/1/text")
        second = {
            "input/messages/~n": "2",
            "input/messages/1/role": "1",
            "input/messages/1/text": "Shall I?",
        }

        response = client.post("/start/clerk/", {**self.TYPED, **second})

        assert response.status_code == 303
        assert serde.loads(Run.objects.get().payload) == {
            "messages": [
                {"role": "human", "content": "Pay it."},
                {"role": "ai", "content": "Shall I?"},
            ],
            "topic": "money",
        }
        page = Html(client.get(response["Location"]))
        assert page.has_text("human: Pay it.")
        assert page.has_text("ai: Shall I?")

    def test_a_message_without_words_is_told(self, as_, clerk):
        empty = {**self.TYPED, "input/messages/0/text": ""}

        response = as_("operator").post("/start/clerk/", empty)

        assert response.status_code == 400
        assert Run.objects.count() == 0
        text = Html(response).one("textarea", name="input/messages/0/text")
        assert text.attributes["aria-invalid"] == "true"
