"""Threads that wait for signals: for which, in which nodes, what lies in the mailbox, and how an operator sends one (RB.2)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.dateformat import format as date_format

from tests.web.conftest import Html, ask, decision_form, happen
from workflows.engine import serde
from workflows.models import Awaited, Decision, Run, Signal, Thread
from workflows.services import registry
from workflows.services.signals import send_signal

pytestmark = pytest.mark.rule("RB.2")

SEND, WAKE = "/threads/t-1/signal", "/threads/t-1/wake"


def tell_wait(thread: Thread, node: str, *topics: str, until: str = "", **more: str):
    """The end of a task that waits for signals, as a saver tells of it."""
    data = {"task": f"task of {node}", "node": node, "namespace": "", **more}
    happen(thread, "task", status="waiting", topics=[*topics], until=until, **data)


def wait_on(thread: Thread, *topics: str) -> None:
    for topic in topics:
        Awaited.objects.create(thread=thread, kind="signal", topic=topic)


@pytest.fixture
def run(thread):
    """The last run of a thread that has waited since for a signal in one node."""
    thread.status = "waiting"
    thread.save()
    happen(thread, "step", namespace="", step=0, source="loop", next=["collect"])
    tell_wait(thread, "collect", "paid")
    wait_on(thread, "paid")
    return Run.objects.create(
        thread=thread, graph="letter", kind="start", status="waiting"
    )


@pytest.fixture
def until(thread, run):
    """When it waits no longer."""
    found = timezone.now() + timedelta(hours=23, minutes=30)
    Thread.objects.filter(pk=thread.pk).update(wake_at=found)
    thread.refresh_from_db()
    tell_wait(thread, "collect", "paid", until=found.isoformat())
    return found


def moment_of(instant) -> str:
    return date_format(timezone.localtime(instant), "j M Y, H:i")


def said(page: Html) -> str:
    """What the page says of how the thread stands."""
    return " ".join(page.one("div", id="thread-status").text.split())


def typed(page: Html, **more: str) -> dict[str, str]:
    """What the form sends that was drawn."""
    key = page.one("input", name="key").attributes["value"]
    return {"topic": "paid", "other": "", "payload": "", "key": key, **more}


class TestOnePage:
    @pytest.mark.parametrize("path", ["/threads/t-1/", "/runs/{}/"])
    def test_it_says_for_which_signal_and_in_which_node(self, as_, run, path):
        page = Html(as_("viewer").get(path.format(run.pk)))

        assert said(page) == "Waiting Waits for signal “paid” in collect"

    def test_one_with_an_end_says_until_when(self, as_, until):
        page = Html(as_("viewer").get("/threads/t-1/"))

        assert said(page).endswith(
            f"“paid” in collect until {moment_of(until)} (in 23 h) at the latest"
        )

    def test_several_topics_and_nodes_are_told_apart(self, as_, thread, run):
        tell_wait(thread, "ship", *"abcd")
        for node in ("x", "y"):
            tell_wait(thread, node, "sent")

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "Waits for signal “paid” in collect Waits for" in told
        assert "Waits for signals “a”, “b”, “c” and 1 more in ship" in told
        assert told.endswith("and in 1 more node")

    def test_beside_a_sleep_both_are_told(self, as_, thread, run, until):
        nap = timezone.now() + timedelta(hours=2, minutes=30)
        Thread.objects.filter(pk=thread.pk).update(wake_at=nap)
        happen(
            thread,
            "task",
            task="nap",
            node="nap",
            status="waiting",
            until=nap.isoformat(),
        )

        page = Html(as_("operator").get("/threads/t-1/"))

        assert said(page).startswith(
            f"Waiting Sleeps in nap until {moment_of(nap)} (in 2 h) Waits for signal “paid”"
        )
        assert page.has_text("Ends every wait that has an end")

    def test_beside_a_question_both_are_told(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")
        ask(thread)

        page = Html(as_("operator").get("/threads/t-1/"))

        assert said(page).startswith(
            "Waits for a person Waits for signal “paid” in collect"
        )
        assert page.all("a", href=SEND)

    def test_what_happened_may_not_tell_the_node(self, as_, thread, run, until):
        happen(thread, "step", namespace="", step=1, source="fork", next=["collect"])

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert told.startswith("Waiting Waits for signal “paid” until ")

    def test_one_that_no_worker_has_taken_up_says_so(self, as_, thread, run):
        late = timezone.now() - timedelta(minutes=3)
        Thread.objects.filter(pk=thread.pk).update(wake_at=late)

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "Waits for signal “paid” in collect Was to go on on" in told
        assert told.endswith("(3 min ago): no worker has taken it up yet")

    @pytest.mark.parametrize("status", ["error", "busy", "idle"])
    def test_one_that_waits_no_more_says_nothing(self, as_, thread, run, status):
        Thread.objects.filter(pk=thread.pk).update(status=status)

        page = Html(as_("operator").get("/threads/t-1/"))

        assert "signal" not in said(page)
        assert not page.all("a", href=SEND)

    def test_who_cancels_reads_what_becomes_of_it(self, as_, run):
        page = Html(as_("operator").get(f"/runs/{run.pk}/cancel"))

        assert page.has_text("waits for a signal does not go on any more")

    def test_it_is_woken_only_where_the_wait_has_an_end(self, as_, thread, run):
        client = as_("operator")
        assert not Html(client.get("/threads/t-1/")).all("form", action=WAKE)
        later = timezone.now() + timedelta(hours=1)
        Thread.objects.filter(pk=thread.pk).update(wake_at=later)

        page = Html(client.get("/threads/t-1/"))

        assert page.form(WAKE)
        assert page.has_text("Goes on without the signal, as if its time were over.")


class TestTimeline:
    def test_a_task_that_waits_and_a_signal_that_comes(self, as_, thread, until):
        send_signal(thread.pk, "paid", 3)

        page = Html(as_("viewer").get("/threads/t-1/"))

        lines = [" ".join(each.text.split()) for each in page.all("p")]
        told = "collect waits for signal “paid”"
        assert told in lines
        assert f"{told} until {moment_of(until)}" in lines
        assert "Signal “paid” came in, sent by system" in lines

    def test_those_that_wait_for_different_signals_are_not_alike(
        self, as_, thread, run
    ):
        for number in range(5):
            tell_wait(thread, "item", "same", task=f"a{number}")
        for number in range(5):
            tell_wait(thread, "item", f"topic {number}", task=f"b{number}")

        page = Html(as_("viewer").get("/threads/t-1/"))

        assert len([e for e in page.all("li") if "data-fold" in e.attributes]) == 1

    def test_topics_are_text(self, as_, thread, run):
        tell_wait(thread, "item", "<b>bold</b>")
        happen(thread, "signal", topic="<b>bold</b>", by="<i>x</i>")

        page = Html(as_("viewer").get("/threads/t-1/"))

        assert not page.all("b")
        assert not page.all("i")


class TestMailbox:
    def test_what_nobody_has_taken_lies_there(self, as_, thread, run, people):
        send_signal(thread.pk, "sent", {"parcel": 7})
        Signal.objects.create(
            thread_id=thread.pk, topic="back", payload="null", sent_by=people["admin"]
        )
        Signal.objects.create(
            thread_id=thread.pk, topic="old", payload="null", handed=True
        )

        page = Html(as_("viewer").get("/threads/t-1/"))

        box = " ".join(page.one("div", id="thread-signals").text.split())
        assert "2 signals in the mailbox" in box
        assert "“sent” from system, just now Payload" in box
        assert "parcel 7" in box
        assert "“back” from admin, just now" in box
        assert "old" not in box.replace("oldest", "")

    def test_many_are_counted(self, as_, thread):
        for number in range(12):
            Signal.objects.create(
                thread_id=thread.pk, topic=f"n{number}", payload="null"
            )

        box = Html(as_("viewer").get("/threads/t-1/")).one("div", id="thread-signals")

        assert "12 signals in the mailbox" in box.text
        assert "The oldest 10 are shown." in box.text
        assert "“n9”" in box.text
        assert "“n10”" not in box.text

    def test_secret_fields_of_a_payload_are_masked(self, as_, thread):
        item = registry.get("letter")
        registry._graphs["letter"] = replace(item, secret=frozenset({"iban"}))
        send_signal(thread.pk, "paid", {"iban": "DE02", "amount": 5})

        text = Html(as_("operator").get("/threads/t-1/")).text()

        assert "DE02" not in text
        assert "amount" in text

    def test_an_empty_one_is_not_shown(self, as_, thread):
        box = Html(as_("viewer").get("/threads/t-1/")).one("div", id="thread-signals")

        assert box.text == ""


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


class TestReviewers:
    @pytest.fixture
    def question(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")
        made = ask(thread)
        as_("reviewer").post(f"/review/{made.pk}/decision", decision_form(made))
        Thread.objects.filter(pk=thread.pk).update(status="waiting")
        Decision.objects.update(created_at=timezone.now() - timedelta(hours=1))
        Run.objects.filter(kind="resume").update(status="waiting", fence=1)
        return made

    def test_who_has_answered_reads_why_nothing_happens(self, as_, question):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text(
            "The workflow waits for signal “paid”, and goes on by itself when it comes."
        )

    def test_with_an_end_it_says_until_when(self, as_, thread, question, until):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text(
            f"goes on by itself when it comes, or at the latest {moment_of(until)} (in 23 h)."
        )


class TestLists:
    def row(self, as_, query: str = "?status=waiting") -> str:
        page = Html(as_("viewer").get(f"/threads/{query}"))
        return " ".join(page.one("tr", **{"data-row": ""}).text.split())

    def test_it_says_for_what(self, as_, thread, run):
        assert "Waiting for signal “paid” just now" in self.row(as_)

    def test_of_several_the_first(self, as_, thread, run, until):
        wait_on(thread, "sent", "back")

        assert "for signal “paid” and 2 more, goes on in 23 h at the latest" in (
            self.row(as_)
        )

    def test_beside_a_question(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")

        assert "waits too for signal “paid”" in self.row(as_, "?status=interrupted")

    def test_one_that_no_worker_has_taken_up_says_so(self, as_, thread, run):
        late = timezone.now() - timedelta(minutes=3)
        Thread.objects.filter(pk=thread.pk).update(wake_at=late)

        assert "for signal “paid”, was to go on 3 min ago" in self.row(as_)

    def test_many_threads_are_asked_about_at_once(
        self, as_, thread, run, django_assert_max_num_queries
    ):
        client = as_("viewer")
        with django_assert_max_num_queries(50) as first:
            client.get("/threads/")
        for number in range(5):
            other = Thread.objects.create(
                id=f"n{number}", graph="letter", status="waiting"
            )
            wait_on(other, "paid")

        with django_assert_max_num_queries(len(first)):
            client.get("/threads/")
