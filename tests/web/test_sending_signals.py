"""An operator sends a signal by hand: the form, what is wrong in it, and who may (RB.2)."""

import pytest

from tests.web.conftest import Html
from tests.web.signalling import SEND, run, tell_wait
from workflows.engine import serde
from workflows.models import Awaited, Run, Signal, Thread

assert run

pytestmark = pytest.mark.rule("RB.2")


def typed(page: Html, **more: str) -> dict[str, str]:
    """What the form sends that was drawn."""
    key = page.one("input", name="key").attributes["value"]
    return {"topic": "paid", "other": "", "payload": "", "key": key, **more}


class TestSending:
    def test_the_page_leads_to_the_form_who_may_operate(self, as_, run):
        assert Html(as_("operator").get("/threads/t-1/")).one("a", href=SEND)
        assert Html(as_("operator").get(f"/runs/{run.pk}/")).one("a", href=SEND)
        for name in ("viewer", "reviewer"):
            assert not Html(as_(name).get("/threads/t-1/")).all("a", href=SEND)

    def test_the_form_offers_what_is_waited_for(self, as_, thread, run):
        tell_wait(thread, "ship", "sent")

        page = Html(as_("operator").get(SEND))

        offered = page.all("input", name="topic")
        assert [each.attributes["value"] for each in offered] == ["paid", "sent", ""]
        assert "checked" in offered[0].attributes
        assert page.has_text("paid waited for in collect")

    def test_where_nothing_is_waited_for_it_asks_for_the_topic(self, as_, thread):
        page = Html(as_("operator").get(SEND))

        assert not page.all("input", name="topic")
        assert page.one("input", name="other")
        assert page.has_text("lies in its mailbox until one does")

    def test_it_is_sent_and_told(self, as_, thread, run):
        client = as_("operator")
        form = typed(Html(client.get(SEND)), payload='{"amount": 120}')

        page = Html(client.post(SEND, form, follow=True))

        sent = Signal.objects.get()
        assert (sent.thread_id, sent.topic) == ("t-1", "paid")
        assert sent.sent_by.username == "operator"
        assert serde.loads(sent.payload) == {"amount": 120}
        assert page.has_text("Signal “paid” was sent.")
        assert page.has_text("Signal “paid” came in, sent by operator")
        assert Run.objects.latest("pk").kind == "wake"

    def test_nothing_typed_is_null(self, as_, run):
        client = as_("operator")

        client.post(SEND, typed(Html(client.get(SEND)), payload=" \n"))

        assert serde.loads(Signal.objects.get().payload) is None

    def test_another_topic_lies_in_the_mailbox(self, as_, run):
        client = as_("operator")
        form = typed(Html(client.get(SEND)), topic="", other=" sent ")

        page = Html(client.post(SEND, form, follow=True))

        assert Signal.objects.get().topic == "sent"
        assert page.has_text("It lies in the mailbox until a task waits for it.")
        assert page.has_text("1 signal in the mailbox")

    def test_sent_twice_it_is_one(self, as_, run):
        client = as_("operator")
        form = typed(Html(client.get(SEND)))
        client.post(SEND, form)

        page = Html(client.post(SEND, form, follow=True))

        assert Signal.objects.count() == 1
        assert page.has_text("no second one was sent")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (
                {"payload": '{"amount"\n 120}'},
                "Not valid JSON at line 2, column 2: expecting ':' delimiter.",
            ),
            ({"payload": "NaN"}, "Not valid JSON at $: NaN is not JSON."),
            ({"payload": '"\\u0000"'}, "holds a NUL character at position 1"),
            ({"topic": "", "other": "  "}, "Say on which topic."),
            ({"topic": "", "other": "x" * 201}, "A topic has 1 to 200 characters"),
            ({"topic": "", "other": "a\tb"}, "A topic has 1 to 200 characters"),
            ({"topic": "", "other": "a\x00b"}, "holds a NUL character"),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(
        self, as_, run, change, words
    ):
        client = as_("operator")
        form = typed(Html(client.get(SEND)), **{"payload": '"kept"', **change})

        answer = client.post(SEND, form)

        page = Html(answer)
        assert answer.status_code == 400
        assert Signal.objects.count() == 0
        assert page.has_text(words)
        assert page.one("textarea", name="payload").text.strip() == form["payload"]
        assert page.one("input", name="key").attributes["value"] == form["key"]
        if "other" not in change:
            assert page.one("input", name="topic", checked="").attributes["value"] == (
                "paid"
            )

    def test_a_full_mailbox_is_said(self, as_, run, monkeypatch):
        monkeypatch.setattr("workflows.services.signals.MAX_WAITING", 0)
        client = as_("operator")

        answer = client.post(SEND, typed(Html(client.get(SEND)), payload='"kept"'))

        assert answer.status_code == 409
        assert Html(answer).has_text("nobody takes them; nothing was sent.")
        assert Html(answer).one("textarea").text.strip() == '"kept"'

    def test_a_topic_that_is_waited_for_no_more_is_kept_as_typed(self, as_, run):
        client = as_("operator")
        form = typed(Html(client.get(SEND)), payload="{")
        Awaited.objects.all().delete()
        Thread.objects.update(status="busy")

        page = Html(client.post(SEND, form))

        assert page.one("input", name="other").attributes["value"] == "paid"

    def test_it_takes_the_right_to(self, as_, run):
        for method in ("get", "post"):
            assert getattr(as_("reviewer"), method)(SEND).status_code == 403
            assert getattr(as_("stranger"), method)(SEND).status_code == 404
        assert Signal.objects.count() == 0
