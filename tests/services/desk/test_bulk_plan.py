"""What may be decided together, and why the rest may not."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from tests.services.conftest import ask
from tests.services.desk.bulk import ask_many, plan
from workflows.models import Interrupt, Policy, Thread
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.desk.bulk_plan import make_plan
from workflows.services.desk.bulk_selection import (
    TooMany,
    select_numbers,
    select_view,
)
from workflows.services.desk.bulk_sheet import (
    decode_shown,
    make_sheet,
    sheet_of,
)
from workflows.services.desk.queue_view import QueueView
from workflows.services.resume_run import ResumeRun

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN: dict[str, Any] = {"version": 1, "round": 1}
FORM = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "amount": {"type": "integer"}},
    "required": ["approved", "amount"],
}


@pytest.fixture
def payroll():
    """A workflow that only the people of finance see."""
    return registry.register(
        object(), name="payroll", start_groups=["finance"], decide_groups=["finance"]
    )


def policy(**body):
    Policy.objects.create(graph="letter", body=json.dumps(body))


def reasons(found):
    return {each.number: (each.code, each.why) for each in found.excluded}


class TestGroups:
    def test_only_what_takes_the_same_answer_is_together(self, people, letter):
        bills = ask_many(3)
        thread = bills[0].thread
        tool = {"type": "tool_approval", "name": "pay", "args": {"amount": 1}}
        calls = [ask(thread, tool), ask(thread, tool | {"name": "refund"})]
        form = ask(thread, {"title": "Form", "amount": 3}, FORM)
        other_step = ask(thread, "Else?", key="k")
        Interrupt.objects.filter(pk=other_step.pk).update(node="later")

        found = plan(people.reviewer, [*bills, *calls, form, other_step])

        together = sorted(sorted(i.row.pk for i in g.items) for g in found.groups)
        assert together == sorted(
            [[b.pk for b in bills], *([each.pk] for each in (*calls, form, other_step))]
        )
        assert {g.action for g in found.groups} == {"", "pay", "refund"}

    def test_a_group_offers_what_its_questions_take(self, people, letter):
        only_words = {"action_request": {"action": "mail", "args": {}}} | {
            "config": {"allow_accept": False, "allow_respond": True}
        }
        asked = ask(ask_many(1)[0].thread, only_words)

        [group] = plan(people.reviewer, [asked]).groups

        assert group.kinds == ("respond", "changes", "close")

    def test_a_form_that_cannot_be_sent_as_it_stands_is_counted_out(
        self, people, letter
    ):
        thread = ask_many(1)[0].thread
        whole = [ask(thread, {"title": "?", "amount": n}, FORM) for n in range(3)]
        partly = ask(thread, {"title": "?"}, FORM)

        sheet = sheet_of(people.reviewer, plan(people.reviewer, [*whole, partly]))

        assert {each.kind: each.count for each in sheet.open.offers} == {
            "approve": 3,
            "reject": 3,
        }


class TestExclusions:
    def test_what_is_hidden_is_counted_and_not_told(self, people, letter, payroll):
        bills = ask_many(2)
        [secret] = ask_many(1, "payroll")

        found = plan(people.reviewer, [*bills, secret], 999_999)

        assert found.missing == 2
        assert found.excluded == []
        assert [len(g.items) for g in found.groups] == [2]

    def test_numbers_that_no_row_can_have_are_missing(self, people, letter):
        assert plan(people.reviewer, [], 0, 2**63, 2**80, 7).missing == 4

    def test_a_viewer_may_decide_none(self, people, letter):
        [bill] = ask_many(1)

        found = plan(people.viewer, [bill])

        assert found.groups == []
        assert reasons(found)[bill.pk][0] == "policy"

    def test_answered_ones_say_who_was_first(self, people, letter):
        bills = ask_many(2)
        ResumeRun(people.admin, bills[0].pk, "reject", **SHOWN).execute()
        Interrupt.objects.filter(pk=bills[1].pk).update(status="withdrawn")

        told = reasons(plan(people.reviewer, bills))

        assert told[bills[0].pk][0] == told[bills[1].pk][0] == "closed"
        assert "rejected by Admin" in told[bills[0].pk][1]
        assert "withdrawn" in told[bills[1].pk][1]

    def test_a_claim_of_another_stands_in_the_way_and_ones_own_does_not(
        self, people, letter
    ):
        bills = ask_many(3)
        soon = timezone.now() + timedelta(minutes=5)
        rows = Interrupt.objects.filter
        rows(pk=bills[0].pk).update(claimed_by=people.admin, claimed_until=soon)
        rows(pk=bills[1].pk).update(claimed_by=people.reviewer, claimed_until=soon)
        past = timezone.now() - timedelta(minutes=5)
        rows(pk=bills[2].pk).update(claimed_by=people.admin, claimed_until=past)

        found = plan(people.reviewer, bills)

        assert {n: code for n, (code, _) in reasons(found).items()} == {
            bills[0].pk: "claimed"
        }
        assert "Claimed by admin" in reasons(found)[bills[0].pk][1]

    def test_four_eyes(self, people, letter):
        policy(four_eyes=True)
        bills = ask_many(2)
        Thread.objects.filter(pk=bills[0].thread_id).update(created_by=people.reviewer)

        told = reasons(plan(people.reviewer, bills))

        assert list(told) == [bills[0].pk]
        assert "second pair of eyes" in told[bills[0].pk][1]

    def test_groups_of_a_policy(self, people, letter):
        policy(decide_groups=["finance"])
        [bill] = ask_many(1)
        assert "Only finance" in reasons(plan(people.reviewer, [bill]))[bill.pk][1]

        people.reviewer.groups.add(Group.objects.create(name="finance"))

        assert plan(people.reviewer, [bill]).excluded == []

    def test_a_vote_that_was_cast_is_not_cast_again(self, people, letter):
        policy(quorum=2)
        bills = ask_many(2)
        ResumeRun(people.reviewer, bills[0].pk, "approve", **SHOWN).execute()

        found = plan(people.reviewer, bills)
        sheet = sheet_of(people.reviewer, found)

        assert reasons(found)[bills[0].pk][0] == "voted"
        assert sheet.open.votes == 1

    def test_a_stranger_learns_nothing(self, people, letter):
        bills = ask_many(3)

        sheet = sheet_of(people.stranger, plan(people.stranger, bills))

        assert (sheet.count, sheet.missing, sheet.reasons) == (0, 3, ())


class TestChoice:
    def test_all_of_a_view(self, people, letter):
        bills = ask_many(3)
        Interrupt.objects.filter(pk=bills[1].pk).update(node="later")
        rights = Rights(people.reviewer)

        found = select_view(people.reviewer, rights, QueueView(node="ask"))

        assert [row.pk for row in found.rows] == [bills[0].pk, bills[2].pk]

    def test_a_view_holds_nothing_hidden(self, people, letter, payroll):
        ask_many(2, "payroll")
        rights = Rights(people.reviewer)

        assert list(select_view(people.reviewer, rights, QueueView()).rows) == []

    def test_too_many_are_refused_with_the_limit(self, people, letter, settings):
        settings.BULK_MOST = 2
        bills = ask_many(3)
        rights = Rights(people.reviewer)

        with pytest.raises(TooMany, match="at most 2"):
            select_view(people.reviewer, rights, QueueView())
        with pytest.raises(TooMany, match="3 questions"):
            select_numbers(people.reviewer, rights, [b.pk for b in bills])

    def test_one_number_twice_is_one_question(self, people, letter):
        [bill] = ask_many(1)
        assert len(plan(people.reviewer, [bill, bill]).groups[0].items) == 1


class TestSheet:
    def test_the_odd_one_comes_first(self, people, letter):
        bills = ask_many(6)
        strange = ask(
            bills[0].thread, {"title": "Pay bill x?", "amount": 9000, "to": "Ada"}
        )

        sheet = sheet_of(people.reviewer, plan(people.reviewer, [*bills, strange]))

        group = sheet.open
        assert group.rows[0].number == strange.pk
        assert group.rows[0].odd == ("amount 9000 (most 12 to 15)",)
        assert group.odd == 1
        assert [e.name for e in group.comparison.equal] == ["to"]
        assert group.rows[1].facts == (("amount", "10"),)

    def test_one_field_can_be_chosen_for_editing(self, people, letter):
        bills = ask_many(2)
        found = plan(people.reviewer, bills)

        sheet = sheet_of(people.reviewer, found, edit="amount")

        assert sheet.open.fields == ("amount", "to")
        assert [(r.value, r.has_value) for r in sheet.open.rows] == [
            ("10", True),
            ("11", True),
        ]
        assert sheet_of(people.reviewer, found, edit="nothing").open.field == ""

    def test_several_groups_are_listed_and_one_is_opened(self, people, letter):
        bills = ask_many(3)
        other = ask(bills[0].thread, "Else?")
        Interrupt.objects.filter(pk=other.pk).update(node="later")
        found = plan(people.reviewer, [*bills, other])

        closed = sheet_of(people.reviewer, found)
        opened = sheet_of(people.reviewer, found, closed.groups[1].key)

        assert closed.open is None
        assert [head.count for head in closed.groups] == [3, 1]
        assert [row.number for row in opened.open.rows] == [other.pk]

    def test_what_was_shown_comes_back(self, people, letter):
        bills = ask_many(2)
        text = sheet_of(people.reviewer, plan(people.reviewer, bills)).open.shown

        shown = decode_shown(text + " 1.2 x.1.1 9999999999999999999.1.1 \u0661.1.1")

        assert [(s.number, s.version, s.round) for s in shown.values()] == [
            (bill.pk, 1, 1) for bill in bills
        ]

    def test_shown_in_another_version_is_left_out(self, people, letter):
        bills = ask_many(2)
        shown = decode_shown(f"{bills[0].pk}.1.1 {bills[1].pk}.1.1")
        Interrupt.objects.filter(pk=bills[0].pk).update(version=2)
        rights = Rights(people.reviewer)
        chosen = select_numbers(people.reviewer, rights, shown)

        found = make_plan(people.reviewer, rights, chosen, shown)

        assert reasons(found)[bills[0].pk][0] == "changed"

    def test_an_empty_choice_is_an_empty_sheet(self, people, letter):
        rights = Rights(people.reviewer)
        sheet = make_sheet(people.reviewer, select_numbers(people.reviewer, rights, []))

        assert (sheet.chosen, sheet.count, sheet.open) == (0, 0, None)


def test_the_person_who_is_not_active_sees_nothing(people, letter):
    bills = ask_many(1)
    User.objects.filter(pk=people.reviewer.pk).update(is_active=False)
    person = User.objects.get(pk=people.reviewer.pk)

    assert plan(person, bills).missing == 1
