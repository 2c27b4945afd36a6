"""The pages of schedules: what is due next and came last, and what operators do about it (RB.10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.web.conftest import Html
from workflows.models import Run, Schedule, Thread, Tick
from workflows.services import registry
from workflows.services.schedules import declared
from workflows.services.schedules.declared import schedule
from workflows.services.schedules.ticking import tick_schedules
from workflows.storage.clock import database_now

pytestmark = pytest.mark.rule("RB.10")
PATH = "/schedules/nightly/"
ACTS = ("run", "pause", "resume", "backfill")


def nightly(**more: Any) -> None:
    """A schedule that has its row."""
    given = {"cron": "0 3 * * *", "tz": "Europe/Berlin", "input": {"repository": "."}}
    schedule("nightly", "letter", **{**given, **more})
    tick_schedules()


def tick(status: str, **more: Any) -> Tick:
    at = datetime(2026, 11, 23, 2, tzinfo=UTC)
    return Tick.objects.create(
        **{"schedule_id": "nightly", "at": at, "status": status, **more}
    )


@pytest.fixture
def one(letter: Any, db: None) -> None:
    nightly()


def forms(page: Html) -> set[str]:
    """The last parts of the addresses to which the page sends something about a schedule."""
    actions = [form.attributes.get("action", "") for form in page.all("form")]
    return {each.split("/")[-1] for each in actions if each.startswith("/schedules/")}


class TestTheList:
    def test_without_any_it_says_how_one_is_declared(self, as_, letter):
        page = Html(as_("viewer").get("/schedules/"))

        assert page.has_text("No schedules")
        assert page.has_text('schedule("nightly", "report", cron="0 3 * * *"')

    def test_each_with_what_is_due_and_what_came(self, as_, one, thread):
        Thread.objects.filter(pk=thread.pk).update(status="idle")
        run = Run.objects.create(
            thread=thread, graph="letter", kind="start", status="success"
        )
        tick("started", thread_id=thread.pk, run_id=run.pk)

        page = Html(as_("viewer").get("/schedules/"))

        row = page.one("tr", **{"data-row": ""}).text
        for words in ("nightly", "Letter", "0 3 * * *", "Europe/Berlin", "Done"):
            assert words in row
        assert len(page.all("time")) >= 4
        assert page.one("a", href=PATH).text == "nightly"
        assert page.one("a", href=f"/threads/{thread.pk}/")
        assert not forms(page)

    def test_operators_have_buttons(self, as_, one):
        page = Html(as_("operator").get("/schedules/"))

        assert forms(page) == {"run", "pause"}

    @pytest.mark.parametrize(
        ("status", "more", "words"),
        [
            ("skipped", {"text": "has not ended"}, "Left out"),
            ("missed", {"count": 1000}, "Missed"),
            ("refused", {"text": "its input: LookupError: no orders"}, "no orders"),
            ("queued", {}, "Waits its turn"),
        ],
    )
    def test_what_was_not_started_says_why(self, as_, one, status, more, words):
        tick(status, **more)

        assert Html(as_("viewer").get("/schedules/")).has_text(words)
        assert Html(as_("viewer").get(PATH)).has_text(words)

    def test_it_leads_there_from_every_page(self, as_, letter):
        page = Html(as_("viewer").get("/queue/"))

        assert len(page.all("a", href="/schedules/")) == 2  # in the rail and the menu

    def test_one_of_a_workflow_that_is_hidden_from_somebody_is_not_there(
        self, as_, other_thread
    ):
        schedule("salaries", "payroll", cron="0 3 * * *", input={})

        assert not Html(as_("operator").get("/schedules/")).has_text("salaries")
        assert Html(as_("admin").get("/schedules/")).has_text("salaries")

    def test_names_and_texts_of_others_are_no_markup(self, as_, one):
        tick("refused", text="<b>no</b>")

        page = as_("viewer").get("/schedules/").content.decode()

        assert "<b>no</b>" not in page
        assert "&lt;b&gt;no&lt;/b&gt;" in page

    def test_many_cost_no_more_questions(
        self, as_, letter, db, django_assert_max_num_queries
    ):
        for number in range(12):
            schedule(f"s{number}", "letter", cron="0 3 * * *", input={})
        tick_schedules()
        browser = as_("viewer")
        browser.get("/schedules/")

        with django_assert_max_num_queries(14):
            browser.get("/schedules/")


class TestOne:
    def test_it_says_how_it_runs(self, as_, letter, db):
        nightly(overlap="queue", catch_up=timedelta(hours=30), jitter=90)

        page = Html(as_("viewer").get(PATH))

        for words in (
            "Starts Letter at 0 3 * * * by the clocks of Europe/Berlin",
            "waits until the threads before it have ended",
            "up to 1 d 6 h old",
            "up to 1 min 30 s later",
            "None has come yet",
        ):
            assert words in page.text("main")
        assert not forms(page)

    def test_operators_may_make_up_for_the_past(self, as_, one):
        assert forms(Html(as_("operator").get(PATH))) == {"run", "pause", "backfill"}

    def test_what_became_of_its_instants_turns_the_page(self, as_, one):
        for number in range(60):
            tick("skipped", at=datetime(2026, 1, 1, 0, number, tzinfo=UTC))

        page = Html(as_("viewer").get(PATH))

        older = next(e for e in page.all("a") if e.text == "Show older ones")
        rest = Html(as_("viewer").get(PATH + older.attributes["href"]))
        assert len(rest.all("tr")) == 1 + 10

    def test_one_that_the_code_declares_no_more_is_shown_as_such(self, as_, one):
        declared.unschedule("nightly")

        page = Html(as_("operator").get(PATH))

        assert page.has_text("does not declare this schedule any more")
        assert not forms(page)
        assert Html(as_("operator").get("/schedules/")).has_text("declared no more")

    def test_a_workflow_that_is_not_registered_is_said(self, as_, one):
        registry.unregister("letter")

        page = Html(as_("admin").get(PATH))

        assert page.has_text("No workflow named letter is registered.")
        assert "run" not in forms(page)

    def test_one_that_is_overdue_is_said(self, as_, one):
        past = database_now() - timedelta(minutes=3)
        Schedule.objects.update(next_at=past, due_at=past)

        assert Html(as_("viewer").get(PATH)).has_text("no worker has started it")
        assert Html(as_("viewer").get("/schedules/")).has_text("was not started")

    @pytest.mark.parametrize("path", [PATH, "/schedules/none/", "/schedules/a%00b/"])
    def test_missing_and_hidden_look_alike(self, as_, one, path):
        assert as_("stranger").get(path).status_code == 404

    @pytest.mark.parametrize("act", ACTS)
    def test_who_may_not_operate_it_is_refused(self, as_, one, act):
        for person, status in (("viewer", 403), ("reviewer", 403), ("stranger", 404)):
            assert as_(person).post(f"{PATH}{act}", {}).status_code == status
        assert as_("operator").get(f"{PATH}{act}").status_code == 405


class TestActing:
    def test_pause_and_resume(self, as_, one):
        browser = as_("operator")

        answer = browser.post(f"{PATH}pause", {"back": "/schedules/"})

        assert (answer.status_code, answer.url) == (303, "/schedules/")
        page = Html(browser.get(PATH))
        assert page.has_text("Paused by operator")
        assert forms(page) == {"run", "resume", "backfill"}
        assert browser.post(f"{PATH}resume").url == PATH
        assert Schedule.objects.get().paused_at is None

    def test_run_now_starts_one_however_often_it_is_sent(self, as_, one, people):
        browser = as_("operator")
        key = Html(browser.get(PATH)).one("input", name="key").attributes["value"]

        for _ in range(2):
            answer = browser.post(f"{PATH}run", {"key": key}, follow=True)

        run = Run.objects.get()
        assert run.created_by == people["operator"]
        assert Html(answer).has_text(f"was started: run {run.pk}")

    def test_while_a_thread_of_it_has_not_ended_it_is_said(self, as_, one):
        browser = as_("operator")
        browser.post(f"{PATH}run", {"key": "a"})

        answer = browser.post(f"{PATH}run", {"key": "b", "back": PATH})

        assert answer.status_code == 409
        assert Html(answer).has_text("it lets none begin beside it")

    def test_the_past_is_made_up_for_by_the_clocks_of_the_place(self, as_, one):
        end = (database_now() - timedelta(days=1)).date()
        times = {"start": f"{end}T03:00", "end": f"{end}T03:00"}

        answer = as_("operator").post(f"{PATH}backfill", times, follow=True)

        assert Html(answer).has_text("nightly: 1 instant waits its turn")
        (made,) = Tick.objects.all()
        assert declared.find("nightly").cron.local(made.at).hour == 3
        again = as_("operator").post(f"{PATH}backfill", times, follow=True)
        assert Html(again).has_text("nothing to make up for")

    @pytest.mark.parametrize(
        ("start", "end", "words"),
        [
            ("", "2026-01-02T03:00", "Takes a date and a time"),
            ("2026-01-01T03:00", "soon", "Takes a date and a time"),
            ("2026-01-02T03:00", "2026-01-01T03:00", "It lies before the start"),
            ("2026-01-01T03:00", "2999-01-01T03:00", "It lies in the future"),
            ("0001-01-01T00:00", "2026-01-01T03:00", "It lies before 1970"),
            ("1999-01-01T03:00", "2026-01-01T03:00", "There are more than 1,000"),
            ("1970-01-01T00:00", "9999-12-31T23:59", "It lies in the future"),
        ],
    )
    def test_times_that_make_no_sense_stay_as_they_were_typed(
        self, as_, one, start, end, words
    ):
        answer = as_("operator").post(f"{PATH}backfill", {"start": start, "end": end})

        page = Html(answer)
        assert answer.status_code == 400
        assert page.has_text(words)
        assert page.one("input", id="backfill-start").attributes["value"] == start
        assert page.one("input", id="backfill-end").attributes["value"] == end
        assert not Tick.objects.exists()
