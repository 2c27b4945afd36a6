"""Runs at their limits of time, what their tasks say of their progress, and lost databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.services.working import (
    PAST,
    at_work,
    boss,
    run,
    work,
)
from workflows.engine.errors import NodeTimeoutError
from workflows.models import Run
from workflows.services import execute_run as executing
from workflows.services import lost_runs, registry
from workflows.services.action import InvalidAnswer
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.start_run import StartRun
from workflows.storage import leases
from workflows.storage.claims import claim_run
from workflows.storage.leases import keeper
from workflows.storage.outage import outage
from workflows.storage.saver import DjangoSaver

assert boss
assert run
assert work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_beat_but_ours(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that renews leases sleeps longer than any machine is busy."""
    settings.LEASE_SECONDS = 3600.0
    monkeypatch.setattr(leases, "_NOTE_SECONDS", 3600.0)


@pytest.mark.rule("RA.16")
class TestLimits:
    def test_a_node_that_checks_meets_the_runs_limit(self, boss, work):
        run = StartRun(boss, "work", {}, run_timeout=0.1).execute()

        with at_work(run, work) as ended:
            while run.deadline is None or run.deadline > timezone.now():
                run.refresh_from_db()
            keeper.look_now("default", run.pk)

        assert ended == ["timeout"]
        assert isinstance(work.met_error(), NodeTimeoutError)
        assert (run.status, run.reason) == ("timeout", "run_timeout")
        assert run.thread.status == "error"

    def test_a_node_that_does_not_is_left_behind(self, boss, work):
        run = StartRun(boss, "work", {}, run_timeout=60).execute()
        assert claim_run(run.pk, "a worker that hangs")
        Run.objects.update(deadline=PAST)

        recover_runs()

        run.refresh_from_db()
        assert (run.status, run.reason) == ("timeout", "run_timeout")
        later = ContinueRun(boss, run.thread_id).execute()
        work.go_on.set()
        assert execute_run(later.pk) == "success"

    def test_a_recovery_does_not_move_the_deadline(self, boss, work):
        run = StartRun(boss, "work", {}, run_timeout=60).execute()
        assert claim_run(run.pk, "dead")
        run.refresh_from_db()
        first = run.deadline
        keeper.clear()
        Run.objects.update(lease_until=PAST)
        recover_runs()

        assert claim_run(run.pk, "alive")

        run.refresh_from_db()
        assert run.deadline == first

    def test_a_run_that_nobody_begins_in_time_is_given_up(self, boss, work):
        run = StartRun(boss, "work", {}, start_timeout=timedelta(minutes=5)).execute()
        Run.objects.update(start_by=PAST)

        assert execute_run(run.pk) == "pending"
        recover_runs()

        run.refresh_from_db()
        assert (run.status, run.reason) == ("timeout", "start_timeout")

    def test_a_run_that_was_begun_is_not_given_up_for_when_it_begins_again(
        self, boss, work
    ):
        run = StartRun(boss, "work", {}, start_timeout=60).execute()
        assert claim_run(run.pk, "dead")
        keeper.clear()
        Run.objects.update(lease_until=PAST)
        Run.objects.exclude(start_by=None).update(start_by=PAST)  # a while later

        recover_runs()

        work.go_on.set()
        assert execute_run(run.pk) == "success"

    def test_limits_are_those_of_the_registration_unless_given(self, boss, work):
        graph = registry.get("work").graph
        registry.register(graph, name="work", run_timeout=9, start_timeout=8)

        run = StartRun(boss, "work", {}).execute()
        other = StartRun(boss, "work", {}, run_timeout=1).execute()

        assert (run.run_timeout, other.run_timeout) == (9.0, 1.0)
        assert run.start_by is not None
        with pytest.raises(ValueError, match="must be more than 0 seconds"):
            registry.register(graph, name="work", run_timeout=0)
        with pytest.raises(InvalidAnswer, match="start_timeout"):
            StartRun(boss, "work", {}, start_timeout=-1).execute()


