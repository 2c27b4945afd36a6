"""Orders for many questions that are refused, whole or at one question, and what is said."""

import pytest

from tests.services.conftest import ask
from tests.services.desk.bulk import (
    SHOWN,
    ask_many,
    bills,
    carry_out,
    no_leases_left,
    order,
    plan,
    states,
)
from workflows.models import BulkOrder, Interrupt
from workflows.services import registry
from workflows.services.action import InvalidAnswer, KeyReused
from workflows.services.desk.bulk_order import NothingLeft
from workflows.services.resume_run import ResumeRun

__all__ = ["bills", "no_leases_left"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestRefusedOrders:
    def test_nothing_left(self, people, bills):
        asked = order(people.reviewer, bills)
        for bill in bills:
            ResumeRun(people.admin, bill.pk, "approve", **SHOWN).execute()

        with pytest.raises(NothingLeft, match="meanwhile"):
            asked.execute()
        assert not BulkOrder.objects.exists()

    def test_some_left_are_decided_and_the_others_told(self, people, bills):
        asked = order(people.reviewer, bills)
        ResumeRun(people.admin, bills[0].pk, "approve", **SHOWN).execute()

        made = asked.execute()
        carry_out(made)

        assert [state for state, _ in states(made)] == ["refused"] + ["done"] * 4

    def test_foreign_numbers_are_not_taken_and_not_told(self, people, bills):
        registry.register(
            object(), name="payroll", start_groups=["f"], decide_groups=["f"]
        )
        foreign = ask_many(2, "payroll")
        made = order(people.reviewer, [*bills, *foreign]).execute()
        carry_out(made)

        assert len(states(made)) == 5
        assert {row.status for row in Interrupt.objects.filter(graph="payroll")} == {
            "pending"
        }

    def test_another_question_cannot_be_slipped_into_a_group(self, people, bills):
        other = ask(bills[0].thread, "Launch?")
        Interrupt.objects.filter(pk=other.pk).update(node="launch")
        key = plan(people.reviewer, bills).groups[0].key

        made = order(people.reviewer, [*bills, other], group=key).execute()
        carry_out(made)

        assert states(made)[-1] == ("refused", "It asks for something else now.")
        other.refresh_from_db()
        assert other.status == "pending"

    @pytest.mark.parametrize(
        ("kind", "more", "field"),
        [
            ("perhaps", {}, "kind"),
            ("timeout", {}, "kind"),
            ("reject", {"reason": " "}, "reason"),
            ("reject", {"reason": "x" * 10_001}, "reason"),
            ("respond", {}, "response"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, people, bills, kind, more, field):
        with pytest.raises(InvalidAnswer) as refusal:
            order(people.reviewer, bills, kind, **more).execute()

        assert list(refusal.value.errors) == [field]
        assert not BulkOrder.objects.exists()

    @pytest.mark.parametrize("typed", ["", "4", "all", "-5", "5e0", "\u0665"])
    def test_above_the_limit_the_number_is_typed(self, people, bills, settings, typed):
        settings.BULK_CONFIRM_ABOVE = 4
        with pytest.raises(InvalidAnswer) as refusal:
            order(people.reviewer, bills, confirm=typed).execute()
        assert list(refusal.value.errors) == ["confirm"]

        assert order(people.reviewer, bills, confirm="5").execute()

    def test_a_value_that_does_not_fit_is_named_at_its_question(self, people, bills):
        with pytest.raises(InvalidAnswer) as refusal:
            order(
                people.reviewer,
                bills,
                edited_field="amount",
                edits={bills[3].pk: "many"},
            ).execute()

        assert refusal.value.errors == {f"v{bills[3].pk}": "It takes a whole number."}

    @pytest.mark.parametrize("name", ["title", "hint", "nothing", "__class__"])
    def test_only_fields_of_the_proposal_are_changed(self, people, bills, name):
        with pytest.raises(InvalidAnswer, match="has no"):
            order(
                people.reviewer, bills, edited_field=name, edits={bills[0].pk: "x"}
            ).execute()

    def test_the_same_press_twice_is_one_order(self, people, bills):
        first = order(people.reviewer, bills, idempotency_key="k").execute()
        again = order(people.reviewer, bills, idempotency_key="k").execute()

        assert again == first
        with pytest.raises(KeyReused):
            order(people.admin, bills, idempotency_key="k").execute()
