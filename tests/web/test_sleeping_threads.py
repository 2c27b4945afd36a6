"""Threads that sleep: until when, where, and how an operator wakes them before their time (RB.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.dateformat import format as date_format

from tests.web.conftest import Html, ask, decision_form, happen
from workflows.models import Decision, Event, Run, Thread

pytestmark = pytest.mark.rule("RB.1")

WAKE = "/threads/t-1/wake"


def tell_task(thread: Thread, node: str, status: str = "waiting", **more: str) -> Event:
    """The end of a task, as a saver tells of it."""
    data = {"task": f"task of {node}", "node": node, "namespace": "", **more}
    if status == "waiting":
        data |= {"until": "2026-11-24T08:49:07.5+00:00", **more}
    return happen(thread, "task", status=status, **data)


@pytest.fixture
def until():
    return timezone.now() + timedelta(hours=23, minutes=30)


@pytest.fixture
def run(thread, until):
    """The last run of a thread that has slept since in one node."""
    thread.status, thread.wake_at = "waiting", until
    thread.save()
    happen(thread, "step", namespace="", step=0, source="loop", next=["nap"])
    tell_task(thread, "nap")
    return Run.objects.create(
        thread=thread, graph="letter", kind="start", status="waiting"
    )


def said(page: Html) -> str:
    """What the page says of how the thread stands."""
    return " ".join(page.one("div", id="thread-status").text.split())


def wake_up_late(thread: Thread) -> None:
    late = timezone.now() - timedelta(minutes=3)
    Thread.objects.filter(pk=thread.pk).update(wake_at=late)


class TestOnePage:
    @pytest.mark.parametrize("path", ["/threads/t-1/", "/runs/{}/"])
    def test_it_says_until_when_and_in_which_node(self, as_, run, until, path):
        page = Html(as_("viewer").get(path.format(run.pk)))

        moment = date_format(timezone.localtime(until), "j M Y, H:i")
        assert said(page) == (f"Waiting Sleeps in nap until {moment} (in 23 h)")

    def test_a_thread_that_asks_too_tells_both(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")
        ask(thread)
        tell_task(thread, "ask", "interrupted")
        happen(thread, "step", namespace="", step=1, source="loop", next=["nap", "ask"])
        tell_task(thread, "nap")

        page = Html(as_("operator").get("/threads/t-1/"))

        assert said(page).startswith("Waits for a person Sleeps in nap until ")
        assert page.has_text("Waits for an answer Send it?")
        assert page.form(WAKE)

    def test_of_several_nodes_the_first_to_wake_comes_first(self, as_, thread, run):
        for node, hour in (("d", 5), ("b", 3), ("a", 2), ("c", 4)):
            tell_task(thread, node, until=f"2026-11-23T0{hour}:00:00+00:00")

        page = Html(as_("viewer").get("/threads/t-1/"))

        assert "Sleeps in a, b, c and 2 more, the first until" in said(page)

    def test_nodes_that_have_gone_on_are_not_named(self, as_, thread, run):
        tell_task(thread, "inner", namespace="part:1")
        tell_task(thread, "below", namespace="part:1|deep:2")
        happen(thread, "step", namespace="part:1", step=1, source="loop", next=[])
        tell_task(thread, "other", namespace="part:10")
        tell_task(thread, "nap", "done")

        assert "Sleeps in other until" in said(Html(as_("viewer").get("/threads/t-1/")))

    @pytest.mark.parametrize(
        ("source", "due", "words"),
        [
            ("update", ["nap"], "Sleeps in nap until"),
            ("update", ["part"], "Sleeps in inner until"),
            ("update", [], "Sleeps until"),
            ("fork", ["nap"], "Sleeps until"),
        ],
    )
    def test_after_an_edit_those_are_named_that_are_due_still(
        self, as_, thread, run, source, due, words
    ):
        tell_task(thread, "inner", namespace="part:1")
        happen(thread, "step", namespace="", step=1, source=source, next=due)

        assert words in said(Html(as_("viewer").get("/threads/t-1/")))

    def test_what_has_gone_on_after_an_edit_is_not_named(self, as_, thread, run):
        tell_task(thread, "other")
        happen(
            thread,
            "step",
            namespace="",
            step=1,
            source="update",
            next=["nap", "other"],
        )
        tell_task(thread, "nap", "done", task="another")

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert told.startswith("Waiting Sleeps in other until")

    def test_one_that_nobody_has_woken_in_time_says_so(self, as_, thread, run):
        wake_up_late(thread)

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "Was to wake in nap on " in told
        assert told.endswith("(3 min ago): no worker has woken it yet")

    def test_one_whose_run_stands_in_line_says_that(self, as_, thread, run):
        wake_up_late(thread)
        place = {"queue": "mail", "queued_at": timezone.now(), "graph": "letter"}
        Run.objects.create(thread=thread, kind="wake", **place)

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "Has slept in nap until" in told
        assert told.endswith("(3 min ago): its run waits for its queue")

    def test_one_whose_time_has_just_come_is_on_its_way(self, as_, thread, run):
        thread.wake_at = timezone.now() - timedelta(seconds=3)
        thread.save()

        told = said(Html(as_("viewer").get("/threads/t-1/")))

        assert "Sleeps in nap until" in told
        assert told.endswith("(just now)")

    @pytest.mark.parametrize("status", ["error", "busy", "idle"])
    def test_one_that_nobody_is_to_wake_says_nothing(self, as_, thread, run, status):
        Thread.objects.filter(pk=thread.pk).update(status=status)

        page = Html(as_("operator").get("/threads/t-1/"))

        assert "leep" not in said(page)
        assert not page.all("form", action=WAKE)

    def test_the_timeline_tells_it_with_a_clock(self, as_, thread, run):
        page = as_("viewer").get("/threads/t-1/")

        line = " ".join(Html(page).one("li", id="event-2").text.split())
        assert line.startswith("nap sleeps until 24 Nov 2026, 08:49")
        item = page.content.decode().partition('id="event-2"')[2]
        assert 'd="M12 3a9 9 0 1 0' in item[: item.index("</svg>")]


class TestWaking:
    @pytest.mark.parametrize("path", ["/threads/t-1/", "/runs/{}/"])
    def test_it_is_offered_to_who_may_operate(self, as_, run, path):
        path = path.format(run.pk)

        form = Html(as_("operator").get(path)).form(WAKE)

        assert form.attributes["method"] == "post"
        assert "Wake now" in form.text
        for name in ("viewer", "reviewer"):
            assert not Html(as_(name).get(path)).all("form", action=WAKE)

    def test_a_run_that_wakes_it_is_queued_and_told(self, as_, thread, run):
        client = as_("operator")

        page = Html(client.post(WAKE, follow=True))

        woken = Run.objects.latest("pk")
        assert (woken.kind, woken.created_by.username) == ("wake", "operator")
        assert page.has_text(f"Run {woken.pk} ends the wait")
        assert page.has_text(f"Run {woken.pk} queued (woken) by operator")
        assert not page.all("form", action=WAKE)
        assert Html(client.get(f"/runs/{woken.pk}/")).has_text("woken by operator")

    def test_it_takes_a_form_and_the_right_to(self, as_, run):
        assert as_("operator").get(WAKE).status_code == 405
        assert as_("reviewer").post(WAKE).status_code == 403
        assert as_("stranger").post(WAKE).status_code == 404
        assert Run.objects.count() == 1

    def test_what_is_awake_by_now_is_not_woken(self, as_, thread, run):
        Thread.objects.filter(pk=thread.pk).update(wake_at=None)

        answer = as_("operator").post(WAKE, {"back": "/threads/t-1/"})

        assert answer.status_code == 409
        assert Html(answer).has_text("Nothing sleeps on thread t-1")
        assert Html(answer).one("a", href="/threads/t-1/").text == "Look again"

    def test_it_is_not_continued_but_woken(self, as_, run):
        client = as_("operator")

        answer = client.post("/threads/t-1/continue")

        assert not Html(client.get("/threads/t-1/")).all(
            "form", action="/threads/t-1/continue"
        )
        assert answer.status_code == 409
        assert Html(answer).has_text(
            "Thread t-1 waits for a time, a signal, an event or another thread: wake it, or send the signal."
        )

    def test_a_run_that_found_nothing_says_so(self, as_, thread):
        run = Run.objects.create(
            thread=thread, kind="wake", status="cancelled", reason="nothing_sleeps"
        )
        client = as_("viewer")

        assert Html(client.get(f"/runs/{run.pk}/")).has_text("Nothing waited any more")
        row = Html(client.get("/runs/")).one("tr", id=f"run-{run.pk}").text
        assert "woken" in row
        assert "nothing waited any more" in row

    def test_who_cancels_reads_what_becomes_of_it(self, as_, thread, run):
        client, path = as_("operator"), f"/runs/{run.pk}/cancel"

        page = Html(client.get(path))
        assert page.has_text("What sleeps is not woken any more")
        assert not page.has_text("open questions")
        client.post(path)

        page = Html(client.get(f"/runs/{run.pk}/"))
        assert said(page).startswith("Cancelled")
        assert "leep" not in said(page)


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

    def test_who_has_answered_reads_why_nothing_happens(self, as_, question, until):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        moment = date_format(timezone.localtime(until), "j M Y, H:i")
        assert page.has_text(
            f"The workflow sleeps until {moment} (in 23 h), and goes on by itself then."
        )

    def test_one_that_nobody_has_woken_in_time_says_so(self, as_, thread, question):
        wake_up_late(thread)

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text(
            "The workflow was to wake 3 min ago: no worker has woken it yet."
        )

    def test_an_open_question_says_nothing_of_it(self, as_, thread, question):
        other = ask(thread)

        page = Html(as_("reviewer").get(f"/review/{other.pk}/"))

        assert "The workflow sleeps" not in page.text()


class TestLists:
    @pytest.fixture(autouse=True)
    def others(self, run):
        Thread.objects.create(id="t-2", graph="letter", status="busy")
        Run.objects.create(thread_id="t-2", kind="start", status="running")

    @pytest.mark.parametrize(
        "query", ["?status=waiting", "?where=status+%3D+'waiting'"]
    )
    def test_threads_that_sleep_are_found(self, as_, query):
        page = Html(as_("viewer").get(f"/threads/{query}"))

        row = " ".join(page.one("tr", **{"data-row": ""}).text.split())
        assert "Waiting wakes in 23 h" in row
        options = [each.text for each in page.all("option", value="waiting")]
        assert options == ["Waiting"]

    def test_runs_that_sleep_are_found(self, as_, run):
        page = Html(as_("viewer").get("/runs/?status=waiting"))

        row = page.one("tr", **{"data-row": ""})
        assert row.attributes["id"] == f"run-{run.pk}"
        assert "Waiting" in row.text
        assert page.one("option", value="waiting").text == "Waiting"

    def test_a_thread_that_asks_too_says_that_it_sleeps(self, as_, thread):
        Thread.objects.filter(pk=thread.pk).update(status="interrupted")

        page = Html(as_("viewer").get("/threads/?status=interrupted"))

        assert "sleeps too, wakes in 23 h" in page.one("tbody").text

    def test_one_that_nobody_has_woken_in_time_says_so(self, as_, thread):
        wake_up_late(thread)

        page = Html(as_("viewer").get("/threads/?status=waiting"))

        assert "was to wake 3 min ago" in page.one("tbody").text
