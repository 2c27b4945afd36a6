"""Runs that undo what their thread has done, and what the pages say of that (RB.8)."""

import pytest

from tests.engine.support.shop import broken, done, give_back, shop
from tests.services import letters
from tests.web.conftest import Html
from workflows.engine.runtime import interrupt
from workflows.engine.sagas import compensate
from workflows.models import Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread

assert shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.8")]
UNDONE = "What the thread has done is undone before the run ends"


def buy(state: letters.State) -> letters.State:
    compensate(give_back, "a")
    return {"said": ["bought"]}


def wait(state: letters.State) -> letters.State:
    return {"said": [interrupt("go on?")]}


@pytest.fixture
def run(db: None) -> Run:
    """One that has bought, and whose thread asks."""
    letters.register("order", buy=buy, wait=wait)
    started = start_thread("order", {}, thread_id="t-1")
    execute_run(started.run_id)
    return Run.objects.get()


def page_of(client, path):
    return Html(client.get(path))


def test_who_cancels_is_told_that_it_is_undone_first(as_, run):
    client = as_("operator")
    assert page_of(client, f"/runs/{run.pk}/cancel").has_text(UNDONE)

    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})

    shown = page_of(client, f"/runs/{run.pk}/")
    assert shown.has_text("Cancelled; what its thread has done is being undone: “Gone”")
    execute_run(run.pk)
    assert done == ["gave back a"]
    assert page_of(client, f"/runs/{run.pk}/").has_text("Cancelled: “Gone”")


def test_who_cancels_one_that_a_worker_gave_back_is_told_so_too(as_, run):
    Run.objects.update(status="pending")

    page = page_of(as_("operator"), f"/runs/{run.pk}/cancel")

    assert page.has_text(UNDONE)
    assert page.has_text("Its open questions are withdrawn")
    assert not page.has_text("It has not begun yet")


def test_where_nothing_is_on_record_nothing_is_said_of_it(as_, run):
    letters.register("plain", wait=wait)
    other = start_thread("plain", {}, thread_id="t-2").run_id
    execute_run(other)

    assert not page_of(as_("operator"), f"/runs/{other}/cancel").has_text(UNDONE)


def test_who_stops_it_is_told_that_the_rest_stays(as_, run):
    client = as_("operator")
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})

    asked = page_of(client, f"/runs/{run.pk}/cancel")
    assert asked.has_text("Who stops that leaves the rest as it is")
    modes = [e for e in asked.elements if e.attributes.get("name") == "mode"]
    assert [e.attributes["value"] for e in modes] == ["now"]
    client.post(f"/runs/{run.pk}/cancel", {"mode": "now"})

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert done == []


def test_one_that_failed_with_something_to_undo_can_be_cancelled(as_, run):
    run.status, run.error = "timeout", "the run took longer than its run_timeout"
    run.save()
    run.thread.interrupts.update(status="withdrawn")
    client = as_("operator")

    asked = page_of(client, f"/runs/{run.pk}/cancel")

    assert asked.has_text(UNDONE)
    assert asked.has_text("What it failed with stays on its page")


def test_what_is_not_undone_is_said_with_the_reason(as_, run):
    registry.unregister("order")
    client = as_("admin")
    client.post(f"/runs/{run.pk}/cancel")

    shown = page_of(client, f"/runs/{run.pk}/")

    assert shown.has_text("What it has done is not undone, or not all of it.")
    assert shown.has_text("no worker carries this thread out")


def test_the_timeline_says_which_run_undoes(as_, run):
    client = as_("operator")
    client.post(f"/runs/{run.pk}/cancel")

    assert page_of(client, "/threads/t-1/").has_text("undoes what was done")


def test_the_question_about_an_undo_that_failed_offers_what_to_do(as_, run, people):
    broken["a"] = 99
    client = as_("admin")
    client.post(f"/runs/{run.pk}/cancel")
    execute_run(run.pk)
    question = Interrupt.objects.get(status="pending")

    page = page_of(client, f"/review/{question.pk}/")

    assert page.has_text("give_back failed to undo what was done: try again, skip it")
    assert page.has_text("Broken: no a")
    choice = page.one("select", name="v/action")
    assert choice.text.split() == ["Choose…", "retryskipstop"]


def test_a_thread_whose_work_is_undone_offers_nothing_to_go_on_with(as_, run):
    client = as_("operator")
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})
    execute_run(run.pk)

    shown = page_of(client, "/threads/t-1/")

    assert shown.has_text("What it has done is undone.")
    assert not shown.has_text("Continue")
    assert page_of(client, f"/runs/{run.pk}/").has_text("What its thread has done is")
    refused = client.post("/threads/t-1/continue", {})
    assert refused.status_code == 409
    assert Html(refused).has_text("What thread t-1 has done is undone: begin anew")
    head = run.thread.checkpoints.filter(namespace="").order_by("-id").first()
    assert not page_of(client, f"/threads/t-1/steps/{head.id}/").has_text("new thread")


def test_a_thread_that_undoes_can_be_continued_where_that_was_stopped(as_, run):
    broken["a"] = 99
    client = as_("operator")
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})
    assert execute_run(run.pk) == "interrupted"
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Leave it"})

    assert page_of(client, "/threads/t-1/").has_text("Continue")


def test_a_step_before_it_says_that_a_new_thread_does_it_not_again(as_, run):
    client = as_("operator")
    asked = Interrupt.objects.get().checkpoint
    text = "What this thread had done until then is undone since"
    assert not page_of(client, f"/threads/t-1/steps/{asked}/").has_text(text)
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})
    execute_run(run.pk)

    shown = page_of(client, f"/threads/t-1/steps/{asked}/")

    assert shown.has_text(text)
    assert shown.has_text("Start the new thread")
    first = run.thread.checkpoints.filter(namespace="").order_by("id").first()
    assert not page_of(client, f"/threads/t-1/steps/{first.id}/").has_text(text)


def test_pages_say_undo_for_the_node_that_does_it(as_, run):
    broken["a"] = 99
    client = as_("admin")
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Gone"})
    execute_run(run.pk)
    question = Interrupt.objects.get(status="pending")

    for path in (
        f"/review/{question.pk}/",
        "/queue/",
        "/threads/t-1/",
        f"/runs/{run.pk}/",
    ):
        shown = page_of(client, path)
        assert shown.has_text("undo"), path
        assert not shown.has_text("__undo__"), path
