"""A thread whose run waits for its queue is not stuck, and the site is not late with it (RB.9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.checking import by, the, worker
from tests.services.diagnosing import ago, make_run
from workflows.models import Run, Thread
from workflows.services.queues import Queue, forget
from workflows.services.waiting_runs import waiting_for_worker

assert by
assert worker

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RB.9")]


@pytest.fixture
def run(letter: Any) -> Run:
    """One that waits behind another of its queue."""
    Queue("mail", concurrency=1)
    place = {"queue": "mail", "queued_at": ago(minutes=5)}
    other = Thread.objects.create(id="t2", graph="letter")
    make_run(other, "running", lease_until=ago(minutes=-1), **place)
    return make_run(Thread.objects.create(id="t1", graph="letter"), **place)


def test_one_that_is_not_let_in_waits_for_its_queue(run, by):
    found = the("queue", by())

    assert (found.mark, found.waits_for) == ("waits", "the queue mail")
    assert found.text == f"Run {run.pk} waits for its queue mail to let it in."


def test_one_of_a_queue_that_is_gone_is_stuck(run, by):
    forget("mail")

    found = the("queue", by())

    assert found.mark == "stuck"
    assert "which the code does not declare" in found.text
    assert found.do == (
        "Declare the queue again under this name, move the run to another, or cancel it."
    )


def test_one_that_could_begin_is_stuck(run, by):
    Run.objects.filter(status="running").delete()

    assert "no worker has begun it" in the("queue", by()).text


def test_health_counts_none_as_due_that_may_wait_for_a_slot(run):
    assert not waiting_for_worker(Run.objects.all()).exists()
    Run.objects.filter(pk=run.pk).update(queue="", queued_at=None)
    assert waiting_for_worker(Run.objects.all()).get() == run


def test_one_that_waits_for_a_hand_of_another_process_waits(run, by):
    forget("mail")
    Queue("mail", worker_concurrency=1)
    Run.objects.filter(status="running").update(owner="there:7:1#2")

    assert the("queue", by()).mark == "waits"

    forget("mail")
    Queue("mail", worker_concurrency=2)
    assert "no worker has begun it" in the("queue", by()).text


def test_one_that_has_slept_waits_for_its_queue_and_not_for_a_worker(run, by):
    Thread.objects.filter(pk="t1").update(status="waiting", wake_at=ago(minutes=5))
    run.thread.refresh_from_db()

    found = the("timer", by())

    assert (found.mark, found.waits_for) == ("waits", "")
    assert found.text == (
        "Its time came 5 min ago; the run that goes on waits for its queue."
    )
