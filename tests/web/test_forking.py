"""A new thread from the page of a step: who is offered it, what it says, and where it leads (RB.14)."""

import pytest

from tests.services import pricing
from tests.web.conftest import Html
from workflows.engine.graph.state import StateGraph
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]

BUTTON = "Start the new thread"


@pytest.fixture
def thread() -> Thread:
    """A thread that has done two nodes."""
    graph = StateGraph(dict).add_sequence(
        [("pick", lambda state: {"picked": 1}), ("send", lambda state: {"sent": 2})]
    )
    registry.register(graph.set_entry_point("pick").compile(), name="shop")
    started = start_thread("shop", {"order": 7}, title="Order 7")
    execute_run(started.run_id)
    return Thread.objects.get(pk=started.thread_id)


def page_of(thread: Thread, step: int) -> str:
    found = thread.checkpoints.get(namespace="", step=step)
    return f"/threads/{thread.pk}/steps/{found.id}/"


def test_an_operator_begins_one_and_is_led_to_it(as_, thread):
    browser = as_("operator")
    page = page_of(thread, 1)
    shown = Html(browser.get(page))
    assert shown.has_text("send runs anew there, and what it does outside happens")
    assert Html(browser.get(page_of(thread, -1))).has_text("The whole workflow runs")
    assert shown.has_text("This thread stays as it is.")

    led = Html(browser.post(f"{page}fork", follow=True))

    fork = Thread.objects.exclude(pk=thread.pk).get()
    assert led.has_text("This thread shares the other one's history")
    assert led.has_text("Begun after Step 1 of Order 7, whose history it shares")
    assert execute_run(Run.objects.get(thread=fork).pk) == "success"
    there = Html(browser.get(f"/threads/{thread.pk}/"))
    assert there.has_text("was begun after Step 1")
    links = [a.attributes.get("href") for a in there.all("a")]
    assert f"/threads/{fork.pk}/" in links


def test_one_after_a_call_says_which_calls_stand(as_):
    thread = pricing.begun(pricing.prices)
    fork = pricing.forked(thread, "price#2")
    browser = as_("operator")

    for each in (thread, fork):
        shown = Html(browser.get(f"/threads/{each.pk}/"))
        assert shown.has_text("of what it did next, calls up to price#2 stand")


@pytest.mark.parametrize("who", ["viewer", "reviewer"])
def test_others_are_not_offered_it(as_, thread, who):
    browser = as_(who)
    page = page_of(thread, 1)

    assert not Html(browser.get(page)).has_text(BUTTON)
    assert browser.post(f"{page}fork").status_code == 403
    assert Thread.objects.count() == 1


def test_after_the_last_step_there_is_nothing_to_go_on_with(as_, thread):
    browser = as_("operator")
    page = page_of(thread, 2)

    assert not Html(browser.get(page)).has_text(BUTTON)
    refused = browser.post(f"{page}fork")
    assert refused.status_code == 409
    assert Html(refused).has_text("Nothing was left to do after this step")
    assert Thread.objects.count() == 1


def test_a_step_that_is_gone(as_, thread):
    gone = as_("operator").post(f"/threads/{thread.pk}/steps/none/fork")

    assert gone.status_code == 404
    assert Thread.objects.count() == 1
