"""What is noted of threads and schedules whose names are as long as they may be: a column of the audit is shorter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services import payments
from tests.services.napping import every_sleep_is_long
from tests.services.payments import noted, pay, run_all
from tests.services.posting import carried_out
from tests.services.spending import spending
from tests.services.timetable import DAY, EVENING, clock, reports
from workflows.models import AuditEntry, Interrupt
from workflows.services.schedules.acting import PauseSchedule
from workflows.services.schedules.backfill import BackfillSchedule
from workflows.services.schedules.declared import schedule
from workflows.services.schedules.trigger import TriggerSchedule
from workflows.services.send_update import SendUpdate
from workflows.services.start_run import start_thread

assert every_sleep_is_long
assert clock
assert noted
assert pay
assert reports
assert spending

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "t" * 200


def noted_of(action: str) -> str:
    """What the audit names as acted on; PostgreSQL takes no more characters than the column has."""
    entry = AuditEntry.objects.get(action=action)
    most = AuditEntry._meta.get_field("subject").max_length
    assert most is not None
    assert len(entry.subject) <= most
    return entry.subject


def test_an_update(people: Any, spending: Any) -> None:
    spending.registered("ask")
    start_thread("spending", {"limit": 5, "log": []}, thread_id=LONG)
    carried_out()

    SendUpdate(people.operator, LONG, "set_limit", {"limit": 9}).execute()

    assert noted_of("update.sent").startswith("thread ttt")
    assert AuditEntry.objects.get(action="update.sent").thread == LONG


@pytest.mark.parametrize("act", [payments.edit, payments.resume])
def test_an_edit(people: Any, pay: Any, act: Any) -> None:
    pay()
    start_thread("pay", {"amount": 200}, thread_id=LONG)
    run_all()
    row = Interrupt.objects.select_related("thread").get()

    act(people.admin, row).execute()

    assert noted_of("state.edited").startswith("thread ttt")


@pytest.mark.parametrize(
    ("act", "action"),
    [
        (PauseSchedule, "schedule.paused"),
        (TriggerSchedule, "schedule.triggered"),
        (
            lambda who, name: BackfillSchedule(who, name, EVENING - DAY, EVENING),
            "schedule.backfilled",
        ),
    ],
)
def test_a_schedule(
    people: Any, clock: Any, reports: Any, act: Any, action: str
) -> None:
    name = "n" * 150
    schedule(name, "report", cron="0 3 * * *", input={"to": "a"})

    act(people.operator, name).execute()

    assert noted_of(action).startswith("schedule nnn")
