"""The acts of a checkup: each does what its preview says, needs a reason and a right, and is in the audit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.diagnosing import ago, make_run
from workflows.models import AuditEntry, Run, Thread
from workflows.services.action import InvalidAnswer, NotAllowed, NotPending
from workflows.services.checkup.acting import Mend
from workflows.storage.clock import database_now

pytestmark = pytest.mark.django_db(transaction=True)


def mend(person: Any, act: str, reason: str = "it is stuck") -> Run:
    return Mend(person, "t1", act, reason).execute()


@pytest.fixture
def lost(thread: Thread) -> Run:
    """A run whose worker is gone."""
    return make_run(thread, "running", owner="w1", fence=1, lease_until=ago(minutes=3))


class TestRelease:
    def test_the_run_goes_back_to_the_queue(self, lost, people, queue):
        other = Thread.objects.create(id="t2", graph="letter")
        left = make_run(other, "running", owner="w1", lease_until=ago(minutes=3))

        run = mend(people.operator, "release")

        assert (run.pk, run.status, run.recoveries) == (lost.pk, "pending", 1)
        assert lost.pk in queue.runs
        left.refresh_from_db()
        assert left.status == "running"

    def test_too_often_and_it_is_parked(self, lost, people, settings):
        Run.objects.update(recoveries=settings.MAX_RECOVERIES)
        assert mend(people.operator, "release").reason == "crash_loop"

    def test_not_from_a_worker_that_lives(self, lost, people):
        Run.objects.update(lease_until=database_now().replace(year=2099))
        with pytest.raises(NotPending, match="lives"):
            mend(people.operator, "release")

    def test_not_where_nothing_is_at_work(self, thread, people):
        with pytest.raises(NotPending, match="at work"):
            mend(people.operator, "release")


class TestNudge:
    def test_the_queue_is_told_again(self, thread, people, queue):
        run = make_run(thread)
        assert mend(people.operator, "nudge").pk == run.pk
        assert queue.runs == [run.pk]

    def test_not_what_waits_its_turn(self, lost, thread, people, queue):
        make_run(thread)
        with pytest.raises(NotPending, match="No worker could begin run"):
            mend(people.operator, "nudge")
        assert queue.runs == []


def test_a_thread_that_sleeps_is_woken(thread, people):
    Thread.objects.update(status="waiting", wake_at="2099-01-01T00:00Z")
    make_run(thread, "waiting")
    assert mend(people.operator, "wake").kind == "wake"


def test_what_failed_goes_on(thread, people):
    Thread.objects.update(status="error")
    make_run(thread, "error")
    assert mend(people.operator, "continue").kind == "continue"


def test_the_audit_says_who_and_why(lost, people):
    mend(people.operator, "release", " the node was switched off ")

    entry = AuditEntry.objects.get(action="thread.release")
    assert (entry.thread, entry.subject) == ("t1", f"run {lost.pk}")
    assert entry.person_name == "Operator"
    assert json.loads(entry.data)["reason"] == "the node was switched off"


@pytest.mark.parametrize(
    ("act", "reason"), [("release", " "), ("release", ""), ("drop", "why")]
)
def test_without_a_reason_or_an_act_nothing_is_done(lost, people, act, reason):
    with pytest.raises(InvalidAnswer):
        mend(people.operator, act, reason)
    lost.refresh_from_db()
    assert lost.status == "running"
    assert not AuditEntry.objects.filter(thread="t1").exists()


def test_who_only_looks_does_nothing(lost, people):
    with pytest.raises(NotAllowed):
        mend(people.reviewer, "release")
