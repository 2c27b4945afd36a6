"""The page that says why a thread does not go on, and what operators do on it."""

from datetime import timedelta

import pytest

from tests.engine.support.shop import shop
from tests.services import letters
from tests.web.conftest import Html, ask
from tests.web.test_undone_runs import buy
from workflows.models import AuditEntry, Run, Thread
from workflows.services.checkup.patient import Patient
from workflows.services.execute_run import execute_run
from workflows.services.queues import Queue
from workflows.services.start_run import start_thread
from workflows.storage.clock import database_now

assert shop

PAGE = "/threads/t-1/doctor/"
ACT = "/threads/t-1/doctor/act"


@pytest.fixture
def failed(thread):
    Thread.objects.update(status="error")
    return Run.objects.create(
        thread=thread,
        graph="letter",
        kind="start",
        status="error",
        error="ValueError: <b>no</b> customer Ada",
        error_node="pay",
    )


def mark_of(page: Html, name: str) -> str:
    check = page.one("li", id=f"check-{name}")
    return next(
        each.text.strip()
        for each in page.all("span")
        if check in each.parents and "status" in each.attributes.get("class", "")
    )


def test_it_says_first_what_it_waits_for(as_, thread):
    question = ask(thread)

    page = Html(as_("viewer").get(PAGE))

    verdict = page.one("p", id="verdict").text
    assert verdict == (
        f"Nothing is wrong: it waits for an answer to question #{question.pk}."
    )
    assert mark_of(page, "question") == "Waits"
    assert page.all("a", href=f"/review/{question.pk}/")


def test_it_says_first_where_it_is_stuck(as_, failed):
    page = Html(as_("operator").get(PAGE))

    assert page.one("p", id="verdict").text.startswith("It is stuck: run ")
    assert mark_of(page, "failure") == "Stuck"
    assert page.has_text("ValueError")
    assert not page.has_text("Ada")


@pytest.mark.parametrize("path", ["/threads/t-1/", "/runs/{}/"])
def test_the_pages_of_what_does_not_go_on_lead_there(as_, failed, path):
    page = Html(as_("viewer").get(path.format(failed.pk)))
    assert page.one("a", href=PAGE).text == "Why does it not go on?"


def test_the_page_of_what_has_ended_does_not(as_, failed):
    Thread.objects.update(status="idle")
    Run.objects.update(status="success")
    assert not Html(as_("viewer").get("/threads/t-1/")).all("a", href=PAGE)


def refuse(state: letters.State) -> letters.State:
    raise ValueError("no money")


@pytest.mark.rule("RB.8")
@pytest.mark.django_db(transaction=True)
def test_what_is_undone_has_ended(as_):
    letters.register("order", buy=buy, pay=refuse)
    run = start_thread("order", {}, thread_id="t-1").run_id
    execute_run(run)

    page = Html(as_("operator").get(PAGE))

    assert page.one("p", id="verdict").text == (
        f"It has ended: run {run} failed, and what the thread had done is undone."
    )
    assert not page.all("form", action=ACT)


class TestActs:
    def test_an_act_says_what_it_will_do_and_asks_why(self, as_, failed):
        page = Html(as_("operator").get(PAGE))

        form = page.form(ACT)
        assert "goes on from the last finished step" in form.text
        assert "Reason" in form.text

    def test_it_is_done(self, as_, failed):
        browser = as_("operator")

        answer = browser.post(ACT, {"act": "continue", "reason": "mended"}, follow=True)

        made = Run.objects.get(kind="continue")
        assert Html(answer).has_text(f"Run {made.pk} goes on")
        assert answer.request["PATH_INFO"] == PAGE
        entry = AuditEntry.objects.get(action="thread.continue")
        assert (entry.person_name, entry.subject) == ("operator", f"run {made.pk}")

    def test_one_that_asks_a_choice_has_it(self, as_, thread, monkeypatch):
        monkeypatch.setattr(Patient, "worker_lives", True)
        Queue("mail", concurrency=1)
        Queue("late")
        place = {"queue": "mail", "queued_at": database_now(), "graph": "letter"}
        other = Thread.objects.create(id="t-9", graph="letter")
        lease = database_now() + timedelta(minutes=1)
        Run.objects.create(thread=other, status="running", lease_until=lease, **place)
        run = Run.objects.create(thread=thread, kind="start", **place)
        browser = as_("operator")

        offered = Html(browser.get(PAGE)).all("option")
        said = {"act": "move", "choice": "late"}
        refused = browser.post(ACT, {**said, "reason": ""})
        answer = browser.post(ACT, {**said, "reason": "the mail is slow"}, follow=True)

        assert [each.text for each in offered] == ["none: begin at once", "late"]
        assert Html(refused).one("option", value="late").attributes["selected"] == ""
        assert Html(answer).has_text(f"Run {run.pk} stands in the queue late now")

    def test_without_a_reason_it_is_not(self, as_, failed):
        answer = as_("operator").post(ACT, {"act": "continue", "reason": " "})

        assert answer.status_code == 400
        page = Html(answer)
        assert page.one("p", id="reason-continue-error")
        assert page.one("details", open="")
        assert not Run.objects.filter(kind="continue").exists()

    def test_an_unknown_one_is_refused(self, as_, failed):
        answer = as_("operator").post(ACT, {"act": "drop", "reason": "why"})
        assert answer.status_code == 400

    def test_what_has_changed_meanwhile_is_a_conflict(self, as_, failed):
        Run.objects.update(status="success")
        answer = as_("operator").post(ACT, {"act": "continue", "reason": "why"})
        assert answer.status_code == 409

    def test_who_only_looks_is_offered_none(self, as_, failed):
        assert not Html(as_("reviewer").get(PAGE)).all("form", action=ACT)


def test_the_report_is_a_file_of_plain_text(as_, failed):
    answer = as_("viewer").get(f"{PAGE}report")

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    assert text.startswith("It is stuck: ")
    assert "Ada" not in text
