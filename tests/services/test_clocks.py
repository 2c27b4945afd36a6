"""Machines whose clocks are wrong: what waits, waits by the clock of the database (P16)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tests.support.deciding import decided
from workflows.models import Delivery, Interrupt, Policy, Run
from workflows.services.desk.arranging import arrange_new
from workflows.services.desk.holding import release
from workflows.services.desk.steps import take_due_steps
from workflows.services.outbound import outbox
from workflows.services.queueing import HELD
from workflows.services.resume_run import ResumeRun
from workflows.storage.clock import database_now

HOUR = timedelta(hours=1)
SOON = timedelta(minutes=5)
right_now = timezone.now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[HOUR, -HOUR], ids=["ahead", "behind"])
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has a clock that is wrong by an hour; the database has another machine's."""
    if not settings.IS_POSTGRESQL:
        pytest.skip("needs PostgreSQL: SQLite has the clock of its process")
    monkeypatch.setattr(timezone, "now", lambda: right_now() + request.param)


@pytest.mark.usefixtures("wrong")
class TestAMachineWithAWrongClock:
    def test_a_decision_can_be_taken_back_for_as_long_as_it_says(
        self, people: Any, question: Interrupt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "UNDO_SECONDS", 600)

        made = decided(
            ResumeRun(people.reviewer, question.pk, "approve", version=1, round=1)
        )

        run = Run.objects.get(pk=made.run_id)
        assert abs(run.due_at - database_now() - timedelta(seconds=600)) < SOON

    def test_answers_that_were_held_go_on_at_once(self, thread: Any) -> None:
        run = Run.objects.create(thread=thread, kind="resume", due_at=HELD)

        assert release(thread.pk) == 1

        run.refresh_from_db()
        assert abs(run.due_at - database_now()) < SOON

    def test_nothing_happens_to_a_question_before_its_time(
        self, question: Interrupt
    ) -> None:
        body = {"timeout": 1800, "timeout_action": "fail"}
        Policy.objects.create(graph="letter", body=json.dumps(body))
        arrange_new(question.thread_id)

        assert take_due_steps() == 0

        question.refresh_from_db()
        assert question.status == "pending"

    def test_a_question_that_has_waited_too_long_waits_no_longer(
        self, question: Interrupt
    ) -> None:
        Policy.objects.create(
            graph="letter", body=json.dumps({"timeout": 60, "timeout_action": "fail"})
        )
        Interrupt.objects.update(asked_at=database_now() - timedelta(seconds=120))
        arrange_new(question.thread_id)

        assert take_due_steps() == 1

    def test_what_one_sender_has_taken_no_other_takes(
        self, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Delivery.objects.create(
            channel="mail",
            kind="test",
            person=people.viewer,
            next_at=database_now(),
        )
        [row] = outbox.due("mail")
        assert outbox.take(row)
        monkeypatch.setattr(timezone, "now", lambda: right_now() + HOUR)

        assert not outbox.due("mail").filter(pk=made.pk).exists()
