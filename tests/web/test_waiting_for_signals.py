"""Threads that wait for signals: for which, in which nodes, until when, and what lies in the mailbox (RB.2)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form, happen
from tests.web.signalling import (
    SEND,
    WAKE,
    moment_of,
    run,
    said,
    tell_wait,
    until,
    wait_on,
)
from workflows.models import Decision, Run, Signal, Thread
from workflows.services import registry
from workflows.services.signals import send_signal

assert run
assert until

pytestmark = pytest.mark.rule("RB.2")


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

        assert page.has_text(
            "waits for a signal, an event or a thread does not go on any more"
        )

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

    @pytest.mark.parametrize(("topic", "is_told"), [("paid", True), ("payed", False)])
    def test_one_that_is_waited_for_says_so(self, as_, thread, run, topic, is_told):
        Signal.objects.create(thread_id=thread.pk, topic=topic, payload="null")

        box = Html(as_("viewer").get("/threads/t-1/")).one("div", id="thread-signals")

        assert ("waited for" in box.text) == is_told

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
