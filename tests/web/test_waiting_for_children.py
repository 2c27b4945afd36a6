"""Threads that wait for the end of others, and what the pages of both say of each other (RB.5)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form, happen
from tests.web.families import PARENT, child, done, links_to, run, started, waits
from tests.web.signalling import (
    SEND,
    WAKE,
    moment_of,
    said,
    tell_wait,
    wait_on,
)
from workflows.models import Awaited, Decision, Run, Thread

assert child
assert done
assert run

pytestmark = pytest.mark.rule("RB.5")


class TestOnePage:
    @pytest.mark.parametrize("path", [PARENT, "/runs/{}/"])
    def test_it_says_for_which_thread_and_in_which_node(self, as_, run, path):
        page = Html(as_("operator").get(path.format(run.pk)))

        assert said(page) == "Waiting Waits for thread Page 7 in fetch"
        assert links_to(page, "c-1", "thread-status") == ["Page 7"]
        assert not page.all("a", href=SEND)
        assert not page.all("form", action=WAKE)

    def test_one_with_an_end_says_until_when(self, as_, thread, run):
        until = timezone.now() + timedelta(hours=23, minutes=30)
        Thread.objects.filter(pk=thread.pk).update(wake_at=until)
        thread.refresh_from_db()
        tell_wait(thread, "fetch", children=["c-1"], until=until.isoformat())

        page = Html(as_("operator").get(PARENT))

        assert said(page) == (
            f"Waiting Waits for thread Page 7 in fetch until {moment_of(until)} (in 23 h) at the latest"
        )
        assert page.form(WAKE)
        assert page.has_text(
            "Goes on before the thread has ended, as if its time were over."
        )

    def test_beside_a_signal_and_an_event_all_are_told(self, as_, thread, run):
        tell_wait(thread, "all", "paid", events=["told"], children=[*"abcd"])
        wait_on(thread, "paid")
        wait_on(thread, "told", kind="event")
        wait_on(thread, *"abcd", kind="child")

        told = said(Html(as_("operator").get(PARENT)))

        assert (
            "Waits for signal “paid” and event “told” and threads a, b, c and 1 more in all"
            in told
        )

    def test_one_that_is_gone_is_named_by_its_id(self, as_, run, child):
        child.delete()

        page = Html(as_("viewer").get(PARENT))

        assert said(page) == "Waiting Waits for thread c-1 in fetch"
        assert not page.all("a", href="/threads/c-1/")

    def test_what_happened_may_not_tell_the_node(self, as_, thread, run):
        happen(thread, "step", namespace="", step=1, source="fork", next=["fetch"])

        assert said(Html(as_("viewer").get(PARENT))) == (
            "Waiting Waits for thread Page 7"
        )

    @pytest.mark.parametrize("path", [PARENT, "/runs/{}/"])
    def test_one_whose_work_is_done_says_so(self, as_, done, path):
        page = Html(as_("viewer").get(path.format(done.pk)))

        assert said(page) == (
            "Waiting Its work is done; waits for thread Page 7 to end"
        )

    def test_a_later_run_tells_what_the_first_one_did(self, as_, thread, done):
        Run.objects.create(thread=thread, graph="letter", kind="wake", status="success")
        Thread.objects.filter(pk=thread.pk).update(status="idle")
        Awaited.objects.all().delete()
        client = as_("viewer")

        page = Html(client.get(f"/runs/{done.pk}/"))

        assert page.has_text(
            "Its work was done, and the thread waited for threads that it had started."
        )
        row = Html(client.get("/runs/")).one("tr", id=f"run-{done.pk}")
        assert "Waiting its work is done" in " ".join(row.text.split())

    def test_titles_and_ids_are_text(self, as_, thread, run):
        Thread.objects.filter(pk="c-1").update(title="<b>bold</b>")
        started(thread, "<i>x</i>")
        wait_on(thread, "<i>x</i>", kind="child")

        for path in (PARENT, "/threads/"):
            page = Html(as_("viewer").get(path))

            assert not page.all("b")
            assert not page.all("i")


class TestRights:
    """Whoever may not see a workflow reads of its threads what they would read if there were none."""

    @pytest.fixture
    def hidden(self, thread, other_thread):
        started(thread, other_thread.pk)
        waits(thread, other_thread.pk)
        return other_thread

    @pytest.mark.parametrize("path", [PARENT, "/threads/", "/runs/{}/"])
    def test_a_hidden_one_and_a_missing_one_look_alike(self, as_, hidden, path):
        client = as_("operator")
        path = path.format(Run.objects.get().pk)

        first = Html(client.get(path))

        assert first.has_text("thread t-secret")
        assert not first.all("a", href="/threads/t-secret/")
        for word in ("Salaries", "Payroll", "payroll"):
            assert not first.has_text(word)
        hidden.delete()
        assert Html(client.get(path)).text() == first.text()

    def test_who_may_see_it_is_led_there(self, as_, hidden):
        client = as_("admin")

        page = Html(client.get(PARENT))

        assert said(page).endswith("Waits for thread Salaries in fetch")
        for place in ("thread-status", "thread-children", "timeline"):
            assert "Salaries" in links_to(page, "t-secret", place)
        rows = Html(client.get("/threads/?status=waiting"))
        assert rows.all("a", href="/threads/t-secret/")

    def test_drawings_are_not_shared_among_people(self, as_, hidden):
        """The timeline keeps what it has drawn."""
        for name, is_led in (("admin", True), ("viewer", False), ("admin", True)):
            page = Html(as_(name).get(PARENT))

            assert bool(links_to(page, "t-secret", "timeline")) is is_led

    def test_a_parent_that_is_hidden(self, as_, thread, other_thread):
        started(other_thread, thread.pk)

        page = Html(as_("viewer").get(PARENT))

        assert page.has_text("Started by t-secret")
        assert not page.has_text("Salaries")
        assert not page.all("a", href="/threads/t-secret/")


class TestTimeline:
    def lines(self, as_) -> list[str]:
        page = Html(as_("viewer").get(PARENT))
        return [" ".join(each.text.split()) for each in page.all("p")]

    def test_a_start_and_a_task_that_waits(self, as_, run):
        lines = self.lines(as_)

        assert "Started Page 7 as a thread of its own in fetch" in lines
        assert "fetch waits for thread Page 7" in lines

    def test_a_run_whose_work_is_done(self, as_, thread, done):
        told = {"kind": "start", "status": "waiting", "reason": "children"}
        happen(thread, "run", run=done.pk, **told)

        assert f"Run {done.pk} Waiting its work is done" in self.lines(as_)

    def test_a_title_that_changes_is_drawn_anew(self, as_, run, child):
        self.lines(as_)
        Thread.objects.filter(pk=child.pk).update(title="Page 8")

        assert "fetch waits for thread Page 8" in self.lines(as_)

    def test_many_are_told_in_two_lines_which_open(self, as_, thread, child):
        for number in range(5):
            started(thread, "c-1" if number else "gone")
        for number in range(5):
            children = ["c-1" if number else "gone"]
            tell_wait(thread, "fetch", children=children, task=f"a{number}")

        page = Html(as_("viewer").get(PARENT))

        folds = [e for e in page.all("li") if "data-fold" in e.attributes]
        heads = [
            " ".join(each.text.split())
            for each in page.all("summary")
            if any(fold in each.parents for fold in folds)
        ]
        assert len(heads) == 2
        assert heads[0].startswith("Started threads of their own in fetch")
        assert heads[1].startswith("fetch waits for a thread each")
        for fold in folds:
            links = [a for a in page.all("a") if fold in a.parents]
            assert [a.text for a in links] == ["Page 7"] * 4

    def test_those_that_wait_for_a_signal_too_are_not_alike(self, as_, thread, run):
        for number in range(5):
            tell_wait(thread, "x", "paid", children=[f"c{number}"], task=f"a{number}")

        page = Html(as_("viewer").get(PARENT))

        assert not [e for e in page.all("li") if "data-fold" in e.attributes]


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
            "The workflow waits for thread Page 7, and goes on by itself when it has ended."
        )
        assert page.all("a", href="/threads/c-1/")

    def test_beside_a_signal(self, as_, thread, question):
        wait_on(thread, "paid")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text("goes on by itself when one comes or has ended.")

    def test_where_the_work_is_done(self, as_, question):
        Run.objects.filter(kind="resume").update(reason="children")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text(
            "The workflow has done its work, and waits for thread Page 7 to end."
        )


class TestLists:
    def row(self, as_, query: str = "?status=waiting") -> str:
        page = Html(as_("viewer").get(f"/threads/{query}"))
        row = next(
            each
            for each in page.all("tr", **{"data-row": ""})
            if "First letter" in each.text
        )
        return " ".join(row.text.split())

    def test_it_says_for_what(self, as_, run):
        assert "Waiting for thread Page 7 just now" in self.row(as_)

    def test_of_several_the_first_beside_what_else_is_waited_for(
        self, as_, thread, run
    ):
        wait_on(thread, "c-2", "c-3", kind="child")
        wait_on(thread, "paid")

        assert "for signal “paid” and for thread Page 7 and 2 more" in self.row(as_)

    def test_beside_a_question(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")

        assert "waits too for thread Page 7" in self.row(as_, "?status=interrupted")

    def test_many_threads_are_asked_about_at_once(
        self, as_, run, child, django_assert_max_num_queries
    ):
        client = as_("viewer")
        with django_assert_max_num_queries(50) as first:
            client.get("/threads/")
        for number in range(5):
            other = Thread.objects.create(
                id=f"n{number}", graph="letter", status="waiting"
            )
            wait_on(other, f"n{(number + 1) % 5}", "c-1", kind="child")

        with django_assert_max_num_queries(len(first)):
            client.get("/threads/")
