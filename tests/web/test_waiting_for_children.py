"""Threads that wait for the end of others, and what the pages of both say of each other (RB.5)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form, happen
from tests.web.signalling import (
    SEND,
    WAKE,
    moment_of,
    said,
    tell_wait,
    wait_on,
)
from workflows.models import Awaited, Child, Decision, Run, Thread

pytestmark = pytest.mark.rule("RB.5")

PARENT = "/threads/t-1/"


@pytest.fixture
def child(thread):
    """The thread that is waited for."""
    return Thread.objects.create(
        id="c-1", graph="letter", title="Page 7", status="busy"
    )


def started(thread: Thread, child_id: str, at_end: str = "cancel", **more) -> Child:
    happen(thread, "child", thread=child_id, graph="letter", node="fetch")
    count = Child.objects.count()
    return Child.objects.create(
        thread_id=thread.pk,
        place=f"place {count}",
        child_id=child_id,
        on_parent_end=at_end,
        **more,
    )


def waits(thread: Thread, *child_ids: str, status: str = "waiting") -> Run:
    """The last run of a thread that has waited since for these in one node."""
    Thread.objects.filter(pk=thread.pk).update(status=status)
    thread.refresh_from_db()
    happen(thread, "step", namespace="", step=0, source="loop", next=["fetch"])
    tell_wait(thread, "fetch", children=[*child_ids])
    wait_on(thread, *child_ids, kind="child")
    return Run.objects.create(
        thread=thread, graph="letter", kind="start", status="waiting"
    )


@pytest.fixture
def run(thread, child):
    started(thread, child.pk)
    return waits(thread, child.pk)


@pytest.fixture
def done(thread, child):
    """The last run of a thread whose work is done, and that waits for its child to end."""
    started(thread, child.pk, "wait")
    happen(thread, "step", namespace="", step=0, source="loop", next=[])
    Thread.objects.filter(pk=thread.pk).update(status="waiting")
    wait_on(thread, child.pk, kind="child")
    return Run.objects.create(
        thread=thread,
        graph="letter",
        kind="start",
        status="waiting",
        reason="children",
    )


def links_to(page: Html, thread_id: str, within: str) -> list[str]:
    """The words of the links to a thread within the element of that id."""
    return [
        " ".join(each.text.split())
        for each in page.all("a", href=f"/threads/{thread_id}/")
        if any(outer.attributes.get("id") == within for outer in each.parents)
    ]


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


class TestFamily:
    def box(self, as_, name: str = "viewer") -> str:
        page = Html(as_(name).get(PARENT))
        return " ".join(page.one("div", id="thread-children").text.split())

    def test_a_thread_without_any_says_nothing(self, as_, thread):
        page = Html(as_("viewer").get(PARENT))

        assert page.one("div", id="thread-children").text.strip() == ""
        assert not page.has_text("Started by")

    @pytest.mark.parametrize(
        ("at_end", "words"),
        [
            ("cancel", "; is cancelled when this thread ends"),
            ("wait", "; this thread ends after it"),
            ("leave", "; goes on when this thread ends"),
        ],
    )
    def test_it_says_how_each_stands_and_what_becomes_of_it(
        self, as_, thread, child, at_end, words
    ):
        started(thread, child.pk, at_end)

        assert self.box(as_) == (
            f"1 thread started from here Page 7 Busy Letter, started just now{words}"
        )

    def test_of_one_that_has_ended_nothing_becomes_any_more(self, as_, thread, child):
        started(thread, child.pk)
        Run.objects.create(thread=child, graph="letter", kind="start", status="success")
        Thread.objects.filter(pk=child.pk).update(status="idle")

        assert self.box(as_).endswith("Page 7 Done Letter, started just now")

    def test_after_the_end_of_the_parent_nothing_becomes_of_them(
        self, as_, thread, child
    ):
        started(thread, child.pk, "leave", settled=True)

        assert self.box(as_).endswith("Page 7 Busy Letter, started just now")

    def test_the_newest_come_first_and_the_others_are_counted(self, as_, thread):
        for number in range(12):
            Thread.objects.create(id=f"n{number}", graph="letter", title=f"No {number}")
            started(thread, f"n{number}")

        page = Html(as_("viewer").get(PARENT))

        box = page.one("div", id="thread-children")
        assert "12 threads started from here" in box.text
        assert "The newest 10 are shown, 2 more are not." in box.text
        shown = [each.text for each in page.all("a") if box in each.parents]
        assert shown == [f"No {number}" for number in range(11, 1, -1)]

    def test_one_that_was_started_twice_is_one(self, as_, thread, child):
        started(thread, child.pk)
        started(thread, child.pk, "leave")

        box = self.box(as_)

        assert box.startswith("1 thread started from here")
        assert box.endswith("goes on when this thread ends")

    def test_more_of_them_are_no_more_statements(
        self, as_, thread, child, django_assert_max_num_queries
    ):
        client = as_("viewer")
        started(thread, child.pk)
        with django_assert_max_num_queries(60) as first:
            client.get(PARENT)
        for number in range(8):
            Thread.objects.create(id=f"n{number}", graph="letter")
            started(thread, f"n{number}")
            started(Thread.objects.get(pk=f"n{number}"), thread.pk)

        with django_assert_max_num_queries(len(first) + 1):  # counts the parents
            client.get(PARENT)

    def test_the_page_of_the_child_leads_back(self, as_, thread, child):
        started(thread, child.pk)

        page = Html(as_("viewer").get("/threads/c-1/"))

        assert page.has_text("Started by First letter")
        assert page.one("a", href=PARENT).text == "First letter"

    def test_of_many_parents_three_are_named(self, as_, child):
        for number in range(5):
            parent = Thread.objects.create(
                id=f"n{number}", graph="letter", title=f"No {number}"
            )
            started(parent, child.pk)

        page = Html(as_("viewer").get("/threads/c-1/"))

        assert page.has_text("Started by No 0, No 1, No 2 and 2 more")


class TestCancelling:
    def page(self, as_, run: Run) -> Html:
        return Html(as_("operator").get(f"/runs/{run.pk}/cancel"))

    def test_who_cancels_reads_who_is_cancelled_with_it(self, as_, thread, run):
        page = self.page(as_, run)

        assert page.has_text("an event or a thread does not go on any more")
        assert page.has_text(
            "1 thread that it has started and that has not ended is cancelled, too. "
            "Continuing this thread does not start it again."
        )

    def test_those_are_counted_that_have_not_ended_and_are_not_left(
        self, as_, thread, run
    ):
        for at_end, status in (
            ("wait", "waiting"),
            ("leave", "busy"),
            ("cancel", "idle"),
            ("cancel", "error"),
        ):
            name = f"{at_end} {status}"
            Thread.objects.create(id=name, graph="letter", status=status)
            started(thread, name, at_end)
        started(thread, "gone")
        queued = Thread.objects.create(id="queued", graph="letter", status="idle")
        Run.objects.create(thread=queued, graph="letter", kind="start")
        started(thread, queued.pk)

        assert self.page(as_, run).has_text(
            "3 threads that it has started and that have not ended are cancelled, too. "
            "Continuing this thread does not start them again."
        )

    def test_one_that_has_not_begun_takes_none_along(self, as_, run):
        Run.objects.update(status="pending")

        assert not self.page(as_, run).has_text("cancelled, too")

    def test_one_without_children_says_nothing(self, as_, run):
        Child.objects.all().delete()

        assert not self.page(as_, run).has_text("cancelled, too")

    def test_what_is_done_stays(self, as_, done):
        page = self.page(as_, done)

        assert page.has_text("Its work is done, and stays as it is. 1 thread that")


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

    def test_those_that_wait_for_different_ones_are_not_alike(self, as_, thread, run):
        for number in range(5):
            tell_wait(thread, "item", children=["same"], task=f"a{number}")
        for number in range(5):
            tell_wait(thread, "item", children=[f"child {number}"], task=f"b{number}")

        page = Html(as_("viewer").get(PARENT))

        assert len([e for e in page.all("li") if "data-fold" in e.attributes]) == 1

    def test_folded_ones_lead_there_too(self, as_, thread, run):
        for number in range(5):
            tell_wait(thread, "item", children=["c-1"], task=f"a{number}")

        page = Html(as_("viewer").get(PARENT))

        folded = [e for e in page.all("li") if "data-fold" in e.attributes]
        assert len([a for a in page.all("a") if folded[0] in a.parents]) == 6


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
