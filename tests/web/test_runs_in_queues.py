"""What the pages of runs say of one that waits for its queue, or for its time (RB.9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from tests.web.conftest import Html
from workflows.models import Run
from workflows.services import registry
from workflows.services.queues import Queue, forget
from workflows.storage.admission import hands

pytestmark = pytest.mark.rule("RB.9")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def mail() -> Any:
    yield Queue("mail", concurrency=2, rate=(3, 7200))
    hands.clear()


def queued(thread: Any, **more: Any) -> Run:
    """A run that waits in the queue."""
    given = {"kind": "start", "queue": "mail", "queued_at": timezone.now()}
    return Run.objects.create(thread=thread, graph="letter", **{**given, **more})


def busy(thread: Any, **more: Any) -> None:
    """Another, on a thread of its own, that is at work."""
    other = type(thread).objects.create(id=f"o-{Run.objects.count()}", graph="letter")
    queued(other, status="running", **more)


def page_of(as_: Any, run: Run, who: str = "operator") -> Html:
    return Html(as_(who).get(f"/runs/{run.pk}/"))


class TestTheRun:
    def test_one_that_waits_for_a_slot_says_how_many_are_busy(self, as_, thread):
        busy(thread)
        busy(thread)
        queued(thread, queued_at=timezone.now() - HOUR)
        run = queued(thread)

        page = page_of(as_, run)

        said = "Waits for a slot of queue mail: 2 of 2 busy; 1 comes first"
        assert page.has_text(said)

    def test_one_that_is_next_says_that_nobody_comes_first(self, as_, thread):
        busy(thread)
        busy(thread)
        run = queued(thread, queued_at=Now())

        page = page_of(as_, run)

        assert page.has_text("2 of 2 busy")
        assert not page.has_text("comes first")

    def test_one_that_waits_for_the_rate_says_when_it_opens(self, as_, thread):
        for _ in range(3):
            busy(thread, admitted_at=timezone.now() - HOUR)
        run = queued(thread)

        page = page_of(as_, run)

        assert page.has_text("Waits for queue mail, which lets the next run start")
        # What goes on counts for no rate.
        Run.objects.filter(pk=run.pk).update(kind="resume")
        assert page_of(as_, run).has_text("Waits for a slot of queue mail")

    def test_one_of_a_queue_that_is_gone_says_what_to_do(self, as_, thread):
        run = queued(thread)
        forget("mail")

        page = page_of(as_, run)

        assert page.has_text("Waits for a worker that knows the queue mail: declare")

    def test_one_that_is_not_due_says_when_it_is(self, as_, thread):
        run = queued(thread, due_at=timezone.now() + HOUR)

        page = page_of(as_, run)

        assert page.has_text("Does not begin before")
        assert not page.has_text("Waits for a slot")

    def test_the_partition_is_told_to_who_may_see_the_input(self, as_, thread):
        run = queued(thread, partition="customer 7")
        assert page_of(as_, run, "viewer").has_text("queue mail, partition customer 7")
        item = registry.get("letter")
        registry.register(
            item.graph, name="letter", editable=["text"], secret=["customer"]
        )

        assert not page_of(as_, run, "viewer").has_text("customer 7")

    @pytest.mark.parametrize("status", ["running", "success", "cancelled"])
    def test_one_that_does_not_wait_says_nothing(self, as_, thread, status):
        run = queued(thread, status=status)

        assert not page_of(as_, run).has_text("queue mail")


class TestTheList:
    def test_what_waits_says_for_which_queue_and_until_when(self, as_, thread):
        waits = queued(thread)
        later = queued(thread, due_at=timezone.now() + HOUR)

        page = Html(as_("viewer").get("/runs/"))

        assert "in queue mail" in page.one("tr", id=f"run-{waits.pk}").text
        assert "not before" in page.one("tr", id=f"run-{later.pk}").text

    def test_it_can_be_narrowed_to_a_queue(self, as_, thread):
        run = queued(thread, status="success")
        Run.objects.create(thread=thread, kind="start", status="success")

        page = Html(as_("viewer").get("/runs/?queue=mail"))

        rows = [row.attributes["id"] for row in page.all("tr", **{"data-row": ""})]
        assert rows == [f"run-{run.pk}"]
        assert page.one("select", name="queue").text.split() == ["All", "mail"]

    def test_queues_of_hidden_workflows_are_not_named(self, as_, thread, other_thread):
        for name in ("bonuses", "letters", "redundancies"):
            Queue(name, concurrency=1)
        for name, queue in (("payroll", "bonuses"), ("letter", "letters")):
            item = replace(registry.get(name), queue=queue)
            registry._graphs[name] = item
        Run.objects.create(thread=other_thread, graph="payroll", queue="redundancies")
        queued(thread)

        def offered(who: str) -> list[str]:
            page = Html(as_(who).get("/runs/"))
            select = page.one("select", name="queue")
            options = [each for each in page.all("option") if select in each.parents]
            return [each.text for each in options]

        everything = ["All", "bonuses", "letters", "mail", "redundancies"]
        assert offered("admin") == everything
        assert offered("viewer") == ["All", "letters", "mail"]

    def test_one_of_a_queue_that_is_gone_needs_attention(self, as_, thread):
        run = queued(thread, queue="gone")
        queued(thread)

        page = Html(as_("viewer").get("/runs/?status=attention"))

        rows = [row.attributes["id"] for row in page.all("tr", **{"data-row": ""})]
        assert rows == [f"run-{run.pk}"]

    def test_without_queues_there_is_no_filter(self, as_, thread):
        forget("mail")

        page = Html(as_("viewer").get("/runs/"))

        assert not page.all("select", name="queue")
