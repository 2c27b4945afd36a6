"""A run belongs to one worker at a time, and to nobody for long when that one dies."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from tests.storage.commits import History
from tests.storage.conftest import real_transactions
from tests.storage.racing import together
from workflows.engine.errors import LeaseLostError, StaleResumeError, ThreadBusyError
from workflows.models import Event, Run, Thread
from workflows.storage.claims import (
    Claim,
    claim_next,
    claim_run,
    due_runs,
    finish_run,
    renew,
)
from workflows.storage.clock import database_now
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.owners import is_dead, process_owner
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

LONG_AGO = timedelta(hours=1)


def pending(thread_id: str = "t", **fields) -> Run:
    thread, _ = Thread.objects.get_or_create(id=thread_id, defaults={"graph": "g"})
    return Run.objects.create(thread=thread, graph="g", kind="start", **fields)


def claimed(run_id: int, owner: str = "me", seconds: float | None = None) -> Claim:
    claim = claim_run(run_id, owner, seconds)
    assert claim is not None
    return claim


def next_claim() -> Claim:
    claim = claim_next("me")
    assert claim is not None
    return claim


def lease_of(run_id: int) -> datetime:
    until = Run.objects.get(pk=run_id).lease_until
    assert until is not None
    return until


def lapse(run_id: int) -> None:
    """Let the lease of a run end, as if its process had died."""
    keeper.clear()
    Run.objects.filter(pk=run_id).update(lease_until=timezone.now() - LONG_AGO)


def test_a_claim_carries_what_a_worker_needs():
    run = pending(payload='{"a":1}')

    claim = claimed(run.pk, "me", 700)
    run.refresh_from_db()

    assert claim == Claim(
        run_id=run.pk,
        thread_id="t",
        fence=1,
        owner="me",
        graph="g",
        kind="start",
        payload='{"a":1}',
        lease_seconds=700,
    )
    assert (run.status, run.owner, run.fence) == ("running", "me", 1)
    left = lease_of(run.pk) - timezone.now()
    assert timedelta(seconds=600) < left < timedelta(seconds=701)
    assert Thread.objects.get().status == "busy"
    assert Event.objects.get().kind == "run"


def test_what_is_due_now_is_claimed_at_once():
    """SQLite's clock counts milliseconds; a moment between two of them is none of its own."""
    numbers = [pending(f"t{number}").pk for number in range(50)]
    late = []
    for number in numbers:
        Run.objects.filter(pk=number).update(due_at=database_now())
        if claim_run(number, "me") is None:
            late.append(number)

    assert late == []


def test_what_runs_or_is_not_due_yet_is_not_claimed():
    later = pending("later", due_at=timezone.now() + LONG_AGO)
    run = pending()
    assert claim_run(run.pk, "me")

    assert claim_run(run.pk, "other") is None
    assert claim_run(later.pk, "other") is None
    assert claim_next("other") is None
    assert due_runs() == []


def test_runs_of_one_thread_come_in_order_one_at_a_time():
    first, second = pending(), pending()

    assert due_runs() == [first.pk]
    assert claim_run(second.pk, "me") is None
    claim = claimed(first.pk, "me")
    assert due_runs() == []
    assert claim_next("me") is None

    assert finish_run(claim, "success") == second.pk
    assert next_claim().run_id == second.pk


def test_the_most_urgent_run_is_next():
    pending("a", priority=5)
    urgent = pending("b", priority=1)
    pending("c", priority=1)

    assert next_claim().run_id == urgent.pk


def test_one_of_eight_workers_gets_a_run():
    run = pending()

    claims = together([partial(claim_run, run.pk, f"w{n}") for n in range(8)])

    won = [claim for claim in claims if claim is not None]
    assert len(won) == 1
    assert isinstance(won[0], Claim)
    assert Run.objects.get().owner == won[0].owner


def test_eight_workers_share_twenty_runs_and_no_thread_runs_twice():
    for number in range(20):
        pending(f"t{number % 10}")

    def work() -> list[int]:
        done = []
        while (claim := claim_next("me")) is not None:
            done.append(claim.run_id)
            finish_run(claim, "success")
        return done

    answers = together([work] * 8)

    assert all(isinstance(each, list) for each in answers), answers
    claimed = [run_id for each in answers for run_id in each]
    assert len(claimed) == len(set(claimed))
    while (claim := claim_next("me")) is not None:
        finish_run(claim, "success")
    assert Run.objects.filter(status="success", fence=1).count() == 20


def test_a_claimed_run_writes_under_its_number_and_is_ended_by_its_claimer():
    run = pending()
    claim = claimed(run.pk, "me")
    saver = DjangoSaver(claim=claim)

    place = saver.open("t", None)
    head = History(saver).commit({"a": 1})
    saver.close(place, "success")
    run.refresh_from_db()

    assert (place.run_id, place.fence, run.status) == (str(run.pk), 1, "running")
    assert Run.objects.count() == 1

    finish_run(claim, "interrupted")
    run.refresh_from_db()

    assert (run.status, run.lease_until) == ("interrupted", None)
    assert run.finished_at is not None
    assert Thread.objects.get().status == "interrupted"
    assert Thread.objects.get().head == head


def test_opening_a_claim_on_a_moved_head_is_refused():
    run = pending()
    head = History(DjangoSaver()).commit({"a": 1})
    claim = claimed(run.pk, "me")

    with pytest.raises(StaleResumeError):
        DjangoSaver(claim=claim).open("t", "another")
    assert DjangoSaver(claim=claim).open("t", head)