@pytest.mark.rule("RA.16")
class TestHeartbeats:
    def test_details_are_there_for_the_attempt_of_another_run(self, boss, run, work):
        work.fails = True
        assert execute_run(run.pk) == "error"
        work.fails = False
        work.go_on.set()

        assert execute_run(ContinueRun(boss, "t").execute().pk) == "success"

        assert work.remembered == [None, {"row": 8}]

    @pytest.mark.usefixtures("no_beat_but_ours")
    def test_the_end_of_a_run_waits_for_details_on_their_way(self, run, monkeypatch):
        claim = claim_run(run.pk, "me")
        DjangoSaver(claim=claim).keep_heartbeat("t", "task-1", "slow", {"row": 3})
        have_left, may_arrive = threading.Event(), threading.Event()
        order: list[str] = []

        def take_time(*_: Any) -> leases.Renewed:
            have_left.set()
            assert may_arrive.wait(60)
            order.append("arrived")
            return leases.Renewed("", "", None)

        monkeypatch.setattr(leases, "_ARRIVAL_SECONDS", 60.0)
        monkeypatch.setattr(leases, "renew_lease", take_time)
        held = {("default", run.pk): (claim.fence, 10.0)}
        beat = threading.Thread(target=keeper.renew_all, args=(held,))
        beat.start()
        assert have_left.wait(60)

        def end() -> None:
            keeper.settle("default", run.pk)
            order.append("settled")

        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.1)
        may_arrive.set()
        ending.join(60)
        beat.join(60)

        assert order == ["arrived", "settled"]

    @pytest.mark.usefixtures("no_beat_but_ours")
    def test_details_survive_the_worker(self, boss, run, work):
        claim = claim_run(run.pk, "dead")
        assert claim is not None
        saver = DjangoSaver(claim=claim)
        saver.keep_heartbeat("t", "task-1", "slow", {"row": 3})
        keeper.renew_all({("default", run.pk): (claim.fence, 10.0)})
        keeper.clear()
        Run.objects.update(lease_until=PAST)
        recover_runs()
        again = claim_run(run.pk, "alive")
        assert again is not None

        assert DjangoSaver(claim=again).last_heartbeat("t", "task-1") == {"row": 3}
        DjangoSaver(claim=again).keep_heartbeat("t", "task-2", "other", 1)
        keeper.settle("default", run.pk)
        assert DjangoSaver().last_heartbeat("t", "task-1") == {"row": 3}
        assert DjangoSaver().last_heartbeat("t", "task-2") == 1

    def test_too_much_is_refused(self, run):
        claim = claim_run(run.pk, "me")

        with pytest.raises(ValueError, match="at most 65536"):
            DjangoSaver(claim=claim).keep_heartbeat("t", "task", "slow", "x" * 70_000)


@pytest.mark.rule("RA.15")
class TestOutages:
    def test_a_lost_database_costs_no_recovery(self, boss, run, work, monkeypatch):
        def away(*_: Any) -> None:
            raise OperationalError("the connection is closed")

        monkeypatch.setattr(executing, "given_to_engine", away)
        monkeypatch.setattr(lost_runs, "answers", lambda using: False)
        assert execute_run(run.pk) == "lost"
        monkeypatch.undo()

        recover_runs()

        run.refresh_from_db()
        assert (run.status, run.recoveries) == ("pending", 0)
        work.go_on.set()
        assert execute_run(run.pk) == "success"

    def test_a_connection_that_only_this_run_lost_counts(self, run, work, monkeypatch):
        def away(*_: Any) -> None:
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(executing, "given_to_engine", away)
        assert execute_run(run.pk) == "lost"
        Run.objects.update(lease_until=PAST)

        recover_runs()

        run.refresh_from_db()
        assert (run.status, run.recoveries) == ("pending", 1)

    def test_after_an_outage_the_living_are_waited_for(self, run):
        assert claim_run(run.pk, "a worker of another machine")
        keeper.clear()
        Run.objects.update(lease_until=PAST)
        outage.note()

        recover_runs()
        run.refresh_from_db()
        assert run.status == "running"

        outage.forget()
        recover_runs()
        run.refresh_from_db()
        assert (run.status, run.recoveries) == ("pending", 1)
