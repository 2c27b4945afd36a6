"""The doctor names queues that are gone, and lines that have not moved for long (RB.9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.diagnosing import ago, findings, fine, make_run, the_one
from workflows import checks
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.asleep import overslept
from workflows.services.queues import Queue, forget
from workflows.services.schedules.declared import schedule

assert fine

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RB.9")]


@pytest.fixture(autouse=True)
def mail(letter: Any) -> Queue:
    return Queue("mail", concurrency=1)


def in_line(name: str, **more: Any) -> Run:
    thread = Thread.objects.create(id=name, graph="letter")
    more = {"queue": "mail", "queued_at": ago(minutes=90), **more}
    return make_run(thread, **more)


def busy(**more: Any) -> Run:
    """One that is at work."""
    return in_line("busy", status="running", lease_until=ago(minutes=-1), **more)


def test_runs_of_a_queue_that_is_not_declared():
    run = in_line("a")
    in_line("b")
    forget("mail")

    found = the_one("unknown_queue")

    assert found["what"] == (
        "runs that wait in the queue 'mail', which is not declared: 2"
    )
    assert "Queue('mail') without limits" in found["do"]
    assert found["url"].endswith(f"/runs/{run.pk}/")
    assert found["ids"] == {"queue": "mail", "run": run.pk, "count": 2}


def test_a_line_whose_first_is_due_for_an_hour():
    busy(partition="c7")
    run = in_line("a", partition="c7", due_at=ago(hours=3))
    in_line("b", partition="c7")

    found = the_one("slow_queue")

    assert found["what"] == (
        "queue 'mail', partition 'c7', has 2 runs waiting, one for 3 h; 1 of 1 are at work"
    )
    assert found["ids"]["run"] == run.pk


def test_not_one_that_waits_as_is_to_be_expected():
    busy()
    in_line("a", due_at=ago(minutes=59))
    in_line("later", due_at=ago(hours=-1))

    assert findings() == []


def test_one_that_could_begin_is_told_as_any_run_that_no_worker_begins():
    in_line("a")

    found = the_one("waiting")

    assert "has waited for a worker for 10 min" in found["what"]


def test_manage_py_check_names_what_names_a_queue_that_is_missing(mail):
    graph = registry.get("letter").graph
    registry.register(graph, name="letter", queue="mial")
    schedule("weekly", "letter", cron="0 3 * * 0", input={}, queue="post")
    schedule("daily", "letter", cron="0 3 * * *", input={}, queue=mail)

    found = [each for each in checks.check_workflows() if each.id == "workflows.W007"]

    assert [each.obj for each in found] == ["workflow letter", "schedule weekly"]


def test_what_waits_for_a_hand_of_another_process_is_not_late():
    forget("mail")
    Queue("mail", worker_concurrency=1)
    busy(owner="there:7:1")
    in_line("a", due_at=ago(minutes=9))

    assert findings() == []

    Run.objects.filter(status="running").delete()
    assert [each["kind"] for each in findings()] == ["waiting"]


def test_a_sleeper_whose_run_waits_for_a_slot_is_not_late():
    busy()
    run = in_line("a", kind="wake")
    Thread.objects.filter(pk="a").update(status="waiting", wake_at=ago(minutes=9))

    assert findings() == []
    assert not overslept(Thread.objects.all()).exists()

    Run.objects.filter(pk=run.pk).delete()
    assert [each["kind"] for each in findings()] == ["overslept"]
    assert overslept(Thread.objects.all()).exists()
