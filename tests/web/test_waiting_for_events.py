"""Threads that wait for events, alone and beside signals: for which, in which nodes, and until when (RB.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form, happen
from tests.web.signalling import (
    SEND,
    WAKE,
    eventful,
    moment_of,
    run,
    said,
    tell_wait,
    wait_on,
)
from workflows.models import Awaited, Decision, Run, Thread

assert eventful
assert run

pytestmark = pytest.mark.rule("RB.3")


def is_given_up(thread: Thread, **passed: int):
    """When it waits no longer."""
    found = timezone.now() + timedelta(**passed)
    Thread.objects.filter(pk=thread.pk).update(wake_at=found)
    return found


class TestOnePage:
    @pytest.mark.parametrize("path", ["/threads/t-1/", "/runs/{}/"])
    def test_it_says_for_which_event_and_in_which_node(self, as_, eventful, path):
        page = Html(as_("operator").get(path.format(eventful.pk)))

        assert said(page) == "Waiting Waits for event “told” in listen"
        assert not page.all("a", href=SEND)
        assert not page.all("form", action=WAKE)

    def test_one_with_an_end_says_until_when(self, as_, thread, eventful):
        until = is_given_up(thread, hours=23, minutes=30)
        tell_wait(thread, "listen", events=["told"], until=until.isoformat())

        page = Html(as_("operator").get("/threads/t-1/"))

        assert said(page) == (
            f"Waiting Waits for event “told” in listen until {moment_of(until)} (in 23 h) at the latest"
        )
        assert page.form(WAKE)
        assert page.has_text("Goes on without the event, as if its time were over.")

    def test_a_node_that_waits_for_both_says_both(self, as_, thread, eventful):
        tell_wait(thread, "both", "paid", events=[*"abcd"])
        wait_on(thread, "paid")
        wait_on(thread, *"abcd", kind="event")

        page = Html(as_("operator").get("/threads/t-1/"))

        told = "Waits for signal “paid” and events “a”, “b”, “c” and 1 more in both"
        assert told in said(page)
        assert page.one("a", href=SEND)

    def test_a_key_is_told_where_it_is_the_only_one(self, as_, thread, eventful):
        Awaited.objects.update(key="NL")
        tell_wait(thread, "two", events=["sent"])
        for key in ("1", "2"):
            wait_on(thread, "sent", kind="event", key=key)

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "event “told” (key “NL”) in listen" in told
        assert "event “sent” in two" in told

    def test_a_signal_of_the_same_name_is_not_the_event(self, as_, thread, eventful):
        wait_on(thread, "told")

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert told.endswith("Waits for event “told” in listen Waits for signal “told”")

    def test_beside_a_sleep_both_are_told(self, as_, thread, eventful):
        nap = is_given_up(thread, hours=2, minutes=30)
        said_of = {"node": "nap", "status": "waiting", "until": nap.isoformat()}
        happen(thread, "task", task="nap", **said_of)

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert told == (
            f"Waiting Sleeps in nap until {moment_of(nap)} (in 2 h) Waits for event “told” in listen"
        )

    def test_what_happened_may_not_tell_the_node(self, as_, thread, eventful):
        happen(thread, "step", namespace="", step=1, source="fork", next=["listen"])

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert told == "Waiting Waits for event “told”"

    def test_who_cancels_reads_what_becomes_of_it(self, as_, eventful):
        page = Html(as_("operator").get(f"/runs/{eventful.pk}/cancel"))

        assert page.has_text("an event or a thread does not go on any more")

    def test_the_form_of_a_signal_offers_no_events(self, as_, thread, eventful):
        client = as_("operator")
        assert not Html(client.get(SEND)).all("input", name="topic")
        tell_wait(thread, "both", "paid", events=["told"])

        offered = Html(client.get(SEND)).all("input", name="topic")

        assert [each.attributes["value"] for each in offered] == ["paid", ""]


class TestTimeline:
    def test_a_task_that_waits(self, as_, thread, eventful):
        until = is_given_up(thread, hours=1)
        tell_wait(thread, "x", "paid", events=["a", "b"], until=until.isoformat())

        page = Html(as_("viewer").get("/threads/t-1/"))

        lines = [" ".join(each.text.split()) for each in page.all("p")]
        assert "listen waits for event “told”" in lines
        assert (
            f"x waits for signal “paid” and events “a”, “b” until {moment_of(until)}"
            in lines
        )

    def test_those_that_wait_for_different_events_are_not_alike(
        self, as_, thread, eventful
    ):
        for number in range(5):
            tell_wait(thread, "item", events=["same"], task=f"a{number}")
        for number in range(5):
            tell_wait(thread, "item", events=[f"event {number}"], task=f"b{number}")

        page = Html(as_("viewer").get("/threads/t-1/"))

        assert len([e for e in page.all("li") if "data-fold" in e.attributes]) == 1

    def test_names_and_keys_are_text(self, as_, thread, eventful):
        tell_wait(thread, "item", events=["<b>bold</b>"])
        wait_on(thread, "<b>bold</b>", kind="event", key="<i>x</i>")

        for path in ("/threads/t-1/", "/threads/"):
            page = Html(as_("viewer").get(path))

            assert not page.all("b")
            assert not page.all("i")


class TestReviewers:
    def test_who_has_answered_reads_why_nothing_happens(self, as_, thread, eventful):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")
        made = ask(thread)
        as_("reviewer").post(f"/review/{made.pk}/decision", decision_form(made))
        Thread.objects.filter(pk=thread.pk).update(status="waiting")
        Decision.objects.update(created_at=timezone.now() - timedelta(hours=1))
        Run.objects.filter(kind="resume").update(status="waiting", fence=1)

        page = Html(as_("reviewer").get(f"/review/{made.pk}/"))

        assert page.has_text(
            "The workflow waits for event “told”, and goes on by itself when it comes."
        )


class TestLists:
    def row(self, as_, query: str = "?status=waiting") -> str:
        page = Html(as_("viewer").get(f"/threads/{query}"))
        return " ".join(page.one("tr", **{"data-row": ""}).text.split())

    def test_it_says_for_what(self, as_, eventful):
        assert "Waiting for event “told” just now" in self.row(as_)

    def test_a_key_is_told(self, as_, eventful):
        Awaited.objects.update(key="NL")

        assert "for event “told” (key “NL”)" in self.row(as_)

    def test_beside_a_signal_both_are_told(self, as_, thread, eventful):
        is_given_up(thread, hours=23, minutes=30)
        wait_on(thread, "sent", kind="event")
        wait_on(thread, "paid")

        assert (
            "for signal “paid” and for event “told” and 1 more, goes on in 23 h at the latest"
            in self.row(as_)
        )

    def test_beside_a_question(self, as_, thread, eventful):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")

        assert "waits too for event “told”" in self.row(as_, "?status=interrupted")

    def test_many_threads_are_asked_about_at_once(
        self, as_, thread, eventful, django_assert_max_num_queries
    ):
        client = as_("viewer")
        with django_assert_max_num_queries(50) as first:
            client.get("/threads/")
        for number in range(5):
            other = Thread.objects.create(
                id=f"n{number}", graph="letter", status="waiting"
            )
            wait_on(other, "paid")
            wait_on(other, "told", kind="event")

        with django_assert_max_num_queries(len(first)):
            client.get("/threads/")
