"""Workers start what is due by the clock: each instant once, what came too long ago not at all (RB.10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.services.posting import carried_out
from tests.services.timetable import (
    DAY,
    EVENING,
    NIGHT,
    clock,
    nightly,
    reports,
    row,
    ticks,
)
from tests.storage.racing import together
from workflows.models import Run, Schedule, Thread, Tick
from workflows.services.schedules import (
    acting,
    forgetting,
    ticking,
)
from workflows.services.schedules.acting import pause_schedule
from workflows.services.sweep import sweep

assert clock
assert reports

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.10")]
MINUTE = timedelta(minutes=1)


class TestByTheClock:
    def test_a_run_is_started_when_its_instant_has_come(self, clock, reports):
        nightly()

        assert clock.at(EVENING) == 0
        assert (row().next_at, row().due_at) == (NIGHT, NIGHT)
        assert clock.at(NIGHT - timedelta(seconds=1)) == 0
        assert clock.at(NIGHT) == 1
        assert clock.at(NIGHT + timedelta(seconds=1)) == 0

        thread = Thread.objects.get()
        assert (thread.pk, thread.title) == (
            "nightly 2026-11-23T03:00Z",
            "nightly, 2026-11-23 03:00",
        )
        assert carried_out() == ["success"]
        assert reports.given == [{"to": "a"}]
        assert row().next_at == NIGHT + DAY
        assert ticks() == [("23 03:00", "started")]
        assert Tick.objects.get().run_id == Run.objects.get().pk

    def test_the_input_may_be_made_of_the_instant(self, clock, reports):
        nightly(
            tz="Europe/Berlin",
            cron="0 4 * * *",
            input=lambda at: {"day": at.isoformat()},
        )
        clock.at(EVENING)

        clock.at(NIGHT)

        carried_out()
        assert reports.given == [{"day": "2026-11-23T04:00:00+01:00"}]
        assert Thread.objects.get().title == "nightly, 2026-11-23 04:00"

    def test_the_sweep_of_a_worker_does_it(self, reports):
        nightly(cron="* * * * *", catch_up=timedelta(hours=1), overlap="allow")
        sweep()
        past = row().next_at - 3 * MINUTE
        Schedule.objects.update(next_at=past, due_at=past)

        assert sweep() >= 2

        found = Tick.objects.order_by("id").values_list("status", flat=True)
        assert found[0] == "started"
        assert row().next_at > past

    def test_without_a_schedule_nothing_is_asked(
        self, clock, django_assert_num_queries
    ):
        with django_assert_num_queries(0):
            ticking.tick_schedules()

    def test_jitter_moves_the_start_and_not_the_instant(self, clock, reports):
        item = nightly(jitter=600)
        clock.at(EVENING)
        due = item.due(NIGHT)

        assert (row().next_at, row().due_at) == (NIGHT, due)
        assert due > NIGHT
        assert clock.at(due - timedelta(seconds=1)) == 0
        assert clock.at(due) == 1
        assert Thread.objects.get().pk == "nightly 2026-11-23T03:00Z"


class TestOnce:
    def test_of_several_workers_one_starts_it(self, clock, reports):
        nightly()
        clock.at(EVENING)
        clock.now = NIGHT

        found = together([ticking.tick_schedules] * 4)

        assert sorted(found) == [0, 0, 0, 1]
        assert Run.objects.count() == 1
        assert ticks() == [("23 03:00", "started")]

    def test_several_workers_make_one_row(self, clock, reports):
        nightly()

        found = together([ticking.tick_schedules] * 4)

        assert found == [0, 0, 0, 0]
        assert row().next_at == NIGHT

    def test_a_worker_that_dies_in_the_midst_of_it_has_done_nothing(
        self, clock, reports, monkeypatch
    ):
        nightly()
        clock.at(EVENING)
        save = Tick.save

        def die(tick: Tick, *args: Any, **kwargs: Any) -> None:
            save(tick, *args, **kwargs)
            assert Run.objects.exists()
            raise KeyboardInterrupt

        monkeypatch.setattr(Tick, "save", die)
        with pytest.raises(KeyboardInterrupt):
            clock.at(NIGHT)
        monkeypatch.setattr(Tick, "save", save)

        assert not Run.objects.exists()
        assert not Thread.objects.exists()
        assert (row().next_at, ticks()) == (NIGHT, [])
        assert clock.at(NIGHT + timedelta(seconds=5)) == 1

    def test_an_instant_that_was_started_before_is_not_started_again(
        self, clock, reports
    ):
        nightly()
        clock.at(EVENING)
        clock.at(NIGHT)
        carried_out()
        Schedule.objects.update(next_at=NIGHT, due_at=NIGHT)

        assert clock.at(NIGHT + timedelta(seconds=2)) == 0

        assert Run.objects.count() == 1
        assert row().next_at == NIGHT + DAY


class TestAfterAStandstill:
    def test_what_is_less_than_a_minute_late_has_not_been_missed(self, clock, reports):
        nightly()
        clock.at(EVENING)

        assert clock.at(NIGHT + timedelta(seconds=60)) == 1

    def test_what_is_later_is_passed_over_and_counted(self, clock, reports):
        nightly()
        clock.at(EVENING)

        assert clock.at(NIGHT + 3 * DAY + timedelta(seconds=61)) == 0

        assert ticks() == [("23 03:00", "missed")]
        assert Tick.objects.get().count == 4
        assert row().next_at == NIGHT + 4 * DAY
        assert clock.at(NIGHT + 4 * DAY) == 1

    def test_what_is_within_catch_up_runs_the_oldest_first(self, clock, reports):
        nightly(catch_up=timedelta(days=2), overlap="allow")
        clock.at(EVENING)

        assert clock.at(NIGHT + 4 * DAY - timedelta(hours=1)) == 2

        assert ticks() == [
            ("23 03:00", "missed"),
            ("25 03:00", "started"),
            ("26 03:00", "started"),
        ]
        assert Tick.objects.get(status="missed").count == 2
        carried_out()
        assert [run.thread_id[-17:] for run in Run.objects.order_by("id")] == [
            "2026-11-25T03:00Z",
            "2026-11-26T03:00Z",
        ]

    def test_a_sweep_starts_a_hundred_and_the_next_goes_on(self, clock, reports):
        nightly(cron="* * * * *", catch_up=timedelta(hours=3), overlap="allow")
        clock.at(EVENING)
        later = EVENING + 150 * MINUTE

        assert clock.at(later) == 100
        assert clock.at(later) == 50
        assert clock.at(later) == 0

    def test_after_years_it_is_not_told_how_many_there_were(self, clock, reports):
        nightly(cron="* * * * *")
        clock.at(EVENING)

        assert clock.at(EVENING + timedelta(days=700, seconds=30)) == 1

        missed = Tick.objects.get(status="missed")
        assert (missed.at, missed.count) == (EVENING + MINUTE, ticking.MOST_COUNTED)


def test_a_paused_one_starts_nothing_by_the_clock_and_nothing_that_waits(
    clock, reports
):
    nightly(overlap="queue")
    for at in (EVENING, NIGHT, NIGHT + DAY):
        clock.at(at)
    carried_out()
    pause_schedule("nightly")

    assert clock.at(NIGHT + 2 * DAY) == 0
    assert Run.objects.count() == 1

    acting.resume_schedule("nightly")
    assert row().next_at == NIGHT + 3 * DAY
    assert clock.at(NIGHT + 2 * DAY + MINUTE) == 1


def test_a_look_at_what_is_not_due_costs_two_questions(
    clock, reports, django_assert_num_queries
):
    nightly()
    clock.at(EVENING)

    with django_assert_num_queries(2):
        clock.at(EVENING + MINUTE)


def test_what_became_of_old_instants_is_forgotten_but_not_the_last(
    clock, reports, settings
):
    nightly(overlap="allow")
    for number in range(4):
        clock.at(NIGHT + number * DAY)
    assert [status for _, status in ticks()] == ["started"] * 3
    Tick.objects.update(made_at=EVENING - timedelta(days=100))

    settings.TICKS_KEEP_DAYS = 0
    assert forgetting.forget_ticks() == 0
    settings.TICKS_KEEP_DAYS = 90
    assert forgetting.forget_ticks() == 2

    assert ticks() == [("26 03:00", "started")]
