"""How a checkup tells of a thread whose last run has ended, and of code that does not fit."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.services.checking import by, the, worker
from tests.services.conftest import ask
from tests.services.diagnosing import ago, make_run
from workflows.engine.loop.identity import Stamp
from workflows.models import Checkpoint, Run, Thread
from workflows.services import registry
from workflows.services.checkup.check import FINE, STUCK
from workflows.services.checkup.report import report
from workflows.services.failures import kind_of

assert by
assert worker

pytestmark = pytest.mark.django_db(transaction=True)


class TestFailures:
    @pytest.fixture
    def failed(self, thread):
        Thread.objects.update(status="error")
        return make_run(
            thread,
            "error",
            error="ValueError: no customer Ada",
            error_node="pay",
            error_attempt=3,
            finished_at=ago(hours=1),
        )

    def test_it_failed(self, failed, by):
        found = by()

        check = the("failure", found)
        assert check.text == f"Run {failed.pk} failed in pay, at attempt 3: ValueError."
        assert [each.act for each in check.offers] == ["continue"]
        assert found.verdict.startswith(f"It is stuck: run {failed.pk} failed in pay")

    def test_the_node_that_undoes_has_a_name_for_people(self, failed, by):
        Run.objects.update(error_node="__undo__")
        assert "failed in undo, at attempt 3" in by().verdict

    def test_its_state_may_be_mended(self, failed, by):
        assert [way.view for way in the("failure", by()).ways] == ["thread_state"]
        assert not the("failure", by("viewer")).ways

    def test_what_it_asks_beside_may_be_ended(self, failed, thread, by):
        ask(thread)
        make_run(thread, "error", error="ValueError: x")
        assert "run_cancel" in [way.view for way in the("failure", by()).ways]

    def test_a_report_holds_no_words_of_an_error(self, failed, by):
        text = report(by())
        assert "ValueError" in text
        assert "Ada" not in text

    def test_it_was_parked(self, failed, by):
        Run.objects.update(reason="crash_loop", recoveries=3, error="")
        found = by()
        assert the("crashes", found).mark == STUCK
        assert "its worker died 4 times" in found.verdict

    def test_the_code_does_not_fit(self, failed, by):
        Run.objects.update(reason="graph_changed", error="GraphChangedError: x")
        found = by()
        assert the("code", found).mark == STUCK
        assert "make the code fit" in found.verdict

    def test_it_ended_well(self, thread, by):
        Thread.objects.update(status="idle")
        run = make_run(thread, "success")
        assert by().verdict == f"Nothing is wrong: it has ended with run {run.pk}."

    def test_it_was_cancelled(self, thread, by):
        Thread.objects.update(status="idle")
        run = make_run(thread, "cancelled")
        assert by().verdict == f"Nothing is wrong: it was cancelled with run {run.pk}."

    @pytest.mark.parametrize(
        ("row", "kind"),
        [
            ({"error": "ValueError: x"}, "ValueError"),
            ({"error": "Stop"}, "Stop"),
            ({"reason": "crash_loop"}, "crash_loop"),
            ({"status": "timeout"}, "out of time"),
            ({"error": "what is: this"}, "unknown error"),
        ],
    )
    def test_the_kind_of_a_failure(self, row, kind):
        assert kind_of(Run(**row)) == kind


class TestCode:
    @pytest.mark.parametrize(
        ("saved", "text"),
        [("abc", "is the one that has saved it"), ("def", "has changed")],
    )
    def test_it_is_told_whether_it_has_changed(self, thread, by, saved, text):
        now = Stamp("abc", "2", "letter")
        identity = SimpleNamespace(stamp=lambda _: now)
        graph = registry.get("letter").graph
        graph.program = SimpleNamespace(identity=identity)
        Checkpoint.objects.create(
            thread=thread,
            id="c1",
            step=0,
            source="loop",
            channels="{}",
            due="[]",
            rest="{}",
            metadata=json.dumps({"code": f"{saved} 2 letter"}),
        )

        check = the("code", by())

        assert check.mark == FINE
        assert text in check.text
