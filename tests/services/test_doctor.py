"""`manage.py doctor` names each thing that is stuck, where it is and what to do, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.services.conftest import ask
from tests.services.diagnosing import ago, findings, fine, lines, make_run, the_one
from workflows.management.commands import doctor as command
from workflows.models import (
    Delivery,
    Interrupt,
    Policy,
    Thread,
)
from workflows.services import doctor, registry
from workflows.storage.clock import database_now

assert fine

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_stuck_where_all_is_well(thread, people):
    make_run(thread, due_at=ago(seconds=5))
    make_run(thread, "success", reason="")
    ask(thread)
    out = StringIO()

    call_command("doctor", stdout=out)

    assert out.getvalue() == "nothing is stuck\n"
    assert findings() == []


def test_a_line_says_what_it_is_where_it_is_and_what_to_do(thread, settings):
    settings.PUBLIC_URL = "https://review.example.org"
    run = make_run(thread, "error", reason="crash_loop", recoveries=3)

    assert lines() == [
        f"parked: run {run.pk} of thread 't1' was given up: crash_loop, its worker died 4 times"
        f" <https://review.example.org/runs/{run.pk}/>. Do: look at the node it was in and at the"
        " memory of the machine, then Continue on the page of its thread."
    ]


def test_it_writes_nothing(thread):
    make_run(thread)
    with connection.execute_wrapper(only_reads):
        assert findings()


def only_reads(execute: Any, sql: str, *given: Any) -> Any:
    assert sql.lstrip().startswith(("SELECT", "PRAGMA")), sql
    return execute(sql, *given)


class TestWaiting:
    def test_a_run_that_no_worker_has_begun(self, thread, queue):
        run = make_run(thread)

        found = the_one("waiting")

        assert found["ids"] == {"run": run.pk, "thread": "t1", "graph": "letter"}
        assert found["what"].endswith("has waited for a worker for 10 min")
        if connection.vendor == "postgresql":
            assert found["do"].startswith("a worker lives and 0 runs are at work")
            queue.has_worker = lambda: False
            assert the_one("waiting")["do"] == "start a worker: manage.py worker"
        else:
            assert found["do"] == "see that manage.py serve runs, and read its log"

    def test_not_one_that_waits_its_turn_or_its_time(self, thread):
        make_run(thread, "running", lease_until=database_now() + timedelta(minutes=5))
        make_run(thread)
        other = Thread.objects.create(id="t2", graph="letter")
        make_run(other, due_at=database_now() + timedelta(hours=1))

        assert findings() == []

    def test_one_of_a_workflow_that_is_not_registered(self, thread):
        run = make_run(thread, graph="gone", reason="unknown_graph")

        found = the_one("unknown_graph")

        assert found["ids"]["run"] == run.pk
        assert "waits for the workflow 'gone', which is not registered" in found["what"]

    def test_one_that_should_have_been_given_up(self, thread):
        make_run(thread, start_by=ago(minutes=5))
        assert "was to be begun 5 min ago" in the_one("late")["what"]


class TestRunning:
    def test_a_run_whose_worker_is_gone(self, thread):
        make_run(thread, "running", owner="w1", lease_until=ago(minutes=3))

        found = the_one("lapsed_lease")

        assert "belongs to w1" in found["what"]
        assert found["what"].endswith("ended 3 min ago")
        assert "manage.py recover" in found["do"]

    def test_not_one_that_a_sweep_is_about_to_take_up(self, thread):
        make_run(thread, "running", owner="w1", lease_until=ago(seconds=20))
        assert findings() == []

    @pytest.mark.parametrize(
        ("more", "what"),
        [
            ({"deadline": timedelta(hours=3)}, "was to end 3 h ago"),
            (
                {"cancel_requested_at": timedelta(hours=3), "cancel_mode": "now"},
                "was cancelled 3 h ago",
            ),
        ],
    )
    def test_one_that_does_not_hear(self, thread, more, what):
        until = database_now() + timedelta(minutes=5)
        past = {
            name: database_now() - value if isinstance(value, timedelta) else value
            for name, value in more.items()
        }
        make_run(thread, "running", owner="w1", lease_until=until, **past)

        found = the_one("late")

        assert what in found["what"]
        assert "runtime.check()" in found["do"]
        assert "w1" in found["do"]

    def test_not_one_that_ends_after_its_step(self, thread):
        until = database_now() + timedelta(minutes=5)
        asked = {"cancel_requested_at": ago(hours=3), "cancel_mode": "step"}
        make_run(thread, "running", lease_until=until, **asked)
        assert findings() == []


class TestParked:
    @pytest.mark.parametrize(
        ("reason", "do"),
        [
            ("crash_loop", "look at the node"),
            ("graph_changed", "make the code fit"),
            ("unknown_type", "register_type"),
            ("not_decrypted", "give the workers the key"),
        ],
    )
    def test_a_run_that_was_given_up(self, thread, reason, do):
        make_run(thread, "error", reason=reason, error="it says\nso")
        found = the_one("parked")
        assert reason in found["what"]
        assert found["do"].startswith(do)

    def test_not_one_whose_thread_has_gone_on(self, thread):
        make_run(thread, "error", reason="crash_loop")
        make_run(thread, "success")
        assert findings() == []

    def test_an_edit_alone_does_not_mend_it(self, thread):
        make_run(thread, "error", reason="crash_loop")
        make_run(thread, "success", kind="edit")
        assert the_one("parked")


class TestQuestions:
    def test_a_step_of_a_policy_that_nobody_took(self, thread, people):
        row = ask(thread, next_step_at=ago(hours=2))

        found = the_one("missed_step")

        assert found["ids"]["question"] == row.pk
        assert f"/review/{row.pk}/" in found["url"]
        assert "2 h ago" in found["what"]

    def test_one_that_nobody_may_answer(self, thread, db):
        row = ask(thread)
        found = the_one("unanswerable")
        assert found["what"] == f"no one could decide question #{row.pk} “Send it?”"
        assert found["ids"]["question"] == row.pk

    def test_an_admin_may_answer_what_is_asked_of_the_usual_role(self, thread, db):
        ask(thread)
        User.objects.create_superuser("boss")
        assert findings() == []
        User.objects.update(is_active=False)
        assert the_one("unanswerable")

    def test_one_whose_policy_wants_more_than_there_are(self, thread, people):
        Policy.objects.create(graph="letter", body=json.dumps({"quorum": 5}))
        ask(thread)
        User.objects.create_superuser("boss")
        found = the_one("unanswerable")
        assert "needs 5 approvals" in found["what"]
        assert found["what"].endswith("an admin may, by an override")

    def test_one_of_a_group_that_is_empty(self, thread, people):
        board = Group.objects.create(name="board")
        body = json.dumps({"decide_groups": ["board"]})
        Policy.objects.create(graph="letter", body=body)
        ask(thread)
        assert the_one("unanswerable")
        people.reviewer.groups.add(board)
        assert findings() == []

    def test_more_questions_of_a_person_are_no_more_statements(self, thread, people):
        asked = []
        for _ in range(2):
            for _ in range(3):
                ask(thread, assignee=people.reviewer)
            with CaptureQueriesContext(connection) as statements:
                assert findings() == []
            asked.append(len(statements))

        assert asked[0] == asked[1]

    def test_those_of_a_workflow_that_is_not_registered_are_one_finding(self, thread):
        Thread.objects.filter(pk="t1").update(graph="gone")
        thread.refresh_from_db()
        first = ask(thread)
        ask(thread)

        found = the_one("unknown_graph")

        assert found["ids"] == {"graph": "gone", "question": first.pk, "count": 2}

    def test_closed_ones_are_left_alone(self, thread):
        ask(thread, next_step_at=ago(hours=2), status="resolved")
        Interrupt.objects.update(graph="gone")
        assert findings() == []


def test_a_module_that_cannot_be_imported(monkeypatch, db):
    text = "Traceback\n  File\nModuleNotFoundError: No module named 'numpy'\n"
    monkeypatch.setattr(registry, "failures", {"shop.workflows": text})
    found = the_one("broken_module")
    assert "No module named 'numpy'" in found["what"]


def test_mails_that_nobody_sends(people):
    for minutes in (1, 10, 90):
        Delivery.objects.create(
            channel="mail",
            kind="test",
            person=people.viewer,
            next_at=ago(minutes=minutes),
        )
    found = the_one("unsent")
    assert found["what"].endswith("not sent: 2, the oldest for 90 min")


def test_a_database_that_is_away_is_the_finding(db):
    def refuse(*_: Any) -> None:
        raise OperationalError("connection refused\nIs it running?")

    with connection.execute_wrapper(refuse):
        [found] = findings()
    assert found["kind"] == "database"
    assert found["what"] == "the database does not answer: connection refused"


def test_one_that_cannot_be_written_is_told_first(monkeypatch, thread):
    full = "The disk of the database is full."
    monkeypatch.setattr(command, "why_not_writable", lambda: full)
    make_run(thread)
    first, second = findings()
    assert (first["kind"], second["kind"]) == ("database", "waiting")
    assert first["do"] == "make room on the disk of the database"
    assert lines()[0] == (
        "database: the database cannot be written: The disk of the database is full."
        " Do: make room on the disk of the database."
    )


def test_of_a_kind_there_are_so_many_and_one_that_counts_them(db, letter):
    for number in range(7):
        make_run(Thread.objects.create(id=f"t{number}", graph="letter"))

    found = doctor.diagnose(most=3)

    assert [each.ids.get("thread") for each in found] == ["t0", "t1", "t2", None]
    assert found[-1].ids == {"count": 7}
    with pytest.raises(CommandError, match="--most is at least 1"):
        call_command("doctor", "--most", "0")


def test_words_of_others_stay_on_their_line(thread):
    Thread.objects.filter(pk="t1").update(title="x")
    ask(thread, "Send it?\nparked: run 1‮")
    [line] = lines()
    assert line.startswith("unanswerable: no one could decide question")
    assert "‮" not in line
