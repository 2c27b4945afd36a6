"""Somebody sends an update by hand: the form, its answer in words, and who may (RB.16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict

import pytest

from tests.services.posting import carried_out
from tests.web.conftest import Html
from workflows.engine.graph.state import StateGraph
from workflows.engine.handlers import Update
from workflows.engine.runtime import interrupt
from workflows.engine.update_errors import UpdateRefused
from workflows.models import AuditEntry, SentUpdate, Thread
from workflows.services import registry
from workflows.services.start_run import start_thread

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RB.16")]
SEND = "/threads/t-1/update"


class State(TypedDict, total=False):
    limit: int
    salary: int


def ask(state: State) -> State:
    return {"limit": interrupt("Well?")}


@dataclass
class Pay:
    salary: int = 4711


RESULTS: dict[str, Any] = {
    "deep": {"a": {"salary": 4711}},
    "in a list": [{"salary": 4711}],
    "odd keys": {1: 2, "salary": 4711, 3: {"salary": 4711}},
    "an object": Pay(),
    "a day": {"on": date(2026, 12, 24)},
}


@pytest.fixture
def spending(people: Any) -> Thread:
    """A thread that asks, of a workflow with two updates."""
    graph = StateGraph(State).add_node("ask", ask).set_entry_point("ask")

    @graph.update("set_limit")
    def set_limit(state: State, *, limit: int, why: str = "") -> Any:
        """Set what may be spent."""
        if why == "none":
            raise UpdateRefused("Say why", {"why": "is no reason"})
        if limit < 10:
            raise UpdateRefused("10 are spent already")
        return Update({"limit": limit}, {"was": state["limit"], "salary": 7})

    @graph.update()
    def break_it(state: State) -> Any:
        raise OSError("no such thing")

    @graph.update("tell")
    def tell(state: State, *, how: str) -> Any:
        return Update(None, RESULTS[how])

    registry.register(
        graph.compile(), name="spending", editable=["limit"], secret=["salary"]
    )
    start_thread("spending", {"limit": 5}, thread_id="t-1", title="Spending")
    carried_out()
    return Thread.objects.get()


def typed(client: Any, update: str = "set_limit", **more: str) -> dict[str, str]:
    """What the form sends that is drawn for this person."""
    page = Html(client.get(f"{SEND}?update={update}"))
    key = page.one("input", name="key").attributes["value"]
    return {"update": update, "key": key, **more}


class TestSending:
    def test_the_page_of_the_thread_leads_to_each_update(self, as_, spending):
        page = Html(as_("operator").get("/threads/t-1/"))

        assert (
            page.one("a", href=f"{SEND}?update=set_limit").text.strip() == "Set limit"
        )
        assert page.one("a", href=f"{SEND}?update=break_it")

    def test_the_form_is_drawn_from_the_arguments(self, as_, spending):
        page = Html(as_("operator").get(f"{SEND}?update=set_limit"))

        assert page.has_text("Set what may be spent.")
        assert page.one("input", name="args/limit")
        assert page.one("input", name="args/why")

    def test_without_a_name_it_offers_all(self, as_, spending):
        page = Html(as_("operator").get(SEND))

        assert page.one("a", href=f"{SEND}?update=set_limit")
        assert page.one("a", href=f"{SEND}?update=break_it")

    def test_it_is_carried_out_and_its_result_told(self, as_, spending):
        client = as_("operator")
        form = typed(client, **{"args/limit": "500"})

        page = Html(client.post(SEND, form, follow=True))

        assert page.has_text("“Set limit” was carried out: was: 5, salary: •••")
        assert page.has_text("Update “Set limit” carried out, sent by operator")
        assert SentUpdate.objects.get().status == "done"
        assert AuditEntry.objects.filter(action="update.sent").count() == 1

    @pytest.mark.parametrize("how", ["deep", "in a list", "odd keys", "an object"])
    def test_what_is_secret_is_hidden_however_deep(self, as_, spending, how):
        client = as_("operator")
        form = typed(client, "tell", **{"args/how": how})

        page = Html(client.post(SEND, form, follow=True))

        assert page.has_text("“Tell” was carried out")
        assert not page.has_text("4711")

    def test_a_result_that_json_lacks_is_said_plainly(self, as_, spending):
        client = as_("operator")
        form = typed(client, "tell", **{"args/how": "a day"})

        page = Html(client.post(SEND, form, follow=True))

        assert page.has_text("“Tell” was carried out: on: 2026-12-24")

    def test_sent_twice_it_is_one(self, as_, spending):
        client = as_("operator")
        form = typed(client, **{"args/limit": "500"})
        client.post(SEND, form)

        page = Html(client.post(SEND, form, follow=True))

        assert page.has_text("was: 5")
        assert SentUpdate.objects.count() == 1

    def test_a_refusal_is_told_and_what_was_typed_stays(self, as_, spending):
        client = as_("operator")

        answer = client.post(SEND, typed(client, **{"args/limit": "3"}))

        page = Html(answer)
        assert answer.status_code == 409
        assert page.has_text("10 are spent already")
        assert page.one("input", name="args/limit").attributes["value"] == "3"
        again = dict(typed(client), **{"args/limit": "30"})
        again["key"] = page.one("input", name="key").attributes["value"]
        assert client.post(SEND, again).status_code == 303

    def test_what_does_not_fit_is_said_at_its_field(self, as_, spending):
        client = as_("operator")

        answer = client.post(SEND, typed(client, **{"args/limit": "much"}))

        assert answer.status_code == 400
        assert Html(answer).has_text("Limit: Enter a whole number")
        assert not SentUpdate.objects.exists()

    def test_a_refusal_that_names_an_argument_stands_at_its_field(self, as_, spending):
        client = as_("operator")
        form = typed(client, **{"args/limit": "50", "args/why": "none"})

        page = Html(client.post(SEND, form))

        assert page.has_text("1 field needs another look")
        assert page.has_text("Why: is no reason")

    def test_a_mistake_of_the_handler_is_told(self, as_, spending):
        client = as_("operator")

        answer = client.post(SEND, typed(client, "break_it"))

        assert answer.status_code == 409
        assert Html(answer).has_text("OSError: no such thing. Nothing has changed.")


class TestWhoMay:
    def test_a_reviewer_may_while_a_question_is_put_to_them(self, as_, spending):
        client = as_("reviewer")

        assert (
            client.post(SEND, typed(client, **{"args/limit": "50"})).status_code == 303
        )

    def test_a_viewer_may_not(self, as_, spending):
        assert not Html(as_("viewer").get("/threads/t-1/")).all(
            "a", href=f"{SEND}?update=set_limit"
        )
        assert as_("viewer").get(SEND).status_code == 403
        assert as_("stranger").get(SEND).status_code == 404

    def test_one_that_does_not_exist(self, as_, spending):
        assert as_("operator").get(f"{SEND}?update=nix").status_code == 404
