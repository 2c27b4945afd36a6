"""What rules do to a question by themselves: when it is asked, and while it waits."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from django.utils import timezone

from workflows.engine import serde
from workflows.models import (
    AuditEntry,
    Decision,
    Event,
    Interrupt,
    Notice,
    Policy,
    QuestionField,
    Run,
)
from workflows.services.desk.arranging import arrange_new
from workflows.services.desk.assign_question import ArrangeQuestion
from workflows.services.desk.set_policy import SetPolicy
from workflows.services.desk.steps import take_due_steps

pytestmark = pytest.mark.django_db(transaction=True)


def policy(**body: Any) -> None:
    Policy.objects.create(graph="letter", body=json.dumps(body))


def wait(row: Interrupt, seconds: int) -> None:
    """Let time go by: everything that is to come is so much nearer."""
    by = timedelta(seconds=seconds)
    Interrupt.objects.filter(pk=row.pk).update(
        asked_at=F("asked_at") - by,
        due_at=F("due_at") - by,
        next_step_at=F("next_step_at") - by,
    )
    row.refresh_from_db()


class TestAsked:
    """A new question is arranged once."""

    def test_by_its_rules(self, people, question):
        leads = Group.objects.create(name="leads")
        people.reviewer.groups.add(leads)
        policy(due=60, priority=7, assign_group="leads", remind=[20])

        assert arrange_new("t1") == 1
        assert arrange_new("t1") == 0

        question.refresh_from_db()
        assert question.due_at == question.asked_at + timedelta(seconds=60)
        assert question.due_order == question.due_at
        assert (question.priority, question.assigned_group) == (7, leads)
        assert question.next_step_at == question.due_at - timedelta(seconds=20)
        assert [n.person for n in Notice.objects.all()] == [people.reviewer]

    def test_asked_again_it_keeps_its_people(self, people, question):
        policy(priority=7)
        arrange_new("t1")
        Interrupt.objects.filter(pk=question.pk).update(round=2, priority=1)

        assert arrange_new("t1") == 1

        question.refresh_from_db()
        assert question.priority == 1

    def test_what_its_code_says_wrongly_is_told(self, question):
        Interrupt.objects.filter(pk=question.pk).update(policy='{"quorums": 2}')

        arrange_new("t1")

        assert "quorums" in Event.objects.get(kind="warning").data

    def test_its_fields_are_noted_for_the_queue(self, question):
        payload = {"amount": 12.5, "customer": {"name": "Ada", "deep": {"a": {"b": 1}}}}
        Interrupt.objects.filter(pk=question.pk).update(
            value=serde.dumps({**payload, "lines": [1], "ok": True, "none": None})
        )

        arrange_new("t1")

        noted = {f.name: (f.text, f.number) for f in QuestionField.objects.all()}
        assert noted == {
            "amount": ("12.5", 12.5),
            "customer.name": ("Ada", None),
            "ok": ("true", None),
            "none": ("null", None),
        }


class TestWaiting:
    """Each step happens once, in its time."""

    def test_a_reminder_then_an_escalation(self, people, question):
        people.reviewer.groups.add(Group.objects.create(name="leads"))
        escalate = [{"after": 30, "group": "leads", "priority": 5}]
        policy(due=60, remind=[20], escalate=escalate, assign_person="reviewer")
        arrange_new("t1")
        question.refresh_from_db()

        assert take_due_steps() == 0
        wait(question, 45)
        assert (take_due_steps(), take_due_steps()) == (1, 0)
        wait(question, 60)
        # It is overdue, and a while after that escalated.
        assert (take_due_steps(), take_due_steps()) == (2, 0)

        question.refresh_from_db()
        assert (question.priority, question.assignee) == (5, None)
        assert question.assigned_group.name == "leads"
        assert [n.kind for n in Notice.objects.order_by("id")] == [
            "asked",
            "reminder",
            "escalation",
        ]
        assert (
            AuditEntry.objects.get(action="question.escalated").person_name == "system"
        )

    def test_the_default_answer(self, question):
        policy(timeout=30, timeout_action="answer", timeout_answer={"ok": False})
        arrange_new("t1")
        question.refresh_from_db()
        wait(question, 31)

        assert (take_due_steps(), take_due_steps()) == (1, 0)

        decision = Decision.objects.get()
        assert (decision.kind, decision.person_name) == ("timeout", "")
        assert serde.loads(decision.answer) == {"ok": False}
        run = Run.objects.get(kind="resume")
        assert serde.loads(run.payload).resume == {question.interrupt_id: {"ok": False}}
        question.refresh_from_db()
        assert question.status == "decided"

    def test_a_rejection(self, question):
        policy(timeout=30, timeout_action="reject")
        arrange_new("t1")
        question.refresh_from_db()
        wait(question, 31)

        take_due_steps()

        assert serde.loads(Decision.objects.get().answer)["decision"] == "reject"

    def test_a_failure(self, question, thread):
        policy(timeout=30, timeout_action="fail")
        arrange_new("t1")
        question.refresh_from_db()
        wait(question, 31)

        take_due_steps()

        question.refresh_from_db()
        thread.refresh_from_db()
        question.run.refresh_from_db()
        assert (question.status, thread.status) == ("expired", "error")
        assert (question.run.status, question.run.reason) == ("timeout", "no_answer")

    def test_an_answered_question_waits_for_nothing(self, question):
        policy(timeout=30, timeout_action="fail")
        arrange_new("t1")
        question.refresh_from_db()
        wait(question, 31)
        Interrupt.objects.filter(pk=question.pk).update(status="decided")

        assert take_due_steps() == 0


class TestChangedRules:
    """A policy that changes moves what open questions wait for."""

    def test_a_timeout_that_comes_later_holds_for_open_questions(
        self, people, question
    ):
        arrange_new("t1")
        question.refresh_from_db()
        assert question.next_step_at is None

        body = {"timeout": 60, "timeout_action": "reject"}
        SetPolicy(people.admin, "letter", "", body).execute()

        question.refresh_from_db()
        assert question.next_step_at == question.asked_at + timedelta(seconds=60)
        wait(question, 61)
        assert take_due_steps() == 1

    def test_what_is_taken_out_of_force_ends_nothing_any_more(self, people, question):
        body = {"timeout": 60, "timeout_action": "reject"}
        SetPolicy(people.admin, "letter", "ask", body).execute()
        arrange_new("t1")

        SetPolicy(people.admin, "letter", "ask", {}, version=1).execute()

        question.refresh_from_db()
        assert question.next_step_at is None


class TestArrangedByHand:
    """A date or a person given by hand counts as one that a rule gives."""

    def test_a_date_brings_its_reminders(self, people, question):
        policy(remind=[20])
        arrange_new("t1")
        due = timezone.now() + timedelta(seconds=60)

        ArrangeQuestion(people.operator, question.pk, due_at=due).execute()

        question.refresh_from_db()
        assert question.next_step_at == due - timedelta(seconds=20)
        ArrangeQuestion(people.operator, question.pk, due_at=None).execute()
        question.refresh_from_db()
        assert question.next_step_at is None

    def test_whom_it_is_given_to_is_told(self, people, question):
        ArrangeQuestion(people.operator, question.pk, assignee="reviewer").execute()

        notice = Notice.objects.get()
        assert (notice.person, notice.kind) == (people.reviewer, "asked")
        assert notice.text == "Operator gave you “Send it?”"

    def test_who_takes_it_is_not_told(self, people, question):
        ArrangeQuestion(people.reviewer, question.pk, assignee="reviewer").execute()

        assert not Notice.objects.exists()
