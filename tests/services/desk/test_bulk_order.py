"""An order for many questions, from the button to the last decision and back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError
from django.utils import timezone

from tests.services.conftest import ask
from tests.services.desk.bulk import ask_many, carry_out, order, plan, states
from workflows.engine import serde
from workflows.engine.drivers import faults
from workflows.models import (
    AuditEntry,
    BulkItem,
    BulkOrder,
    Decision,
    Event,
    Interrupt,
    Policy,
    Run,
    Undo,
    Vote,
)
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotVisible,
    ThreadBusy,
)
from workflows.services.desk import audit, bulk_work
from workflows.services.desk.bulk_control import (
    NothingToDo,
    RetryBulk,
    StopBulk,
    UndoBulk,
)
from workflows.services.desk.bulk_order import NothingLeft
from workflows.services.desk.bulk_progress import order_list, order_page
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun
from workflows.storage.leases import keeper
from workflows.storage.sealing import ANSWER, QUESTION, seal, unseal

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN: dict[str, Any] = {"version": 1, "round": 1}
DONE, WAITING = ("done", ""), ("waiting", "")


@pytest.fixture(autouse=True)
def no_leases_left() -> Iterator[None]:
    yield
    keeper.clear()


@pytest.fixture
def bills(people, letter):
    return ask_many(5)


def policy(**body):
    Policy.objects.create(graph="letter", body=json.dumps(body))


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


class TestControl:
    def test_stop_leaves_the_rest(self, people, bills):
        made = order(people.reviewer, bills).execute()
        StopBulk(people.operator, made.pk).execute()

        carry_out(made)

        assert states(made) == [WAITING] * 5
        page = order_page(people.reviewer, made.pk)
        assert (page.order.standing, page.stopped_by) == ("stopped", "Operator")
        with pytest.raises(NothingToDo):
            StopBulk(people.reviewer, made.pk).execute()

        RetryBulk(people.reviewer, made.pk).execute()
        carry_out(made)
        assert states(made) == [DONE] * 5

    def test_stop_in_the_middle(self, people, bills, monkeypatch):
        made = order(people.reviewer, bills).execute()
        real = bulk_work._settle

        def stop_after_two(item, *args, **more):
            if item.interrupt_id == bills[1].pk:
                StopBulk(people.reviewer, made.pk).execute()
            return real(item, *args, **more)

        monkeypatch.setattr(bulk_work, "_settle", stop_after_two)
        carry_out(made)

        assert states(made) == [DONE, DONE, WAITING, WAITING, WAITING]

    def test_undo_takes_back_what_no_workflow_has_begun_with(self, people, bills):
        policy(undo=60)
        made = order(people.reviewer, bills).execute()
        carry_out(made)
        begun = Decision.objects.get(interrupt=bills[0])
        Run.objects.filter(pk=begun.run_id).update(due_at=timezone.now())
        Run.objects.filter(pk=begun.run_id).update(status="running", fence=1)

        UndoBulk(people.reviewer, made.pk).execute()
        assert [s for s, _ in states(made)] == ["done"] + ["undoing"] * 4
        carry_out(made)

        assert [s for s, _ in states(made)] == ["done"] + ["undone"] * 4
        assert Undo.objects.count() == 4
        open_ones = Interrupt.objects.filter(status="pending", round=2)
        assert open_ones.count() == 4
        assert [*audit.verify()] == []
        with pytest.raises(NothingToDo):
            UndoBulk(people.reviewer, made.pk).execute()

    def test_what_is_to_be_taken_back_is_held_at_once(self, people, bills):
        policy(undo=60)
        made = order(people.reviewer, bills).execute()
        carry_out(made)
        later = timezone.now() + timedelta(minutes=5)

        UndoBulk(people.reviewer, made.pk).execute()

        waiting = Run.objects.filter(kind="resume", status="pending")
        assert waiting.count() == 5
        assert all(run.due_at > later for run in waiting)

    def test_undo_stops_what_is_still_to_be_decided(self, people, letter, monkeypatch):
        policy(undo=60)
        rows = ask_many(3)
        made = order(people.reviewer, rows).execute()
        monkeypatch.setattr(bulk_work, "CHUNK", 1)
        assert bulk_work.next_items(made.pk, "decide", 0)
        item = BulkItem.objects.filter(order=made).first()
        bulk_work.decide_item(item.pk)

        UndoBulk(people.reviewer, made.pk).execute()
        carry_out(made)

        assert states(made) == [("undone", ""), WAITING, WAITING]

    def test_too_late_stays_done_and_says_so(self, people, bills):
        policy(undo=60)
        made = order(people.reviewer, bills).execute()
        carry_out(made)
        UndoBulk(people.reviewer, made.pk).execute()
        Run.objects.filter(kind="resume").update(fence=1)

        carry_out(made)

        assert {state for state, _ in states(made)} == {"done"}
        assert "too late" in states(made)[0][1]

    def test_retry_waits_for_the_end(self, people, bills):
        made = order(people.reviewer, bills).execute()

        with pytest.raises(NothingToDo, match="at work"):
            RetryBulk(people.reviewer, made.pk).execute()

    @pytest.mark.parametrize("act", [RetryBulk, UndoBulk])
    @pytest.mark.parametrize("who", ["admin", "operator"])
    def test_only_its_owner_tries_again_or_takes_back(self, people, bills, act, who):
        made = order(people.reviewer, bills).execute()

        with pytest.raises(NotAllowed):
            act(getattr(people, who), made.pk).execute()

    @pytest.mark.parametrize("act", [StopBulk, RetryBulk, UndoBulk])
    @pytest.mark.parametrize("who", ["viewer", "stranger"])
    def test_to_others_it_is_not_there(self, people, bills, act, who):
        made = order(people.reviewer, bills).execute()
        person = getattr(people, who)

        with pytest.raises(NotVisible):
            act(person, made.pk).execute()
        with pytest.raises(NotVisible):
            order_page(person, made.pk)
        assert order_list(person) == []

    def test_whoever_may_not_see_the_questions_any_more_sees_no_order(
        self, people, bills
    ):
        made = order(people.reviewer, bills).execute()
        people.reviewer.groups.clear()
        person = User.objects.get(pk=people.reviewer.pk)

        with pytest.raises(NotVisible):
            order_page(person, made.pk)
        assert order_list(person) == []

    def test_nobody_starts_the_workflow_by_hand(self, people, letter):
        for person in (people.operator, people.admin):
            with pytest.raises(NotVisible):
                StartRun(person, "bulk_decisions", {"order": 1}).execute()

    def test_a_busy_order_is_not_started_twice(self, people, bills):
        from workflows.services.desk.bulk_order import DECIDE, start

        made = order(people.reviewer, bills).execute()
        with pytest.raises(ThreadBusy):
            start(made, people.reviewer, DECIDE)


class TestCrashes:
    def test_killed_before_any_request_it_decides_each_once(
        self, people, letter, monkeypatch
    ):
        # A killed process renews no lease.
        monkeypatch.setattr(keeper, "hold", lambda *_: None)
        monkeypatch.setattr(bulk_work, "CHUNK", 2)
        for k in range(1, 100):
            rows = ask_many(2)
            made = order(people.reviewer, rows).execute()
            died = False
            with faults.kill_before(k):
                try:
                    execute_run(made.run_id)
                except faults.Killed:
                    died = True
            Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")
            recover_runs()
            carry_out(made)

            assert states(made) == [DONE] * 2, k
            found = Decision.objects.filter(interrupt__in=rows)
            assert found.count() == 2, k
            assert Run.objects.get(pk=made.run_id).status == "success", k
            if not died:
                break
        assert k > 10

    def test_a_question_is_decided_once_by_two_workers(self, people, bills):
        made = order(people.reviewer, bills).execute()
        item = BulkItem.objects.filter(order=made).first()

        assert bulk_work.decide_item(item.pk) == "done"
        assert bulk_work.decide_item(item.pk) == "done"

        # The other one has read the row before and comes late.
        late = BulkItem.objects.get(pk=item.pk)
        late.state = "waiting"
        bulk_work._note(late, "waiting", "refused", ValueError("late"))
        assert states(made)[0] == DONE
        assert Decision.objects.count() == 1

    def test_decision_and_result_stand_or_fall_together(
        self, people, bills, monkeypatch
    ):
        made = order(people.reviewer, bills).execute()
        item = BulkItem.objects.filter(order=made).first()

        def fall(*_, **__):
            raise OperationalError("the database is away")

        monkeypatch.setattr(bulk_work, "_settle", fall)
        with pytest.raises(OperationalError):
            bulk_work.decide_item(item.pk)

        assert not Decision.objects.exists()
        assert states(made)[0] == WAITING


class TestProgress:
    def test_numbers_come_from_the_rows(self, people, bills):
        made = order(people.reviewer, bills).execute()
        page = order_page(people.reviewer, made.pk)
        assert (page.order.standing, page.may_stop) == ("waits", True)
        assert (page.order.counts.total, page.order.counts.waiting) == (5, 5)
        ResumeRun(people.admin, bills[0].pk, "reject", **SHOWN).execute()

        carry_out(made)

        page = order_page(people.reviewer, made.pk)
        counts = page.order.counts
        assert (counts.done, counts.refused, counts.settled) == (4, 1, 5)
        assert (page.order.standing, page.may_stop, page.may_retry) == (
            "ended",
            False,
            True,
        )
        refused = order_page(people.reviewer, made.pk, "refused")
        assert [line.number for line in refused.items] == [bills[0].pk]
        assert page.undoable == 4

    def test_operators_see_the_run_and_reviewers_the_order(self, people, bills):
        made = order(people.reviewer, bills).execute()

        assert order_page(people.operator, made.pk).may_see_run
        assert not order_page(people.reviewer, made.pk).may_see_run
        assert [line.number for line in order_list(people.operator)] == [made.pk]
        assert [line.is_mine for line in order_list(people.reviewer)] == [True]
