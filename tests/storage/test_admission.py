"""A queue lets in as many as it may, over all workers, and in order (RB.9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from tests.storage.conftest import real_transactions
from tests.storage.racing import together
from tests.storage.test_claims import lapse
from workflows.models import Run, Thread
from workflows.storage import admission
from workflows.storage.admission import (
    Limits,
    Line,
    Room,
    admissible,
    hands,
    known,
    next_start,
    room,
)
from workflows.storage.claims import Claim, claim_next, claim_run, due_runs, finish_run
from workflows.storage.clock import database_now
from workflows.storage.dead_leases import release_dead_leases

pytestmark = [real_transactions, pytest.mark.rule("RB.9")]
MAIL = Line("mail")


@pytest.fixture(autouse=True)
def _queues() -> Iterator[None]:
    before = dict(known)
    known["mail"] = Limits(concurrency=2)
    yield
    known.clear()
    known.update(before)
    hands.clear()


def waiting(name: str, **fields) -> int:
    """A run that stands in line, on a thread of its own."""
    thread, _ = Thread.objects.get_or_create(id=name, defaults={"graph": "g"})
    fields = {"queue": "mail", "kind": "start", "queued_at": timezone.now(), **fields}
    return Run.objects.create(thread=thread, graph="g", **fields).pk


def line(count: int = 4, **fields) -> list[int]:
    return [waiting(f"t{number}", **fields) for number in range(count)]


def claimed(run_id: int, owner: str = "me") -> Claim:
    claim = claim_run(run_id, owner)
    assert claim is not None
    return claim


def ids(found) -> list[int]:
    return [each.run_id for each in found]


class TestSlots:
    def test_no_more_begin_than_there_are_slots(self):
        a, b, c, _ = line()

        claims = [claim_run(run_id, "me") for run_id in (a, b, c)]

        assert [claim is not None for claim in claims] == [True, True, False]
        assert Run.objects.get(pk=c).status == "pending"
        assert due_runs() == []
        assert room("default", MAIL) == Room(0, 0)

    @pytest.mark.parametrize("status", ["success", "interrupted", "waiting", "error"])
    def test_what_ends_or_pauses_gives_its_slot_back(self, status):
        a, b, c, d = line()
        first = claimed(a)
        claimed(b)

        finish_run(first, status)

        assert due_runs() == [c]
        assert claim_run(d, "me") is None
        assert claimed(c).line == MAIL

    def test_the_first_in_line_are_let_in_whichever_is_delivered_first(self):
        a, b, c, _ = line()

        assert claim_run(c, "me") is None
        assert claimed(b)
        assert claim_run(c, "me") is None
        assert claimed(a)

    def test_lower_numbers_go_first_then_who_has_waited_longest(self):
        now = timezone.now()
        late = waiting("late", priority=1)
        young = waiting("young", queued_at=now + timedelta(seconds=2))
        old = waiting("old", queued_at=now - timedelta(seconds=2))
        urgent = waiting("urgent", priority=-1)
        known["mail"] = Limits(concurrency=4)

        assert due_runs() == [urgent, old, young, late]

    def test_what_is_not_due_or_not_known_here_holds_nobody_up(self):
        known["mail"] = Limits(concurrency=1)
        waiting("held", due_at=timezone.now() + timedelta(hours=1), priority=-1)
        other = waiting("other", priority=-1)
        Run.objects.filter(pk=other).update(graph="elsewhere")
        run = waiting("t")

        assert due_runs(graphs=["g"]) == [run]
        assert claim_run(run, "me", graphs=["g"])

    def test_one_of_eight_workers_gets_the_last_slot(self):
        runs = line(8)
        known["mail"] = Limits(concurrency=1)

        answers = together([partial(claim_run, run_id, "w") for run_id in runs])

        assert not [each for each in answers if isinstance(each, Exception)]
        assert [each.run_id for each in answers if each] == [runs[0]]

    def test_two_that_come_together_do_not_both_take_the_last_slot(self):
        """The second is let in only once it sees what the first has done."""
        known["mail"] = Limits(concurrency=3)
        runs = line(10)
        claimed(runs[0])

        rounds = [together([partial(claim_run, each, "w") for each in runs[1:]])]

        assert len([each for each in rounds[0] if each]) <= 2
        assert Run.objects.filter(status="running").count() <= 3
        for run_id in due_runs():
            claimed(run_id)
        assert Run.objects.filter(status="running").count() == 3

    def test_one_whose_worker_died_counts_until_its_lease_is_broken(self):
        known["mail"] = Limits(concurrency=1)
        a, b, *_ = line()
        claimed(a, "dead")
        lapse(a)

        assert claim_run(b, "me") is None
        assert release_dead_leases() == [a]

        assert due_runs() == [a]  # before the other: it has its place
        assert claim_run(b, "me") is None
        assert claimed(a).recoveries == 1


class TestRate:
    @pytest.fixture(autouse=True)
    def _rate(self) -> None:
        known["mail"] = Limits(rate=(2, 60))

    def begun(self, run_id: int, seconds_ago: float) -> None:
        finish_run(claimed(run_id), "success")
        at = database_now() - timedelta(seconds=seconds_ago)
        Run.objects.filter(pk=run_id).update(admitted_at=at)

    def test_so_many_start_within_the_time(self):
        a, b, c, _ = line()
        self.begun(a, 50)
        self.begun(b, 10)

        assert claim_run(c, "me") is None
        assert due_runs() == []

    def test_the_window_rolls(self):
        a, b, c, d = line()
        self.begun(a, 61)
        self.begun(b, 10)

        assert claimed(c)
        assert claim_run(d, "me") is None

    def test_it_says_when_the_next_may_start(self):
        a, b, *_ = line()
        assert next_start("default", MAIL) is None
        self.begun(a, 50)
        assert next_start("default", MAIL) is None
        self.begun(b, 10)

        at = next_start("default", MAIL)

        assert at is not None
        left = at - database_now()
        assert timedelta(seconds=5) < left < timedelta(seconds=11)

    def test_what_goes_on_is_no_start(self):
        a, b, c, _ = line()
        self.begun(a, 5)
        self.begun(b, 5)
        answer = waiting("t0", kind="resume")
        wakes = waiting("t1", kind="wake")

        assert due_runs() == [answer, wakes]
        assert claimed(answer)
        assert Run.objects.filter(kind="start", status="pending").count() == 2
        assert claim_run(c, "me") is None

    def test_what_is_recovered_is_no_start(self):
        a, b, c, _ = line()
        self.begun(a, 5)
        claimed(b, "dead")
        lapse(b)
        release_dead_leases()
        begun = Run.objects.get(pk=b).admitted_at

        assert claimed(b).recoveries == 1

        assert Run.objects.get(pk=b).admitted_at == begun
        assert claim_run(c, "me") is None

    def test_a_start_that_waits_for_the_rate_holds_up_no_answer(self):
        known["mail"] = Limits(rate=(2, 60), concurrency=1)
        a, b, *_ = line()
        self.begun(a, 5)
        self.begun(b, 5)
        answer = waiting("t0", kind="resume", priority=9)

        assert due_runs() == [answer]
        assert claimed(answer)

    def test_one_of_eight_workers_gets_the_last_start(self):
        runs = line(8)
        self.begun(runs[0], 5)

        answers = together([partial(claim_run, run_id, "w") for run_id in runs[1:]])

        assert [each.run_id for each in answers if each] == [runs[1]]


class TestPartitions:
    def test_each_has_the_limits(self):
        known["mail"] = Limits(concurrency=1)
        first = [waiting(f"a{number}", partition="a") for number in range(2)]
        other = [waiting(f"b{number}", partition="b") for number in range(2)]

        assert due_runs() == [first[0], other[0]]
        assert claimed(first[0])
        assert claimed(other[0]).line == Line("mail", "b")
        assert claim_run(first[1], "me") is None
        assert due_runs() == []

    def test_those_without_room_do_not_hide_those_with(self):
        known["mail"] = Limits(rate=(1, 60), concurrency=1)
        for number in range(4):
            full = f"a{number}"
            claimed(waiting(full, partition=full))
            waiting(f"{full}-2", partition=full)
        free = waiting("z", partition="z")

        assert due_runs(limit=1) == [free]

    def test_the_first_of_all_lines_go_first_whatever_they_are_called(self):
        now = timezone.now()
        for number in range(3):
            at = now + timedelta(seconds=number)
            waiting(f"a{number}", partition="a", queued_at=at)
        old = waiting("y", partition="y", queued_at=now - timedelta(seconds=9))
        urgent = waiting("z", partition="z", priority=-1)

        assert due_runs(limit=2) == [urgent, old]


class TestInOneProcess:
    def test_a_process_has_so_many_at_work(self):
        known["mail"] = Limits(worker_concurrency=1)
        a, b, *_ = line()

        first = claimed(a)
        assert claim_run(b, "me") is None
        assert due_runs() == []
        finish_run(first, "success")

        assert due_runs() == [b]
        assert claimed(b)

    def test_a_claim_that_fails_takes_no_hand(self):
        known["mail"] = Limits(worker_concurrency=1, concurrency=1)
        a, b, *_ = line()
        Run.objects.filter(pk=a).update(status="running")

        assert claim_run(b, "me") is None

        assert hands.free("mail") == 1

    def test_threads_that_claim_together_do_not_take_more(self):
        known["mail"] = Limits(worker_concurrency=2)
        runs = line(8)

        answers = together([partial(claim_run, run_id, "w") for run_id in runs])

        assert len([each for each in answers if each]) == 2

    def test_what_was_delivered_twice_at_once_keeps_its_hand(self):
        known["mail"] = Limits(worker_concurrency=1)
        a, b, *_ = line()

        answers = together([partial(claim_run, a, "w")] * 6)

        assert len([each for each in answers if each]) == 1
        assert hands.free("mail") == 0
        assert claim_run(b, "me") is None


class TestWithoutOne:
    def test_a_run_of_a_queue_that_nobody_declares_waits(self):
        run = waiting("t", queue="gone")

        assert claim_run(run, "me") is None
        assert claim_next("me") is None
        assert due_runs() == []
        assert admissible("default", Line("gone")) == []

    def test_a_run_without_a_queue_pays_nothing(self, monkeypatch):
        run = waiting("t", queue="", queued_at=None)
        asked: list[str] = []
        monkeypatch.setattr(admission, "execute", lambda *args: asked.append(args[1]))

        assert claimed(run).line.queue == ""

        assert asked == []
        assert Run.objects.get(pk=run).admitted_at is None
