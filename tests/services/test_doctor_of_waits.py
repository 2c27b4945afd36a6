"""`manage.py doctor` names threads that sleep too long, and those whose signal, event or child nobody takes up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from tests.services.diagnosing import ago, findings, fine, make_run, the_one
from workflows.models import (
    Awaited,
    Emitted,
    Signal,
    Thread,
)
from workflows.storage.clock import database_now

assert fine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("RB.1")
class TestSleeping:
    @pytest.fixture
    def late(self, thread):
        """One whose time to wake came two hours ago."""
        thread.status, thread.wake_at = "waiting", ago(hours=2)
        thread.save()
        return thread

    @pytest.mark.parametrize("status", ["waiting", "interrupted"])
    def test_a_thread_that_nobody_has_woken(self, late, status):
        Thread.objects.update(status=status)

        found = the_one("overslept")

        assert found["what"] == "thread 't1' was to wake 2 h ago, and still sleeps"
        assert found["ids"] == {"thread": "t1", "graph": "letter"}
        assert found["url"].endswith("/threads/t1/")
        if connection.vendor == "postgresql":
            assert found["do"].startswith("a worker lives and 0 runs are at work")
        else:
            assert found["do"].startswith("see that manage.py serve runs")

    def test_one_of_a_workflow_that_is_not_registered(self, late):
        Thread.objects.update(graph="gone")

        found = the_one("overslept")

        assert found["what"].endswith("; its workflow 'gone' is not registered")
        assert found["do"] == "deploy the workflow again under this name"

    @pytest.mark.parametrize("status", ["idle", "busy", "error"])
    def test_not_one_that_nobody_is_to_wake(self, late, status):
        Thread.objects.update(status=status)
        assert findings() == []

    @pytest.mark.parametrize("wake_at", [timedelta(seconds=-5), timedelta(hours=1)])
    def test_not_one_that_sleeps_on_or_was_to_wake_just_now(self, late, wake_at):
        Thread.objects.update(wake_at=database_now() + wake_at)
        assert findings() == []


@pytest.mark.rule("RB.2")
class TestUnheardSignals:
    @pytest.fixture
    def unheard(self, thread):
        """One that has waited for two hours for a signal that was sent then, too."""
        Thread.objects.update(status="waiting", updated_at=ago(hours=2))
        Awaited.objects.create(thread=thread, wait="w", kind="signal", topic="paid")
        return Signal.objects.create(
            thread_id=thread.pk, topic="paid", payload="null", sent_at=ago(hours=2)
        )

    @pytest.mark.parametrize("status", ["waiting", "interrupted"])
    @pytest.mark.parametrize("wake_at", [None, timedelta(hours=1)])
    def test_one_that_nobody_was_told_of(self, unheard, status, wake_at):
        Thread.objects.update(
            status=status, wake_at=wake_at and database_now() + wake_at
        )

        found = the_one("unheard")

        assert found["what"] == (
            "a signal 'paid' has lain for 2 h in the mailbox of thread 't1', which waits for it"
        )
        assert found["ids"] == {"thread": "t1", "graph": "letter", "topic": "paid"}
        assert found["url"].endswith("/threads/t1/")

    def test_one_of_a_workflow_that_is_not_registered(self, unheard):
        Thread.objects.update(graph="gone")

        found = the_one("unheard")

        assert found["what"].endswith("; its workflow 'gone' is not registered")
        assert found["do"] == "deploy the workflow again under this name"

    @pytest.mark.parametrize(
        "changed",
        [
            {"handed": True},
            {"topic": "sent"},
            {"thread_id": "t2"},
            {"sent_at": None},
        ],
    )
    def test_not_one_that_is_not_waited_for_or_has_just_come(self, unheard, changed):
        now = database_now()
        Signal.objects.update(
            **{k: now if v is None else v for k, v in changed.items()}
        )
        assert findings() == []

    @pytest.mark.parametrize("status", ["idle", "busy", "error"])
    def test_not_on_a_thread_that_waits_no_more(self, unheard, status):
        Thread.objects.update(status=status)
        assert findings() == []

    def test_not_on_a_thread_that_has_just_begun_to_wait(self, unheard):
        Thread.objects.update(updated_at=database_now())
        assert findings() == []

    def test_a_thread_that_is_to_wake_is_told_of_once(self, unheard):
        Thread.objects.update(wake_at=ago(minutes=5))
        assert the_one("overslept")


@pytest.mark.rule("RB.3")
class TestUntoldEvents:
    @pytest.fixture
    def untold(self, thread):
        """One that has waited for three hours for an event that was told an hour after."""
        Thread.objects.update(status="waiting", updated_at=ago(hours=3))
        Awaited.objects.create(
            thread=thread, wait="w", kind="event", topic="told", since=ago(hours=3)
        )
        return Emitted.objects.create(
            name="told", payload="null", emitted_at=ago(hours=2)
        )

    @pytest.mark.parametrize("status", ["waiting", "interrupted"])
    @pytest.mark.parametrize("wake_at", [None, timedelta(hours=1)])
    def test_one_that_nobody_has_taken_up(self, untold, status, wake_at):
        Thread.objects.update(
            status=status, wake_at=wake_at and database_now() + wake_at
        )

        found = the_one("unheard")

        assert found["what"] == (
            "event 'told' was told 2 h ago, and thread 't1', which waits for it, has not gone on"
        )
        assert found["ids"] == {"thread": "t1", "graph": "letter", "event": "told"}
        assert found["url"].endswith("/threads/t1/")

    def test_one_with_a_key(self, untold):
        Awaited.objects.update(key="7")
        assert findings() == []
        Emitted.objects.update(key="7")

        found = the_one("unheard")

        assert found["what"].startswith("event 'told' with the key '7' was told")

    @pytest.mark.parametrize(
        "awaited",
        [{"topic": "sent"}, {"after": 10**9}, {"matching": '{"n":1}'}],
    )
    def test_not_one_that_is_not_waited_for(self, untold, awaited):
        Awaited.objects.update(**awaited)
        assert findings() == []

    def test_not_one_that_has_just_been_told(self, untold):
        Emitted.objects.update(emitted_at=ago(seconds=100))
        assert findings() == []

    def test_not_on_a_thread_that_has_just_begun_to_wait(self, untold):
        Thread.objects.update(updated_at=database_now())
        assert findings() == []

    def test_not_on_a_thread_that_has_a_run_to_come(self, untold, thread):
        make_run(thread, due_at=database_now())
        assert findings() == []

    def test_a_thread_that_is_to_wake_is_told_of_once(self, untold):
        Thread.objects.update(wake_at=ago(minutes=5))
        assert the_one("overslept")

    def test_one_that_cannot_be_read(self, untold, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        Awaited.objects.update(matching='{"n":1}')
        assert "was told" in the_one("unheard")["what"]


@pytest.mark.rule("RB.5")
class TestUnseenEnds:
    @pytest.fixture
    def unseen(self, thread):
        """A thread that ended two hours ago, and `t1`, which has waited for its end since an hour before."""
        Thread.objects.update(status="waiting", updated_at=ago(hours=3))
        Awaited.objects.create(thread=thread, wait="w", kind="child", topic="c1")
        child = Thread.objects.create(id="c1", graph="letter", status="idle")
        Thread.objects.filter(pk="c1").update(updated_at=ago(hours=2))
        return child

    @pytest.mark.parametrize("status", ["waiting", "interrupted"])
    @pytest.mark.parametrize("wake_at", [None, timedelta(hours=1)])
    def test_one_that_nobody_has_taken_up(self, unseen, status, wake_at):
        wake_at = wake_at and database_now() + wake_at
        Thread.objects.filter(pk="t1").update(status=status, wake_at=wake_at)

        found = the_one("unheard")

        assert found["what"] == (
            "thread 'c1' has ended 2 h ago, and thread 't1', which waits for its end, has not gone on"
        )
        assert found["ids"] == {"thread": "t1", "graph": "letter", "child": "c1"}
        assert found["url"].endswith("/threads/t1/")

    def test_one_that_failed_has_ended(self, unseen):
        Thread.objects.filter(pk="c1").update(status="error")
        assert "has ended 2 h ago" in the_one("unheard")["what"]

    def test_one_that_does_not_exist(self, unseen):
        unseen.delete()
        assert the_one("unheard")["what"].startswith("thread 'c1' does not exist, and")

    @pytest.mark.parametrize("status", ["busy", "waiting", "interrupted"])
    def test_not_one_that_goes_on(self, unseen, status):
        Thread.objects.filter(pk="c1").update(status=status)
        assert findings() == []

    def test_not_one_that_has_work_to_do(self, unseen):
        make_run(unseen, due_at=database_now())
        assert findings() == []

    def test_not_one_that_has_just_ended(self, unseen):
        Thread.objects.filter(pk="c1").update(updated_at=ago(seconds=100))
        assert findings() == []

    def test_not_for_a_thread_that_has_just_begun_to_wait(self, unseen):
        Thread.objects.filter(pk="t1").update(updated_at=database_now())
        assert findings() == []

    def test_of_several_only_the_one_that_ended(self, unseen, thread):
        Thread.objects.create(id="c2", graph="letter", status="busy")
        Thread.objects.filter(pk="c2").update(updated_at=ago(hours=2))
        Awaited.objects.create(thread=thread, wait="v", kind="child", topic="c2")

        assert the_one("unheard")["ids"]["child"] == "c1"

    def test_a_thread_that_is_to_wake_is_told_of_once(self, unseen):
        Thread.objects.filter(pk="t1").update(wake_at=ago(minutes=5))
        assert the_one("overslept")
