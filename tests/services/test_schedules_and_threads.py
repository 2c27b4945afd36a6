"""What begins beside another, what is refused, and what the code says of schedules by now (RB.10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.services.posting import carried_out
from tests.services.timetable import (
    DAY,
    EVENING,
    NIGHT,
    Reports,
    again,
    clock,
    nightly,
    reports,
    row,
    ticks,
)
from tests.storage.racing import together
from workflows.models import Run, Schedule, Thread, Tick
from workflows.services import registry
from workflows.services.schedules import (
    declared,
    rows,
    starting,
    ticking,
)
from workflows.services.start_run import start_thread
from workflows.storage.threads import delete_thread

assert clock
assert reports

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.10")]
MINUTE = timedelta(minutes=1)


class TestOverlap:
    def test_skip_leaves_out_what_would_begin_beside_another(self, clock, reports):
        reports.asks = True
        nightly()
        clock.at(EVENING)
        clock.at(NIGHT)
        carried_out()  # and asks somebody

        assert clock.at(NIGHT + DAY) == 0

        assert ticks() == [("23 03:00", "started"), ("24 03:00", "skipped")]
        assert Tick.objects.last().text == starting.BUSY
        Run.objects.update(status="success")
        Thread.objects.update(status="idle")
        assert clock.at(NIGHT + 2 * DAY) == 1

    def test_a_thread_that_was_deleted_has_ended(self, clock, reports):
        nightly()
        clock.at(EVENING)
        clock.at(NIGHT)
        delete_thread("default", Thread.objects.get().pk)

        assert clock.at(NIGHT + DAY) == 1

    def test_a_thread_that_failed_has_ended(self, clock, reports):
        nightly()
        clock.at(EVENING)
        clock.at(NIGHT)
        Run.objects.update(status="error")
        Thread.objects.update(status="error")

        assert clock.at(NIGHT + DAY) == 1

    def test_queue_lets_them_wait_and_begin_in_their_order(self, clock, reports):
        nightly(overlap="queue")
        clock.at(EVENING)
        clock.at(NIGHT)

        assert clock.at(NIGHT + DAY) == 0
        assert clock.at(NIGHT + 2 * DAY) == 0

        assert [status for _, status in ticks()] == ["started", "queued", "queued"]
        for _ in range(2):
            assert carried_out() == ["success"]
            assert clock.at(NIGHT + 2 * DAY) == 1
        assert carried_out() == ["success"]
        started = Run.objects.order_by("id").values_list("thread_id", flat=True)
        assert [each[-17:-7] for each in started] == [
            "2026-11-23",
            "2026-11-24",
            "2026-11-25",
        ]
        assert {status for _, status in ticks()} == {"started"}

    def test_a_queue_has_an_end(self, clock, reports, monkeypatch):
        monkeypatch.setattr(starting, "MOST_QUEUED", 1)
        nightly(overlap="queue")
        for at in (EVENING, NIGHT, NIGHT + DAY, NIGHT + 2 * DAY):
            clock.at(at)

        assert [status for _, status in ticks()] == ["started", "queued", "skipped"]

    def test_of_several_workers_one_starts_what_waited(self, clock, reports):
        nightly(overlap="queue")
        for at in (EVENING, NIGHT, NIGHT + DAY):
            clock.at(at)
        carried_out()

        found = together([ticking.tick_schedules] * 4)

        assert sorted(found) == [0, 0, 0, 1]
        assert Run.objects.count() == 2

    def test_allow_lets_them_run_side_by_side(self, clock, reports):
        nightly(overlap="allow")
        for at in (EVENING, NIGHT, NIGHT + DAY):
            clock.at(at)

        assert Run.objects.filter(status="pending").count() == 2


class TestWhatIsRefused:
    @pytest.fixture(autouse=True)
    def said(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("CRITICAL")

    def test_a_workflow_that_is_gone_is_told_and_the_next_instant_tried(
        self, clock, reports
    ):
        nightly()
        clock.at(EVENING)
        registry.unregister("report")

        assert clock.at(NIGHT) == 0

        tick = Tick.objects.get()
        assert (tick.status, tick.run_id) == ("refused", None)
        assert tick.text.startswith("UnknownGraphError: no workflow named 'report'")
        assert row().next_at == NIGHT + DAY
        registry.register(reports.graph(), name="report")
        assert clock.at(NIGHT + DAY) == 1

    def test_so_is_what_the_function_of_the_input_raises(self, clock, reports):
        def no_input(at: datetime) -> Any:
            raise LookupError("no orders")

        nightly(input=no_input)
        clock.at(EVENING)

        assert clock.at(NIGHT) == 0

        assert Tick.objects.get().text == "its input: LookupError: no orders"
        assert not Thread.objects.exists()

    def test_so_is_an_input_that_cannot_be_kept(self, clock, reports):
        nightly(input=lambda at: {"at": object()})
        clock.at(EVENING)

        clock.at(NIGHT)

        assert Tick.objects.get().text.startswith("its input: InvalidAnswer: ")

    def test_so_is_a_thread_that_is_another_workflows(self, clock, reports):
        registry.register(Reports().graph(), name="other")
        start_thread("other", {}, thread_id="nightly 2026-11-23T03:00Z")
        nightly()
        clock.at(EVENING)

        clock.at(NIGHT)

        assert "this id belongs to another thread" in Tick.objects.get().text

    def test_it_keeps_no_other_schedule_from_its_turn(self, clock, reports):
        declared.schedule("a", "gone", cron="0 3 * * *", input={})
        nightly()
        clock.at(EVENING)

        assert clock.at(NIGHT) == 1


def test_one_that_fails_is_told_when_the_others_have_had_their_turn(
    clock, reports, monkeypatch
):
    declared.schedule("a", "report", cron="0 3 * * *", input={})
    nightly()
    clock.at(EVENING)
    take = ticking._take

    def fail(item: Any, *given: Any) -> Any:
        if item.name == "a":
            raise RuntimeError("a fault of ours")
        return take(item, *given)

    monkeypatch.setattr(ticking, "_take", fail)

    with pytest.raises(RuntimeError, match="a fault of ours"):
        clock.at(NIGHT)

    assert Thread.objects.get().pk == "nightly 2026-11-23T03:00Z"


class TestWhatTheCodeSays:
    def test_a_changed_cron_finds_its_next_instant_anew(self, clock, reports):
        nightly()
        clock.at(EVENING)

        again(cron="0 5 * * *", tz="Europe/Berlin")
        clock.at(EVENING + MINUTE)

        assert row().next_at == NIGHT + timedelta(hours=1)
        assert (row().cron, row().tz) == ("0 5 * * *", "Europe/Berlin")

    def test_a_changed_workflow_keeps_it(self, clock, reports):
        registry.register(Reports().graph(), name="other")
        nightly()
        clock.at(EVENING)
        again()
        declared.unschedule("nightly")
        declared.schedule("nightly", "other", cron="0 3 * * *", input={})

        clock.at(NIGHT)

        assert Thread.objects.get().graph == "other"

    def test_a_changed_jitter_moves_the_start(self, clock, reports):
        nightly()
        clock.at(EVENING)

        item = again(jitter=900)
        clock.at(EVENING)

        assert row().due_at == item.due(NIGHT) > NIGHT

    def test_older_code_leaves_the_row_of_newer_code_alone(self, clock, reports):
        nightly()
        clock.at(EVENING)
        newer = Schedule.objects.filter(pk="nightly")
        newer.update(cron="0 5 * * *", next_at=NIGHT + timedelta(hours=2))
        newer.update(due_at=NIGHT + timedelta(hours=2))

        assert clock.at(NIGHT) == 0
        assert row().cron == "0 5 * * *"

    def test_unless_nobody_acts_on_it(self, clock, reports):
        nightly()
        clock.at(EVENING)
        Schedule.objects.update(cron="0 5 * * *")

        assert clock.at(NIGHT + timedelta(seconds=61)) == 0

        assert (row().cron, row().next_at) == ("0 3 * * *", NIGHT + DAY)

    def test_a_change_that_another_worker_came_before_is_made_at_the_next_look(
        self, clock, reports, monkeypatch
    ):
        nightly()
        clock.at(EVENING)
        again(cron="0 5 * * *")
        with monkeypatch.context() as patched:
            patched.setattr(rows, "_changed", lambda *_: None)
            clock.at(EVENING)

        clock.at(EVENING)

        assert row().cron == "0 5 * * *"

    def test_what_it_says_no_more_starts_nothing(self, clock, reports):
        nightly()
        clock.at(EVENING)
        declared.unschedule("nightly")

        assert clock.at(NIGHT) == 0
        assert row().next_at == NIGHT
        assert ticks() == []
