"""Why one thread does not go on: each check by itself, the verdict, and what a report leaves out."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.services.checking import by, later, the, worker
from tests.services.conftest import ask
from tests.services.diagnosing import ago, make_run
from tests.services.test_doctor import only_reads
from tests.web.conftest import happen
from workflows.models import Awaited, Policy, Run, Signal, Thread
from workflows.services.checkup import locks
from workflows.services.checkup.check import FINE, NONE, STUCK, WAITS
from workflows.services.checkup.checklist import CHECKS, check_up
from workflows.services.checkup.report import report

assert by
assert worker

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(**more: Any) -> None:
    Thread.objects.update(status="waiting", updated_at=ago(hours=2), **more)


class TestQuestions:
    def test_a_person_is_asked(self, thread, by):
        row = ask(thread, asked_at=ago(hours=3))

        check = the("question", by())

        assert check.mark == WAITS
        assert check.text == f"Question #{row.pk} waits for an answer, asked 3 h ago."
        assert check.ways[0].key == row.pk
        assert by().verdict == (
            f"Nothing is wrong: it waits for an answer to question #{row.pk}."
        )

    def test_nobody_may_answer(self, thread, by):
        Policy.objects.create(graph="letter", body=json.dumps({"quorum": 5}))
        ask(thread)

        found = by("admin")

        assert the("question", found).mark == STUCK
        assert "needs 5 approvals" in found.verdict
        assert "Send it?" not in report(found)

    def test_nobody_is_asked(self, thread, by):
        assert the("question", by()).mark == NONE


class TestTimers:
    def test_it_sleeps(self, thread, by):
        waiting(wake_at=later(hours=5))
        make_run(thread, "waiting")

        found = by()

        check = the("timer", found)
        assert (check.mark, [each.act for each in check.offers]) == (WAITS, ["wake"])
        assert found.verdict.startswith("Nothing is wrong: it sleeps until ")

    def test_nobody_has_woken_it(self, thread, by):
        waiting(wake_at=ago(hours=2))
        make_run(thread, "waiting")

        found = by()

        assert found.is_stuck
        assert found.verdict.startswith(
            "It is stuck: it was to go on 2 h ago, and no worker has woken it. Do: "
        )


class TestSignals:
    @pytest.fixture
    def unheard(self, thread):
        waiting()
        make_run(thread, "waiting")
        happen(thread, "task", task="t", node="pay", status="waiting", topics=["paid"])
        Thread.objects.update(updated_at=ago(hours=2))
        Awaited.objects.create(thread=thread, wait="w", kind="signal", topic="paid")

    def test_it_waits(self, unheard, by):
        found = by()

        check = the("awaited", found)
        assert check.mark == WAITS
        assert [(each.name, each.value) for each in check.facts] == [
            ("signal in pay", "paid")
        ]
        assert check.ways[0].view == "thread_signal"
        assert found.verdict == "Nothing is wrong: it waits for signal “paid”."
        assert not the("awaited", by("viewer")).ways

    def test_it_came_and_was_not_taken_up(self, unheard, by):
        Signal.objects.create(
            thread_id="t1", topic="paid", payload='"secret"', sent_at=ago(hours=1)
        )

        found = by()

        assert the("awaited", found).mark == STUCK
        assert "has lain for 60 min in the mailbox" in found.verdict
        assert "secret" not in report(found)


class TestQueued:
    def test_no_worker_is_alive(self, thread, by, worker):
        worker.has_worker = lambda: False
        run = make_run(thread, due_at=ago(seconds=5))

        found = by()

        assert the("queue", found).text == (
            f"Run {run.pk} has waited for a worker for 5 s, and none is alive."
        )
        assert found.is_stuck

    def test_a_worker_lives_and_leaves_it(self, thread, by):
        make_run(thread)
        check = the("queue", by())
        assert (check.mark, [each.act for each in check.offers]) == (STUCK, ["nudge"])

    def test_how_much_is_at_work_elsewhere_is_for_who_sees_all(self, thread, by):
        other = Thread.objects.create(id="t2", graph="payroll")
        make_run(other, "running", lease_until=later(minutes=1))
        make_run(thread)
        assert "1 runs" not in by("operator").verdict
        is_told = connection.vendor == "postgresql"
        assert ("1 runs" in by("admin").verdict) == is_told

    def test_it_has_just_come(self, thread, by):
        make_run(thread, due_at=ago(seconds=1))
        assert the("queue", by()).mark == WAITS

    def test_it_waits_its_turn(self, thread, by):
        first = make_run(thread, "running", lease_until=later(minutes=1))
        make_run(thread)
        found = by()
        assert the("queue", found).waits_for == f"the end of run {first.pk}"
        assert not found.is_stuck

    def test_it_waits_its_time(self, thread, by):
        make_run(thread, due_at=later(hours=2))
        assert the("queue", by()).until is not None

    def test_it_is_held(self, thread, by):
        make_run(thread, due_at="9999-01-01T00:00Z")
        assert "other questions" in the("queue", by()).text

    def test_no_worker_knows_its_workflow(self, thread, by):
        make_run(thread)
        Thread.objects.update(graph="gone")
        Run.objects.update(graph="gone")
        found = by("admin")
        assert found.verdict == (
            "It is stuck: the workflow “gone” is not registered here. "
            "Do: deploy the workflow again under this name, or cancel the run."
        )


class TestLeases:
    def test_its_worker_lives(self, thread, by):
        run = make_run(
            thread,
            "running",
            owner="w1:7:9",
            lease_until=later(minutes=1),
            started_at=ago(minutes=5),
        )

        found = by()

        assert the("lease", found).mark == FINE
        assert found.verdict == f"Nothing is wrong: run {run.pk} is at work."
        assert "w1:7:9" in report(found)
        assert "w1:7:9" not in report(by("viewer"))

    def test_its_worker_is_gone(self, thread, by):
        run = make_run(thread, "running", owner="w1", lease_until=ago(minutes=3))

        check = the("lease", by())

        assert check.mark == STUCK
        assert check.text == (
            f"The worker of run {run.pk} is gone: its lease ended 3 min ago."
        )
        assert [each.act for each in check.offers] == ["release"]
        assert not the("lease", by("viewer")).offers

    def test_its_lease_has_just_ended(self, thread, by):
        make_run(thread, "running", owner="w1", lease_until=ago(seconds=1))
        assert the("lease", by()).mark == WAITS

    def test_it_does_not_hear(self, thread, by):
        until = {"owner": "w1", "lease_until": later(minutes=1)}
        make_run(thread, "running", deadline=ago(hours=3), **until)
        assert "was to end 3 h ago" in the("lease", by()).text


def test_a_thread_that_has_not_begun(thread, by):
    assert by().verdict == "Nothing is wrong: it has not begun."


def test_no_statement_waits_for_a_lock(thread, by):
    wanted = FINE if connection.vendor == "postgresql" else NONE
    assert the("locks", by()).mark == wanted


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has no locks to look at"
)
def test_a_statement_waits_for_a_lock(thread, by, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.0)
    run = make_run(thread, "running", lease_until=later(minutes=1))
    params = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    given = {name: params[name] for name in names if params.get(name)}
    lock = "SELECT 1 FROM workflows_thread FOR UPDATE"
    with psycopg.connect(**given, application_name="backup") as holder:
        holder.execute(lock)
        waiter = threading.Thread(target=partial(_wait_for, given, lock), daemon=True)
        waiter.start()
        deadline = time.monotonic() + 10
        while the("locks", by()).mark != STUCK and time.monotonic() < deadline:
            time.sleep(0.05)
        found = the("locks", by())
        viewed = the("locks", by("viewer"))
        Run.objects.filter(pk=run.pk).update(status="success")
        at_rest = the("locks", by())
    waiter.join(10)

    assert found.mark == STUCK
    assert "backup" in str(found.facts[0].value)
    assert not viewed.facts
    assert at_rest.mark == FINE


def _wait_for(given: Any, lock: str) -> None:
    with psycopg.connect(**given) as waiter:
        waiter.execute(lock)


def test_it_writes_nothing(thread, by):
    ask(thread)
    make_run(thread)
    with connection.execute_wrapper(only_reads):
        assert len(by().checks) == len(CHECKS)


def test_more_questions_are_no_more_statements(thread, people, by):
    asked = []
    for _ in range(2):
        ask(thread)
        with CaptureQueriesContext(connection) as seen:
            by()
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 30


class TestCommand:
    def said(self, *given: str) -> tuple[str, int]:
        out = StringIO()
        try:
            call_command("doctor", "t1", *given, stdout=out)
        except SystemExit as ended:
            return out.getvalue(), int(str(ended.code))
        return out.getvalue(), 0

    def test_it_says_what_the_page_says(self, thread, people):
        ask(thread)
        said, code = self.said()
        first, *rest = said.splitlines()
        assert (first, code) == (check_up(thread).verdict, 0)
        assert sum(line.startswith("[") for line in rest) == len(CHECKS)

    def test_it_ends_with_1_where_the_thread_is_stuck(self, thread):
        make_run(thread, graph="letter")
        said, code = self.said("--json")
        assert code == 1
        assert json.loads(said)["is_stuck"] is True

    def test_a_thread_that_is_not_there(self, db):
        with pytest.raises(CommandError, match="there is no thread 't9'"):
            call_command("doctor", "t9")
