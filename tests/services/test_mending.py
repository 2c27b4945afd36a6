"""The acts of a checkup: each does what its preview says, needs a reason and a right, and is in the audit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.checking import by, the
from tests.services.conftest import ask
from tests.services.diagnosing import ago, make_run
from workflows.models import (
    AuditEntry,
    Delivery,
    Interrupt,
    Notice,
    Run,
    Thread,
    Webhook,
)
from workflows.services.action import InvalidAnswer, NotAllowed, NotPending
from workflows.services.checkup.acting import Done, Mend
from workflows.services.lines import place_of
from workflows.services.queueing import HELD
from workflows.services.queues import Queue
from workflows.storage.claims import due_runs
from workflows.storage.clock import database_now

assert by

pytestmark = pytest.mark.django_db(transaction=True)


def mend(person: Any, act: str, reason: str = "it is stuck", choice: str = "") -> Done:
    return Mend(person, "t1", act, reason, choice).execute()


def run_of(done: Done) -> Run:
    return Run.objects.get(pk=done.about.removeprefix("run "))


@pytest.fixture
def lost(thread: Thread) -> Run:
    """A run whose worker is gone."""
    return make_run(thread, "running", owner="w1", fence=1, lease_until=ago(minutes=3))


class TestRelease:
    def test_the_run_goes_back_to_the_queue(self, lost, people, queue):
        other = Thread.objects.create(id="t2", graph="letter")
        left = make_run(other, "running", owner="w1", lease_until=ago(minutes=3))

        run = run_of(mend(people.operator, "release"))

        assert (run.pk, run.status, run.recoveries) == (lost.pk, "pending", 1)
        assert lost.pk in queue.runs
        left.refresh_from_db()
        assert left.status == "running"

    def test_too_often_and_it_is_parked(self, lost, people, settings):
        Run.objects.update(recoveries=settings.MAX_RECOVERIES)
        assert run_of(mend(people.operator, "release")).reason == "crash_loop"

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
        assert run_of(mend(people.operator, "nudge")) == run
        assert queue.runs == [run.pk]

    def test_not_what_waits_its_turn(self, lost, thread, people, queue):
        make_run(thread)
        with pytest.raises(NotPending, match="No worker could begin run"):
            mend(people.operator, "nudge")
        assert queue.runs == []


@pytest.mark.rule("RB.9")
class TestMove:
    @pytest.fixture
    def run(self, thread: Thread) -> Run:
        """One that waits in a queue that lets nobody in, beside two others."""
        Queue("mail", concurrency=1)
        Queue("late", concurrency=1)
        Queue("parted", partition_by="customer")
        other = Thread.objects.create(id="t2", graph="letter")
        place = {"queue": "mail", "partition": "", "queued_at": ago(minutes=5)}
        make_run(other, "running", lease_until=ago(minutes=-1), **place)
        return make_run(thread, priority=3, **place)

    def test_to_another_queue_with_its_turn(self, run, people, queue):
        done = mend(people.operator, "move", choice="late")

        found = Run.objects.get(pk=run.pk)
        assert (found.queue, found.priority) == ("late", 3)
        assert found.queued_at == run.queued_at
        assert queue.runs == [run.pk]
        assert done.said == f"Run {run.pk} stands in the queue late now"
        entry = AuditEntry.objects.get(action="thread.move")
        assert json.loads(entry.data)["choice"] == "late"

    def test_to_none_it_may_begin_at_once(self, run, people):
        assert run.pk not in due_runs()

        done = mend(people.operator, "move")

        assert done.said == f"Run {run.pk} stands in no queue now"
        assert run.pk in due_runs()
        assert place_of("t1") == {}

    @pytest.mark.parametrize("where", ["mail", "parted", "gone"])
    def test_not_where_it_cannot_stand(self, run, people, where):
        with pytest.raises(InvalidAnswer, match="'late'"):
            mend(people.operator, "move", choice=where)
        assert Run.objects.get(pk=run.pk).queue == "mail"

    def test_not_one_that_stands_in_none(self, thread, people):
        make_run(thread)
        with pytest.raises(NotPending, match="stands in no queue"):
            mend(people.operator, "move")

    def test_not_one_that_has_begun(self, run, people):
        Run.objects.filter(pk=run.pk).update(status="running")
        with pytest.raises(NotPending, match="waits to begin"):
            mend(people.operator, "move")

    def test_one_that_is_held_stays_held(self, run, people, queue):
        Run.objects.filter(pk=run.pk).update(due_at=HELD)
        mend(people.operator, "move")
        assert queue.runs == []


class TestRemind:
    @pytest.fixture
    def question(self, thread: Thread, people: Any) -> Interrupt:
        return ask(thread, assignee=people.reviewer, asked_at=ago(hours=3))

    def test_those_whose_business_it_is_are_told(self, question, people):
        done = mend(people.operator, "remind")

        assert (
            done.said == f"Told again of question #{question.pk}: 1 notice, 0 webhooks"
        )
        notice = Notice.objects.get(person=people.reviewer)
        assert notice.text == "“Send it?” still waits for an answer"
        question.refresh_from_db()
        assert (question.status, question.round) == ("pending", 1)

    def test_a_webhook_is_called_again(self, question, people):
        endpoint = {"url": "https://example.org/in", "secret": "s", "is_active": True}
        Webhook.objects.create(**endpoint, events='["question.asked"]', graphs="[]")

        mend(people.operator, "remind")

        assert json.loads(Delivery.objects.get().body)["data"]["again"] is True

    def test_not_twice_within_a_minute(self, question, people):
        mend(people.operator, "remind")
        with pytest.raises(NotPending, match="less than a minute ago"):
            mend(people.operator, "remind")
        Notice.objects.update(created_at=ago(minutes=2))
        mend(people.operator, "remind")

    def test_nor_where_webhooks_alone_are_called(self, question, people):
        Interrupt.objects.update(assignee=None)
        endpoint = {"url": "https://example.org/in", "secret": "s", "is_active": True}
        Webhook.objects.create(**endpoint, events='["question.asked"]', graphs="[]")

        mend(people.operator, "remind")
        with pytest.raises(NotPending, match="less than a minute ago"):
            mend(people.operator, "remind")
        Delivery.objects.update(created_at=ago(minutes=2))
        mend(people.operator, "remind")

        assert Delivery.objects.count() == 2

    def test_one_of_which_nobody_would_hear_bars_no_other(self, thread, people, by):
        first = ask(thread, asked_at=ago(hours=3))
        second = ask(thread, assignee=people.reviewer, asked_at=ago(hours=2))

        [offer] = the("question", by()).offers
        done = mend(people.operator, "remind")

        assert offer.preview.startswith("1 person is told")
        said = f"Told again of question #{second.pk}: 1 notice, 0 webhooks"
        assert done.said == said
        assert Notice.objects.get().interrupt_id == second.pk != first.pk

    def test_as_many_as_a_thread_can_ask(self, thread, people):
        for _ in range(20):
            ask(thread, assignee=people.reviewer, asked_at=ago(hours=3))

        mend(people.operator, "remind")

        entry = AuditEntry.objects.get(action="thread.remind")
        assert len(entry.subject) <= 60
        assert Notice.objects.count() == 20

    def test_not_where_nobody_is_asked(self, thread, people):
        with pytest.raises(NotPending, match="No question of thread t1"):
            mend(people.operator, "remind")

    def test_the_offer_says_how_many_it_reaches(self, question, by):
        [offer] = the("question", by()).offers
        assert offer.preview.startswith("1 person is told by a notice, and by mail")

    def test_not_where_nobody_would_hear_of_it(self, question, people, by):
        Interrupt.objects.update(assignee=None)
        with pytest.raises(NotPending, match="Nobody would hear of question"):
            mend(people.operator, "remind")
        assert the("question", by()).offers == ()
        endpoint = {"url": "https://example.org/in", "secret": "s", "is_active": True}
        Webhook.objects.create(**endpoint, events='["question.asked"]', graphs="[]")
        [offer] = the("question", by()).offers
        assert offer.preview.startswith("Nobody is assigned, so only webhooks")


def test_a_thread_that_sleeps_is_woken(thread, people):
    Thread.objects.update(status="waiting", wake_at="2099-01-01T00:00Z")
    make_run(thread, "waiting")
    assert run_of(mend(people.operator, "wake")).kind == "wake"


def test_what_failed_goes_on(thread, people):
    Thread.objects.update(status="error")
    make_run(thread, "error")
    assert run_of(mend(people.operator, "continue")).kind == "continue"


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
