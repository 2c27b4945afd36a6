"""Runs that are to end while they work: cancelled from elsewhere, out of time, or let go."""

from __future__ import annotations

import asyncio
import operator
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.utils import timezone

from workflows.engine.constants import START
from workflows.engine.errors import NodeTimeoutError, RunCancelled
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import Runtime, interrupt
from workflows.models import Event, Interrupt, Run
from workflows.services import execute_run as executing
from workflows.services import lost_runs, registry
from workflows.services.action import InvalidAnswer, NotPending
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun
from workflows.storage import leases
from workflows.storage.claims import claim_run
from workflows.storage.leases import keeper
from workflows.storage.outage import outage
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db(transaction=True)

PAST = timezone.now() - timedelta(hours=1)
PATIENCE_SECONDS = 30


class State(TypedDict, total=False):
    """What was done."""

    done: Annotated[list[str], operator.add]
    ask: bool


class Work:
    """Two nodes: the first says that it is at work and goes on when told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.met: list[BaseException] = []
        self.has_met = threading.Event()
        self.remembered: list[Any] = []
        self.fails = False

    def slow(self, state: State, runtime: Runtime[Any]) -> State:
        self.remembered.append(runtime.last_heartbeat)
        runtime.heartbeat({"row": 7 + len(self.remembered)})
        self.begun.set()
        if self.fails:
            raise KeyError("no such row")
        try:
            while not self.go_on.wait(0.01):
                runtime.check()
        except (RunCancelled, NodeTimeoutError) as error:
            self.met.append(error)
            self.has_met.set()
            raise
        return {"done": ["slow"]}

    def met_error(self) -> BaseException:
        """What ended the node; its run may have ended a moment before."""
        assert self.has_met.wait(PATIENCE_SECONDS)
        return self.met[0]

    def last(self, state: State) -> State:
        if state.get("ask"):
            return {"done": [interrupt("Well?")["decision"]]}
        return {"done": ["last"]}


@pytest.fixture
def work():
    made = Work()
    graph = StateGraph(State).add_sequence([("slow", made.slow), ("last", made.last)])
    registry.register(graph.add_edge(START, "slow").compile(name="work"), name="work")
    yield made
    made.go_on.set()
    outage.forget()
    lost_runs._lost.clear()


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss")


@pytest.fixture
def run(boss, work):
    return StartRun(boss, "work", {}, thread_id="t").execute()


@contextmanager
def at_work(run: Run, work: Work):
    """A worker carries `run` out inside the block; afterwards it has ended."""
    ended: list[str] = []

    def carry_out() -> None:
        try:
            ended.append(execute_run(run.pk))
        finally:
            connections.close_all()

    worker = threading.Thread(target=carry_out)
    worker.start()
    assert work.begun.wait(PATIENCE_SECONDS)
    yield ended
    worker.join(PATIENCE_SECONDS)
    assert ended, "the worker did not end"
    run.refresh_from_db()


def state() -> dict[str, Any]:
    graph = registry.get("work").graph.with_saver(DjangoSaver())
    return graph.get_state({"configurable": {"thread_id": "t"}}).values


@pytest.mark.rule("RA.17")
class TestCancel:
    def test_now_ends_a_node_at_its_next_check(self, boss, run, work):
        with at_work(run, work) as ended:
            CancelRun(boss, run.pk, "wrong customer", "now").execute()

        assert ended == ["cancelled"]
        assert isinstance(work.met_error(), RunCancelled)
        assert (run.status, run.cancel_reason) == ("cancelled", "wrong customer")
        assert run.thread.status == "idle"

    def test_step_lets_the_step_end(self, boss, run, work):
        with at_work(run, work) as ended:
            CancelRun(boss, run.pk).execute()
            work.go_on.set()

        assert (ended, work.met) == (["cancelled"], [])
        assert state() == {"done": ["slow"]}

    def test_it_can_be_revived(self, boss, run, work):
        with at_work(run, work):
            CancelRun(boss, run.pk).execute()
            work.go_on.set()

        assert execute_run(ContinueRun(boss, "t").execute().pk) == "success"
        assert state() == {"done": ["slow", "last"]}

    @pytest.mark.parametrize("durability", ["sync", "async", "exit"])
    def test_a_direct_call_is_cancelled_from_elsewhere_in_all_durability_modes(
        self, work, durability
    ):
        graph = registry.get("work").graph.with_saver(DjangoSaver(graph="work"))
        met: list[BaseException] = []

        def call() -> None:
            try:
                graph.invoke(
                    {"done": ["in"]},
                    {"configurable": {"thread_id": "t"}},
                    durability=durability,
                )
            except RunCancelled as error:
                met.append(error)
            finally:
                connections.close_all()

        caller = threading.Thread(target=call)
        caller.start()
        assert work.begun.wait(PATIENCE_SECONDS)
        assert cancel_thread("t", reason="enough", mode="now") == [Run.objects.get().pk]
        caller.join(PATIENCE_SECONDS)

        assert "enough" in str(met[0])
        assert Run.objects.get().status == "cancelled"
        assert state() == {"done": ["in"]}

    def test_a_waiting_thread_asks_no_more(self, boss, work):
        run = StartRun(boss, "work", {"ask": True}, thread_id="t").execute()
        work.go_on.set()
        assert execute_run(run.pk) == "interrupted"

        assert cancel_thread("t", reason="gone") == [run.pk]

        run.refresh_from_db()
        question = Interrupt.objects.get()
        assert (run.status, question.status) == ("cancelled", "withdrawn")
        assert run.thread.status == "idle"
        told = Event.objects.filter(kind="interrupt").latest("seq").data
        assert '"withdrawn"' in told

    def test_a_withdrawn_question_is_asked_again_by_a_revival(self, boss, work):
        run = StartRun(boss, "work", {"ask": True}, thread_id="t").execute()
        work.go_on.set()
        execute_run(run.pk)
        CancelRun(boss, run.pk).execute()

        assert execute_run(ContinueRun(boss, "t").execute().pk) == "interrupted"

        question = Interrupt.objects.get()
        assert (question.status, question.round) == ("pending", 2)
        answer = ResumeRun(
            boss, question.pk, "approve", version=question.version, round=2
        ).execute()
        assert execute_run(answer.run_id) == "success"

    def test_a_queued_answer_goes_with_the_work(self, boss, work):
        run = StartRun(boss, "work", {"ask": True}, thread_id="t").execute()
        work.go_on.set()
        execute_run(run.pk)
        question = Interrupt.objects.get()
        answer = ResumeRun(boss, question.pk, "approve", version=1, round=1).execute()

        cancel_thread("t")

        answer.run.refresh_from_db()
        question.refresh_from_db()
        assert (answer.run.status, question.status) == ("cancelled", "withdrawn")

    def test_the_request_survives_the_worker(self, boss, run):
        assert claim_run(run.pk, "dead")
        keeper.clear()
        CancelRun(boss, run.pk).execute()
        Run.objects.update(lease_until=PAST)

        assert recover_runs() == 0

        run.refresh_from_db()
        assert (run.status, run.recoveries) == ("cancelled", 0)

    def test_a_run_that_was_given_back_is_not_begun_again(self, boss, run, work):
        claim = claim_run(run.pk, "stopping")
        assert claim is not None
        CancelRun(boss, run.pk).execute()
        executing._give_back(claim)

        assert execute_run(run.pk) == "cancelled"
        assert not work.begun.is_set()

    def test_what_has_ended_stays_as_it_is(self, boss, run, work):
        work.go_on.set()
        execute_run(run.pk)

        assert cancel_thread("t") == []
        with pytest.raises(NotPending):
            CancelRun(boss, run.pk).execute()
        run.refresh_from_db()
        assert run.status == "success"

    def test_coroutines_are_cancelled(self, boss, work):
        ended: list[str] = []

        async def wait(state: State) -> State:
            work.begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("wait")
                raise
            return {}

        def plain(state: State) -> State:
            return {"done": ["plain"]}

        graph = StateGraph(State).add_sequence([("plain", plain), ("wait", wait)])
        compiled = graph.add_edge(START, "plain").compile(name="coroutines")
        registry.register(compiled, name="coroutines")
        run = StartRun(boss, "coroutines", {}, thread_id="t").execute()

        with at_work(run, work) as status:
            CancelRun(boss, run.pk, mode="now").execute()

        assert (status, ended) == (["cancelled"], ["wait"])
        registry.unregister("coroutines")
        found = compiled.with_saver(DjangoSaver()).get_state(
            {"configurable": {"thread_id": "t"}}
        )
        assert (found.values, found.next) == ({"done": ["plain"]}, ("wait",))

    def test_another_mode_is_refused_by_name(self, boss, run):
        with pytest.raises(InvalidAnswer, match="mode: is one of step, now"):
            CancelRun(boss, run.pk, mode="hard").execute()


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

    def test_details_survive_the_worker(self, boss, run, work, monkeypatch):
        monkeypatch.setattr(leases, "_NOTE_SECONDS", 60.0)  # no beat but ours
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
