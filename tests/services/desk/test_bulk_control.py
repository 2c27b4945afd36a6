"""An order under way: how far it is, who sees it, who stops it, tries again or takes it back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

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
from workflows.models import BulkItem, Decision, Interrupt, Run, Undo
from workflows.services.action import NotAllowed, NotVisible, ThreadBusy
from workflows.services.desk import audit, bulk_work
from workflows.services.desk.bulk_control import (
    NothingToDo,
    RetryBulk,
    StopBulk,
    UndoBulk,
)
from workflows.services.desk.bulk_progress import order_list, order_page
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun

__all__ = ["bills", "no_leases_left"]

pytestmark = pytest.mark.django_db(transaction=True)


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
