"""An order for many questions, from the button to the last decision: what becomes of each."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tests.services.conftest import ask
from tests.services.desk.bulk import (
    DONE,
    SHOWN,
    WAITING,
    ask_many,
    bills,
    carry_out,
    no_leases_left,
    order,
    policy,
    states,
)
from workflows.engine import serde
from workflows.models import AuditEntry, BulkItem, Decision, Event, Interrupt, Run, Vote
from workflows.services.desk import audit, bulk_work
from workflows.services.desk.bulk_control import RetryBulk
from workflows.services.resume_run import ResumeRun
from workflows.storage.sealing import ANSWER, QUESTION, seal, unseal

__all__ = ["bills", "no_leases_left"]

pytestmark = pytest.mark.django_db(transaction=True)


def answers():
    rows = Decision.objects.order_by("interrupt")
    return [serde.loads(row.answer) for row in rows]


class TestDeciding:
    def test_each_is_decided_once_by_whoever_ordered_it(self, people, bills):
        made = order(people.reviewer, bills).execute()
        assert states(made) == [WAITING] * 5
        assert not Decision.objects.exists()

        carry_out(made)

        assert states(made) == [DONE] * 5
        rows = Decision.objects.order_by("interrupt")
        assert [row.interrupt_id for row in rows] == [bill.pk for bill in bills]
        assert {(r.kind, r.person_name, r.channel) for r in rows} == {
            ("approve", "Reviewer", "bulk")
        }
        assert [a["value"]["amount"] for a in answers()] == [10, 11, 12, 13, 14]
        assert Run.objects.get(pk=made.run_id).status == "success"

    def test_one_reason_for_all(self, people, bills):
        made = order(people.reviewer, bills, "reject", reason="too late").execute()
        carry_out(made)

        assert {row.reason for row in Decision.objects.all()} == {"too late"}
        assert {a["decision"] for a in answers()} == {"reject"}

    def test_one_answer_in_words_for_all(self, people, bills):
        made = order(people.reviewer, bills, "respond", response="Wait.").execute()
        carry_out(made)

        assert {a["value"] for a in answers()} == {"Wait."}

    def test_one_field_is_changed_for_some(self, people, bills):
        edits = {bills[0].pk: "99", bills[1].pk: "11"}
        made = order(
            people.reviewer, bills, edited_field="amount", edits=edits
        ).execute()
        carry_out(made)

        assert [a["value"]["amount"] for a in answers()] == [99, 11, 12, 13, 14]
        kinds = Decision.objects.order_by("interrupt").values_list("kind", flat=True)
        assert list(kinds) == ["edit"] + ["approve"] * 4

    def test_what_is_left_out_stays_open(self, people, bills):
        made = order(people.reviewer, bills, left_out=frozenset({bills[2].pk}))
        carry_out(made.execute())

        assert Decision.objects.count() == 4
        bills[2].refresh_from_db()
        assert bills[2].status == "pending"

    def test_every_decision_names_the_order(self, people, bills):
        made = order(people.reviewer, bills).execute()
        carry_out(made)

        entries = AuditEntry.objects.order_by("pk")
        acts = [(e.action, json.loads(e.data)) for e in entries]
        assert [act for act, _ in acts] == ["bulk.ordered"] + ["question.decided"] * 5
        assert acts[0][1]["questions"] == 5
        assert {data["bulk"] for _, data in acts[1:]} == {made.pk}
        told = [
            json.loads(e.data)
            for e in Event.objects.filter(kind="decision")
            if "bulk" in e.data
        ]
        assert {each["bulk"] for each in told} == {made.pk}
        assert [*audit.verify()] == []

    def test_a_question_with_a_quorum_gets_a_vote(self, people, bills):
        policy(quorum=2)
        made = order(people.reviewer, bills).execute()
        carry_out(made)

        assert states(made) == [("voted", "")] * 5
        assert Vote.objects.count() == 5
        assert not Decision.objects.exists()
        entry = AuditEntry.objects.filter(action="question.voted").first()
        assert json.loads(entry.data)["bulk"] == made.pk

        other = order(people.admin, bills).execute()
        carry_out(other)
        assert states(other) == [DONE] * 5

    def test_two_questions_of_one_thread(self, people, thread):
        rows = [ask(thread, "One?"), ask(thread, "Two?")]
        made = order(people.reviewer, rows).execute()
        carry_out(made)

        assert states(made) == [DONE] * 2

    def test_more_than_a_step_takes(self, people, letter, settings):
        rows = ask_many(bulk_work.CHUNK + 5)
        made = order(people.reviewer, rows).execute()
        carry_out(made)

        assert states(made) == [DONE] * len(rows)


class TestEncrypted:
    """With a cipher neither the answer nor a changed value is written down readable."""

    @pytest.fixture
    def sealed(self, settings, bills):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        for bill in bills:
            bill.value = seal(bill.value, bill.thread_id, QUESTION)
            bill.save(update_fields=["value"])
        return bills

    def test_a_changed_value(self, people, sealed):
        made = order(
            people.reviewer,
            sealed,
            edited_field="to",
            edits={sealed[0].pk: "Grace Hopper"},
        ).execute()
        carry_out(made)

        assert states(made) == [DONE] * 5
        assert not BulkItem.objects.filter(edit__contains="Grace").exists()
        row = Decision.objects.get(interrupt=sealed[0])
        assert "Grace Hopper" in unseal(row.answer, sealed[0].thread_id, ANSWER)

    def test_an_answer_in_words(self, people, sealed):
        made = order(people.reviewer, sealed, "respond", response="Ask Ada").execute()
        carry_out(made)

        assert states(made) == [DONE] * 5
        assert "Ada" not in made.response
        row = Decision.objects.get(interrupt=sealed[1])
        assert "Ask Ada" in unseal(row.answer, sealed[1].thread_id, ANSWER)


class TestMeanwhile:
    """Between the order and a question's turn the world goes on."""

    def test_what_stands_in_the_way_is_said_at_each(self, people, bills):
        made = order(people.reviewer, bills).execute()
        ResumeRun(people.admin, bills[0].pk, "reject", **SHOWN).execute()
        soon = timezone.now() + timedelta(minutes=5)
        rows = Interrupt.objects.filter
        rows(pk=bills[1].pk).update(claimed_by=people.admin, claimed_until=soon)
        rows(pk=bills[2].pk).update(version=2)
        rows(pk=bills[3].pk).update(status="withdrawn")

        carry_out(made)

        found = states(made)
        assert [state for state, _ in found] == ["refused"] * 4 + ["done"]
        whys = [why for _, why in found]
        assert "rejected by Admin" in whys[0]
        assert "claimed by admin" in whys[1]
        assert "has changed" in whys[2]
        assert "withdrawn" in whys[3]
        assert Decision.objects.filter(channel="bulk").count() == 1

    def test_rights_count_when_the_turn_comes(self, people, bills):
        made = order(people.reviewer, bills).execute()
        people.reviewer.groups.clear()
        people.reviewer.groups.add(Group.objects.get(name="viewer"))

        carry_out(made)

        assert {state for state, _ in states(made)} == {"refused"}
        assert "not decide it" in states(made)[0][1]
        assert not Decision.objects.exists()

    def test_an_account_that_was_closed_decides_nothing(self, people, bills):
        made = order(people.reviewer, bills).execute()
        User.objects.filter(pk=people.reviewer.pk).update(is_active=False)

        carry_out(made)

        assert {state for state, _ in states(made)} == {"refused"}
        assert not Decision.objects.exists()

    def test_an_account_that_is_gone_decides_nothing(self, people, bills):
        made = order(people.reviewer, bills).execute()
        people.reviewer.delete()

        carry_out(made)

        assert states(made)[0] == ("refused", bulk_work._NOBODY)

    def test_a_policy_of_this_minute_counts(self, people, bills):
        made = order(people.reviewer, bills).execute()
        policy(decide_groups=["finance"])

        carry_out(made)

        assert "Only finance" in states(made)[0][1]

    def test_a_fault_at_one_question_stops_none_of_the_others(
        self, people, bills, monkeypatch
    ):
        made = order(
            people.reviewer,
            bills,
            edited_field="amount",
            edits={bills[1].pk: "7"},
        ).execute()

        def fail(row: Interrupt) -> None:
            raise AttributeError(f"{row} has no shape")

        monkeypatch.setattr(f"{bulk_work.__name__}.shape_of", fail)

        carry_out(made)

        assert [s for s, _ in states(made)] == ["done", "failed"] + ["done"] * 3
        assert "AttributeError" in states(made)[1][1]

        monkeypatch.undo()
        RetryBulk(people.reviewer, made.pk).execute()
        carry_out(made)
        assert states(made) == [DONE] * 5
