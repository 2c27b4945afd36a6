"""Runs that share limits: who is let in, who is woken, and what continues keeps its place (RB.9)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from tests.services.lining import answer, carried, post, row, started, told
from tests.services.napping import LONG_AGO, boss
from tests.storage.racing import beside
from tests.storage.test_claims import lapse
from workflows.models import Interrupt, Run, Thread
from workflows.services import lines
from workflows.services.action import InvalidAnswer
from workflows.services.cancel_run import CancelRun
from workflows.services.continue_run import ContinueRun
from workflows.services.fork_thread import fork_thread
from workflows.services.lines import may_begin
from workflows.services.queues import Queue
from workflows.services.recover_runs import recover_runs
from workflows.storage import admission
from workflows.storage.admission import Line, hands
from workflows.storage.claims import claim_run

assert boss
assert post
assert told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.9")]
HOUR = timedelta(hours=1)


class TestSlots:
    def test_who_gives_a_slot_back_wakes_the_next(self, post, told):
        Queue("mail", concurrency=1)
        a, b, c = (started(name) for name in "abc")
        told.runs()

        assert carried(b) == "pending"
        assert told.runs() == []
        assert carried(a) == "success"

        assert told.runs() == [b.pk]
        assert (carried(b), carried(c)) == ("success", "success")
        assert post.sent == ["a", "b", "c"]

    @pytest.mark.parametrize("more", [{"asks": True}, {"fails": True}])
    def test_a_pause_and_a_failure_give_it_back_too(self, post, told, more):
        Queue("mail", concurrency=1)
        a, b = started("a", **more), started("b")
        told.runs()

        carried(a)

        assert told.runs() == [b.pk]
        assert carried(b) == "success"

    def test_one_that_is_cancelled_in_line_lets_the_next_come_up(
        self, post, told, boss
    ):
        Queue("mail", concurrency=1)
        a, b = started("a"), started("b")
        told.runs()

        CancelRun(boss, a.pk).execute()

        assert told.runs() == [b.pk]

    def test_the_hand_of_a_process_goes_to_the_first_of_all_partitions(
        self, post, told
    ):
        Queue("mail", worker_concurrency=1, partition_by="to")
        a, _, b = (
            started(thread_id=name, to=name[0], priority=priority)
            for name, priority in (("a", 0), ("a-2", 0), ("b", -1))
        )
        told.runs()

        carried(a)

        assert told.runs() == [b.pk]

    def test_what_goes_on_has_its_old_place_and_needs_a_slot(self, post, boss):
        Queue("mail", concurrency=1)
        a, b, c = started("a", asks=True), started("b"), started("c")
        assert carried(a) == "interrupted"
        assert claim_run(b.pk, "elsewhere")

        resumed = answer(boss, a)

        assert (resumed.queue, resumed.queued_at) == ("mail", a.queued_at)
        assert carried(resumed) == "pending"
        Run.objects.filter(pk=b.pk).update(status="success")
        hands.clear()
        assert carried(c) == "pending"  # the answer has come before it
        assert carried(resumed) == "success"
        assert carried(c) == "success"

    def test_a_continued_run_keeps_its_place(self, post, boss):
        Queue("mail", concurrency=1)
        run = started("a", fails=True, priority=3)
        assert carried(run) == "error"

        again = ContinueRun(boss, "a").execute()

        assert (again.queue, again.priority) == ("mail", 3)
        assert again.queued_at == run.queued_at

    def test_a_fork_stands_where_its_thread_stood(self, post, boss):
        Queue("mail", concurrency=1, partition_by="to")
        run = started("a", asks=True, priority=2)
        carried(run)

        made = Run.objects.get(pk=fork_thread("a", new_thread_id="again").run_id)

        place = ("queue", "partition", "priority", "queued_at")
        assert [getattr(made, name) for name in place] == [
            getattr(run, name) for name in place
        ]
        assert carried(made) == "interrupted"
        Interrupt.objects.filter(thread="a").delete()
        assert answer(boss, made).queue == "mail"

    def test_a_killed_worker_holds_its_slot_until_its_lease_is_broken(self, post):
        Queue("mail", concurrency=1)
        a, b = started("a"), started("b")
        Run.objects.update(due_at=LONG_AGO)
        assert claim_run(a.pk, "dead")
        lapse(a.pk)
        hands.clear()
        assert carried(b) == "pending"

        assert recover_runs() >= 1

        assert carried(b) == "pending"
        assert (carried(a), carried(b)) == ("success", "success")

    def test_the_sweep_wakes_what_nobody_was_woken_for(self, post, told):
        Queue("mail", concurrency=1)
        a, *_ = (started(name) for name in "abc")
        Run.objects.update(due_at=LONG_AGO)
        told.runs()

        recover_runs()

        assert told.runs() == [a.pk]

    def test_the_sweep_does_so_behind_many_that_stand_in_no_queue(self, post, told):
        Queue("mail", concurrency=1)
        run = started("a")
        names = [f"t{number}" for number in range(101)]
        Thread.objects.bulk_create(Thread(id=name, graph="mail") for name in names)
        Run.objects.bulk_create(
            Run(thread_id=name, graph="mail", kind="start", priority=-1)
            for name in names
        )
        Run.objects.update(due_at=LONG_AGO)
        told.runs()

        recover_runs()

        assert run.pk in told.runs()

    def test_a_run_of_a_queue_that_is_gone_waits_until_it_is_back(self, post, told):
        Queue("mail", concurrency=1)
        run = started("a")
        before = dict(admission.known)
        admission.known.clear()

        assert carried(run) == "pending"
        assert not may_begin(run.pk)

        admission.known.update(before)
        assert carried(run) == "success"

    def test_others_are_not_concerned(self, post):
        Queue("mail", concurrency=1)
        assert claim_run(started("a").pk, "me")

        run = started("b", queue="")

        assert (run.queue, run.queued_at) == ("", None)
        assert carried(run) == "success"
        assert row(run).admitted_at is None


class TestRate:
    def test_the_first_in_line_is_woken_when_the_window_opens(self, post, told):
        Queue("mail", rate=(2, 60))
        a, b, c, d = (started(name) for name in "abcd")
        assert [carried(run) for run in (a, b)] == ["success", "success"]
        told.all.clear()

        assert carried(d) == "pending"
        assert carried(c) == "pending"

        opens = row(a).admitted_at + timedelta(seconds=60)
        assert told.all == [(c.pk, opens), (c.pk, opens)]
        Run.objects.filter(pk=a.pk).update(admitted_at=timezone.now() - 2 * HOUR)
        told.all.clear()
        assert carried(c) == "success"
        later = row(b).admitted_at + timedelta(seconds=60)
        assert set(told.all) == {(d.pk, later)}

    def test_where_nobody_can_be_woken_the_run_is_carried_out_all_the_same(
        self, post, monkeypatch
    ):
        Queue("mail", rate=(1, 60))
        run = started("a")

        def away(*_: object) -> None:
            raise OperationalError("the connection is gone")

        monkeypatch.setattr(lines, "wake_line", away)

        assert carried(run) == "success"

    def test_an_answer_does_not_count_again(self, post, boss):
        Queue("mail", rate=(1, 60))
        run = started("a", asks=True)
        assert carried(run) == "interrupted"

        assert carried(answer(boss, run)) == "success"


class TestPlaces:
    def test_lower_numbers_are_let_in_first(self, post):
        Queue("mail", concurrency=1)
        later, first = started("later", priority=5), started("first", priority=-5)

        assert carried(later) == "pending"
        assert (carried(first), carried(later)) == ("success", "success")

    def test_a_run_waits_as_long_as_it_is_told_to(self, post, told):
        Queue("mail", concurrency=1)
        held = started("held", delay=HOUR)
        run = started("run")

        assert held.due_at - held.created_at > timedelta(minutes=59)
        assert told.all[0] == (held.pk, held.due_at)
        assert carried(held) == "pending"
        assert carried(run) == "success"
        Run.objects.filter(pk=held.pk).update(due_at=LONG_AGO)
        assert carried(held) == "success"

    def test_a_limit_of_the_start_counts_from_then(self, post):
        run = started("a", queue="", delay=HOUR, start_timeout=60)

        assert run.start_by == run.due_at + timedelta(seconds=60)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"priority": 1.5}, "priority: is a whole number between"),
            ({"priority": 40_000}, "not 40000"),
            ({"delay": -1}, "delay"),
            ({"delay": 1e12}, "delay: is at most"),
            ({"dedup_key": "\n"}, "dedup_key"),
        ],
    )
    def test_what_makes_no_sense_starts_nothing(self, post, more, said):
        with pytest.raises(InvalidAnswer, match=said):
            started("a", queue="", **more)
        assert started("a", queue="", delay=0).status == "pending"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_a_claim_waits_for_the_one_before_and_counts_what_that_did(post):
    Queue("mail", concurrency=1)
    a, b = started("a"), started("b")
    with transaction.atomic():
        admission._hold("default", Line("mail"))
        claim = beside(partial(claim_run, a.pk, "me"))
        _wait_for_somebody_who_waits()
        Run.objects.filter(pk=b.pk).update(status="running")

    assert claim.result(60) is None
    assert row(a).status == "pending"


def _wait_for_somebody_who_waits() -> None:
    for _ in range(100_000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits for the line")