def test_a_script_is_refused_while_a_worker_has_the_thread():
    claim = claimed(pending().pk, "me")

    with pytest.raises(ThreadBusyError) as refused:
        DjangoSaver().open("t", None)

    assert refused.value.run_id == str(claim.run_id)


@pytest.mark.rule("RA.15")
def test_a_lapsed_lease_makes_the_run_pending_again():
    run = pending()
    old = claimed(run.pk, "dead")
    assert release_dead_leases() == []
    lapse(run.pk)

    assert release_dead_leases() == [run.pk]
    run.refresh_from_db()
    assert (run.status, run.recoveries, run.owner) == ("pending", 1, "")

    new = claimed(run.pk, "alive")
    assert (new.fence, new.recoveries) == (2, 1)
    assert renew(new)
    assert not renew(old)
    with pytest.raises(LeaseLostError):
        finish_run(old, "success")
    with pytest.raises(LeaseLostError):
        DjangoSaver(claim=old).open("t", None)
    with pytest.raises(LeaseLostError):
        History(DjangoSaver(claim=old)).commit({"a": 1})


@pytest.mark.rule("RA.15")
def test_a_run_that_keeps_killing_workers_is_parked_after_three_recoveries():
    run = pending()
    for _ in range(3):
        assert claim_run(run.pk, "dead")
        lapse(run.pk)
        assert release_dead_leases() == [run.pk]
    assert claim_run(run.pk, "dead")
    lapse(run.pk)

    assert release_dead_leases() == []
    run.refresh_from_db()

    assert (run.status, run.reason) == ("error", "crash_loop")
    assert Thread.objects.get().status == "error"
    assert '"crash_loop"' in Event.objects.latest("seq").data


def test_a_process_does_not_take_its_own_work_from_itself_after_a_sleep():
    claim = claimed(pending().pk)
    Run.objects.update(lease_until=timezone.now() - LONG_AGO)

    assert release_dead_leases() == []
    assert renew(claim)


@pytest.mark.rule("RA.15")
def test_two_sweeps_at_once_release_a_run_once():
    run = pending()
    claim_run(run.pk, "dead")
    lapse(run.pk)

    answers = together([release_dead_leases] * 6)

    assert sorted(map(len, answers)) == [0, 0, 0, 0, 0, 1]
    assert Run.objects.get().recoveries == 1


def test_a_direct_run_of_a_dead_process_is_abandoned_and_its_thread_free():
    place = DjangoSaver().open("t", None)
    lapse(int(place.run_id))

    fresh = DjangoSaver().open("t", None)

    assert Run.objects.get(pk=place.run_id).reason == "abandoned"
    assert fresh.run_id != place.run_id


def test_the_sweep_abandons_direct_runs():
    place = DjangoSaver().open("t", None)
    lapse(int(place.run_id))

    assert release_dead_leases() == []

    run = Run.objects.get(pk=place.run_id)
    assert (run.status, run.reason) == ("error", "abandoned")
    assert Thread.objects.get().status == "error"


@pytest.fixture
def dead_owner() -> str:
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "from workflows.storage.owners import process_owner as o; print(o())",
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=os.getcwd(),
    )
    return child.stdout.strip()


def test_a_dead_process_of_this_host_is_told_from_a_live_one(dead_owner):
    host, pid, _ = process_owner().rsplit(":", 2)

    assert is_dead(dead_owner)
    assert not is_dead(process_owner())
    assert is_dead(f"{host}:{pid}:1")  # the pid lives, but it is another process
    assert not is_dead("elsewhere:1:1")
    assert not is_dead("")


def test_on_sqlite_the_lease_of_a_dead_process_is_broken_at_once(dead_owner):
    run = pending()
    claim_run(run.pk, f"{dead_owner}#worker-1")
    mine = pending("mine")
    claim_run(mine.pk, process_owner())
    keeper.clear()

    released = release_dead_leases()

    assert released == ([run.pk] if connection.vendor == "sqlite" else [])


@pytest.mark.rule("RA.15")
def test_the_beat_renews_what_is_held_and_nothing_else():
    run = pending()
    claim = claimed(run.pk, "me", 30)
    taken = claimed(pending("other").pk, "me", 30)
    Run.objects.update(lease_until=timezone.now() - LONG_AGO)
    Run.objects.filter(pk=taken.run_id).update(fence=9)

    answers = together(
        [
            lambda: keeper.renew_all(
                {
                    ("default", claim.run_id): (claim.fence, 30),
                    ("default", taken.run_id): (taken.fence, 30),
                }
            )
        ]
    )

    assert answers == [None]
    assert lease_of(claim.run_id) > timezone.now()
    assert lease_of(taken.run_id) < timezone.now()


def test_the_error_of_a_run_is_kept_whatever_its_text():
    claim = claimed(pending().pk, "me")

    finish_run(claim, "error", error="a\0b\ud800", error_node="n", traceback="t\0")
    run = Run.objects.get()

    assert (run.status, run.error, run.traceback) == ("error", "a\ufffdb?", "t\ufffd")
    assert Thread.objects.get().status == "error"


@pytest.mark.parametrize(
    ("outcome", "status", "thread"),
    [
        ("success", "success", "idle"),
        ("stopped", "cancelled", "idle"),
        ("paused", "interrupted", "interrupted"),
        ("error", "error", "error"),
    ],
)
def test_a_direct_run_ends_with_a_status_that_runs_have(outcome, status, thread):
    saver = DjangoSaver()

    saver.close(saver.open("t", None), outcome)

    run = Run.objects.get()
    assert run.status == status
    assert run.status in Run.Status.values
    assert Thread.objects.get().status == thread
