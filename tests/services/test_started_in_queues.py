"""What starts threads by itself puts them into queues, too: tasks and schedules (RB.9)."""

from __future__ import annotations

import pytest

from tests.services.family import begun, children, desk
from tests.services.posting import carried_out
from tests.services.timetable import EVENING, NIGHT, clock, nightly, reports
from workflows.models import Run, Thread, Tick
from workflows.services import registry
from workflows.services.queues import Queue
from workflows.storage.admission import hands

assert clock
assert desk
assert reports

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.9")]


@pytest.fixture(autouse=True)
def _no_hands():
    yield
    hands.clear()


def queues_of(graph: str) -> list[str]:
    rows = Run.objects.filter(graph=graph, kind="start").order_by("id")
    return [*rows.values_list("queue", flat=True)]


class TestChildren:
    def test_a_task_says_where_its_child_waits(self, desk):
        slow = Queue("slow", concurrency=1)
        desk.more = {"queue": slow}

        parent = begun()

        assert queues_of("work") == ["slow"]
        assert queues_of("desk") == [""]
        assert carried_out() == ["success", "success"]
        parent.refresh_from_db()
        assert parent.status == "idle"

    def test_a_queue_that_is_not_declared_fails_the_task_that_names_it(self, desk):
        desk.more = {"queue": "mial"}

        parent = begun()

        assert parent.status == "error"
        assert "'mial' is declared" in Run.objects.get().error
        assert not children()


class TestSchedules:
    def test_a_schedule_says_where_its_runs_wait(self, clock, reports):
        nightly(queue=Queue("night", concurrency=1))
        clock.at(EVENING)

        clock.at(NIGHT)

        assert queues_of("report") == ["night"]
        assert carried_out() == ["success"]

    def test_else_they_wait_where_those_of_the_workflow_do(self, clock, reports):
        Queue("night")
        registry.register(registry.get("report").graph, name="report", queue="night")
        nightly()
        clock.at(EVENING)

        clock.at(NIGHT)

        assert queues_of("report") == ["night"]

    def test_one_that_is_not_declared_is_told_as_a_start_that_was_refused(
        self, clock, reports
    ):
        nightly(queue="mial")
        clock.at(EVENING)

        clock.at(NIGHT)

        assert not Thread.objects.exists()
        tick = Tick.objects.get()
        assert tick.status == "refused"
        assert "'mial' is declared" in tick.text
