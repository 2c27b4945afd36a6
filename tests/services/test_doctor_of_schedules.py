"""The doctor names schedules that are overdue, and those whose last start was refused (RB.10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.services.diagnosing import ago, findings, fine, the_one
from tests.services.timetable import nightly, reports
from workflows.models import Schedule, Tick
from workflows.services import registry
from workflows.services.schedules.acting import pause_schedule
from workflows.services.schedules.declared import unschedule
from workflows.services.schedules.ticking import tick_schedules

assert fine
assert reports

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RB.10")]


@pytest.fixture
def late(reports: Any) -> None:
    nightly()
    tick_schedules()
    Schedule.objects.update(next_at=ago(minutes=4), due_at=ago(minutes=4))


def test_one_that_nobody_has_started(late):
    found = the_one("late_schedule")

    assert (
        found["what"] == "schedule 'nightly' was to start report 4 min ago, and has not"
    )
    assert found["url"].endswith("/schedules/nightly/")
    assert found["ids"] == {"schedule": "nightly", "graph": "report"}


def test_not_one_that_has_just_come(late):
    Schedule.objects.update(due_at=ago(minutes=2))

    assert findings() == []


def test_not_one_that_is_paused(late):
    pause_schedule("nightly")

    assert findings() == []


def test_not_one_that_the_code_declares_no_more(late):
    unschedule("nightly")

    assert findings() == []


def test_one_whose_last_start_was_refused(reports):
    nightly()
    tick_schedules()
    refused = Tick.objects.create(
        schedule_id="nightly",
        at=ago(hours=3),
        made_at=ago(hours=3),
        status="refused",
        text="its input: LookupError: no orders",
    )

    found = the_one("refused_schedule")

    words = "started nothing 3 h ago: its input: LookupError: no orders"
    assert found["what"] == f"schedule 'nightly' {words}"
    assert "make up for the instant" in found["do"]
    Tick.objects.create(
        schedule_id="nightly", at=refused.at + timedelta(days=1), status="started"
    )
    assert findings() == []


def test_one_of_a_workflow_that_is_not_registered(reports):
    nightly()
    tick_schedules()
    registry.unregister("report")

    found = the_one("refused_schedule")

    assert found["what"].endswith("No workflow named report is registered.")
