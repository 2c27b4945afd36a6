"""Pause, resume, run now and make up for the past: who may, and what becomes of it (RB.10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.services.posting import carried_out
from tests.services.timetable import (
    DAY,
    EVENING,
    NIGHT,
    again,
    clock,
    nightly,
    reports,
    row,
    ticks,
)
from tests.storage.racing import together
from workflows import checks
from workflows.models import AuditEntry, Run, Schedule, Thread, Tick
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotPending,
    NotVisible,
    ThreadBusy,
)
from workflows.services.schedules import backfill as filling
from workflows.services.schedules import declared
from workflows.services.schedules.acting import (
    PauseSchedule,
    ResumeSchedule,
    pause_schedule,
    resume_schedule,
)
from workflows.services.schedules.backfill import BackfillSchedule, backfill
from workflows.services.schedules.declared import UnknownScheduleError
from workflows.services.schedules.reading import (
    schedule_detail,
    schedule_list,
    schedules,
    ticks_of,
)
from workflows.services.schedules.trigger import TriggerSchedule, trigger_schedule

assert clock
assert reports

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.10")]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ACTS: tuple[Any, ...] = (
    PauseSchedule,
    ResumeSchedule,
    TriggerSchedule,
    lambda person, name: BackfillSchedule(person, name, EVENING - DAY, EVENING),
)


class TestWhoMay:
    @pytest.mark.parametrize("act", ACTS)
    def test_operators_of_the_workflow_act(self, clock, reports, people, act):
        nightly()

        act(people.operator, "nightly").execute()

    @pytest.mark.parametrize("act", ACTS)
    def test_who_sees_it_only_is_refused(self, clock, reports, people, act):
        nightly()

        for person in (people.viewer, people.reviewer):
            with pytest.raises(NotAllowed, match="but not operate it"):
                act(person, "nightly").execute()
        assert not Schedule.objects.exists()

    @pytest.mark.parametrize("act", ACTS)
    @pytest.mark.parametrize("name", ["nightly", "none", "a\0b"])
    def test_what_is_hidden_looks_like_what_is_missing(
        self, clock, reports, people, act, name
    ):
        nightly()

        with pytest.raises(NotVisible):
            act(people.stranger, name).execute()

    @pytest.mark.parametrize("act", ACTS)
    def test_what_the_code_declares_no_more_takes_nothing(
        self, clock, reports, people, act
    ):
        nightly()
        clock.at(EVENING)
        declared.unschedule("nightly")

        with pytest.raises(NotPending, match="does not declare the schedule nightly"):
            act(people.operator, "nightly").execute()

    @pytest.mark.parametrize(
        "act",
        [
            pause_schedule,
            resume_schedule,
            trigger_schedule,
            lambda name: backfill(name, EVENING, EVENING),
        ],
    )
    def test_a_program_is_told_what_to_call(self, clock, act):
        with pytest.raises(
            UnknownScheduleError, match=r"schedule\('nightly', \.\.\.\)"
        ):
            act("nightly")


class TestPausing:
    def test_who_paused_it_is_kept(self, clock, reports, people):
        nightly()

        assert PauseSchedule(people.operator, "nightly").execute()
        assert not PauseSchedule(people.admin, "nightly").execute()

        assert (row().paused_at, row().paused_by) == (EVENING, people.operator)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.subject) == ("schedule.paused", "schedule nightly")

    def test_it_goes_on_with_its_next_instant(self, clock, reports):
        nightly(catch_up=timedelta(days=9))
        pause_schedule("nightly")
        assert clock.at(NIGHT + DAY) == 0

        assert resume_schedule("nightly")
        assert not resume_schedule("nightly")

        assert (row().paused_at, row().next_at) == (None, NIGHT + 2 * DAY)
        assert clock.at(NIGHT + DAY + HOUR) == 0
        assert clock.at(NIGHT + 2 * DAY) == 1


class TestNow:
    def test_it_is_started_beside_its_instants(self, clock, reports, people):
        nightly(input=lambda at: {"at": at.isoformat()})
        clock.now = EVENING + timedelta(milliseconds=1234)

        tick = TriggerSchedule(people.operator, "nightly").execute()

        assert tick.thread_id == "nightly 2026-11-22T20:00:01.234Z"
        assert tick.person == people.operator
        assert Run.objects.get(pk=tick.run_id).thread_id == tick.thread_id
        assert carried_out() == ["success"]
        assert reports.given == [{"at": "2026-11-22T20:00:01.234000+00:00"}]
        assert clock.at(NIGHT) == 1

    def test_a_program_is_given_what_was_started(self, clock, reports):
        nightly()

        found = trigger_schedule("nightly")

        run = Run.objects.get()
        assert (found.thread_id, found.run_id) == (run.thread_id, run.pk)
        assert run.created_by is None

    def test_a_form_that_is_sent_twice_starts_one(self, clock, reports, people):
        nightly(overlap="allow")
        send = TriggerSchedule(people.operator, "nightly", key="k").execute

        found = together([send, send, send])

        assert len({tick.pk for tick in found}) == 1
        assert Run.objects.get().created_by == people.operator

    def test_also_while_it_is_paused(self, clock, reports):
        nightly()
        pause_schedule("nightly")

        assert trigger_schedule("nightly") is not None

    def test_skip_lets_it_not_begin_beside_another(self, clock, reports):
        nightly()
        trigger_schedule("nightly")
        clock.now += HOUR

        with pytest.raises(ThreadBusy, match="it lets none begin beside it"):
            trigger_schedule("nightly")
        assert Tick.objects.count() == 1

    def test_queue_lets_it_wait(self, clock, reports):
        nightly(overlap="queue")
        trigger_schedule("nightly")
        clock.now += HOUR

        assert trigger_schedule("nightly") is None
        carried_out()
        assert clock.at(clock.now) == 1

    def test_what_cannot_be_started_is_said_and_not_kept(self, clock, reports, caplog):
        caplog.set_level("CRITICAL")
        nightly()
        registry.unregister("report")
        with pytest.raises(NotPending, match="Nothing was started: UnknownGraphError"):
            trigger_schedule("nightly")

        again(input=lambda at: 1 / 0)
        with pytest.raises(InvalidAnswer, match="ZeroDivisionError"):
            trigger_schedule("nightly")
        assert not Tick.objects.exists()


class TestThePast:
    def test_each_instant_is_started_once_one_after_the_other(self, clock, reports):
        nightly()
        for at in (EVENING, NIGHT):
            clock.at(at)
        carried_out()
        clock.now += HOUR

        assert backfill("nightly", NIGHT - 2 * DAY, NIGHT) == 2
        assert backfill("nightly", NIGHT - 2 * DAY, NIGHT) == 0

        for day in ("21", "22"):
            assert clock.at(clock.now) == 1
            assert clock.at(clock.now) == 0
            last = Run.objects.latest("id")
            assert last.thread_id == f"nightly 2026-11-{day}T03:00Z"
            carried_out()
        assert {status for _, status in ticks()} == {"started"}
        assert backfill("nightly", NIGHT - 2 * DAY, NIGHT) == 0

    def test_side_by_side_where_that_is_allowed(self, clock, reports):
        nightly(overlap="allow")

        assert backfill("nightly", EVENING - 5 * DAY, EVENING) == 5

        assert clock.at(EVENING) == 5

    def test_what_was_missed_or_refused_can_be_made_up_for(
        self, clock, reports, caplog
    ):
        caplog.set_level("CRITICAL")
        nightly(input=lambda at: {} if registry.find("report") else 1 / 0)
        clock.at(EVENING)
        registry.unregister("report")
        clock.at(NIGHT)
        registry.register(reports.graph(), name="report")
        clock.at(NIGHT + 2 * DAY + HOUR)

        assert backfill("nightly", NIGHT, NIGHT + 2 * DAY) == 3

        assert [status for _, status in ticks()][:2] == ["refused", "missed"]

    def test_an_instant_that_comes_meanwhile_is_not_started_twice(self, clock, reports):
        nightly()
        clock.at(EVENING)
        clock.now = NIGHT

        assert backfill("nightly", EVENING, NIGHT) == 1
        assert clock.at(NIGHT) == 1

        assert ticks() == [("23 03:00", "started")]
        assert row().next_at == NIGHT + DAY

    def test_at_the_same_time_by_several(self, clock, reports):
        nightly()

        found = together([lambda: backfill("nightly", EVENING - 3 * DAY, EVENING)] * 3)

        assert sorted(found) == [0, 0, 3]
        assert Tick.objects.count() == 3

    @pytest.mark.parametrize(
        ("start", "end", "words"),
        [
            (EVENING, EVENING - DAY, "end: lies before the start"),
            (EVENING, EVENING + DAY, "end: lies in the future"),
            (datetime(2026, 1, 1), EVENING, "start: has no time zone"),  # noqa: DTZ001
            (EVENING, "now", "end: has no time zone"),
            (EVENING - 2000 * DAY, EVENING, "more than 1,000 instants"),
        ],
    )
    def test_times_that_make_no_sense_are_refused(
        self, clock, reports, start, end, words
    ):
        nightly()

        with pytest.raises(InvalidAnswer, match=words):
            backfill("nightly", start, end)
        assert filling.MOST == 1_000
        assert not Tick.objects.exists()


class TestReading:
    def test_what_is_due_next_and_came_last(self, clock, reports, people):
        nightly(overlap="queue", jitter=60)
        for at in (EVENING, NIGHT + timedelta(seconds=59), NIGHT + DAY + MINUTE):
            clock.at(at)
        carried_out()

        (found,) = schedule_list(people.viewer)

        assert (found.name, found.graph_title) == ("nightly", "Report")
        assert found.upcoming == (NIGHT + 2 * DAY, NIGHT + 3 * DAY, NIGHT + 4 * DAY)
        assert (found.last.status, found.queued) == ("queued", 1)
        assert (found.last_start.thread_status, found.last_start.at) == (
            "success",
            NIGHT,
        )
        assert schedules() == [found]
        assert schedule_detail(people.viewer, "nightly") == found
        assert [tick.status for tick in ticks_of(people.viewer, "nightly")] == [
            "queued",
            "started",
        ]

    def test_before_any_worker_has_seen_it(self, clock, reports):
        nightly()

        (found,) = schedules()

        assert found.upcoming[0] == NIGHT
        assert not found.is_late
        assert not Schedule.objects.exists()

    def test_one_that_is_overdue_or_paused_says_so(self, clock, reports, people):
        nightly()
        clock.at(EVENING)
        clock.now = NIGHT + MINUTE
        (late,) = schedules()
        assert late.is_late

        PauseSchedule(people.operator, "nightly").execute()

        (found,) = schedules()
        assert (found.is_late, found.upcoming) == (False, ())
        assert found.paused_by == "Operator"

    def test_one_that_the_code_declares_no_more_comes_last(self, clock, reports):
        nightly()
        clock.at(EVENING)
        declared.unschedule("nightly")
        declared.schedule("weekly", "gone", cron="0 3 * * 0", input={})

        weekly, gone = schedules()

        assert weekly.fault == "No workflow named gone is registered."
        assert (gone.name, gone.is_declared, gone.cron) == (
            "nightly",
            False,
            "0 3 * * *",
        )

    def test_who_may_not_see_the_workflow_sees_nothing(self, clock, reports, people):
        nightly()

        assert schedule_list(people.stranger) == []
        with pytest.raises(NotVisible):
            schedule_detail(people.stranger, "nightly")
        with pytest.raises(NotVisible):
            ticks_of(people.stranger, "nightly")

    def test_a_thread_of_a_workflow_that_one_may_not_see_has_no_status(
        self, clock, reports, people
    ):
        nightly()
        for at in (EVENING, NIGHT):
            clock.at(at)
        registry.register(
            reports.graph(), name="closed", start_groups=(), decide_groups=()
        )
        Thread.objects.update(graph="closed")

        assert ticks_of(people.viewer, "nightly")[0].thread_status == ""
        assert ticks_of(people.admin, "nightly")[0].thread_status == "pending"


def test_manage_py_check_names_a_schedule_of_no_workflow(reports):
    nightly()
    declared.schedule("weekly", "gone", cron="0 3 * * 0", input={})

    found = [each for each in checks.check_workflows() if each.id == "workflows.W006"]

    assert [each.obj for each in found] == ["weekly"]
