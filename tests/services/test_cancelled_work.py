"""Work that is cancelled, from wherever, while it runs, waits or asks (RA.17)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import connections, transaction

from tests.services.working import (
    PAST,
    PATIENCE_SECONDS,
    State,
    at_work,
    boss,
    run,
    state,
    work,
)
from tests.support.deciding import decided
from workflows.engine.constants import START
from workflows.engine.errors import RunCancelled
from workflows.engine.graph.state import StateGraph
from workflows.models import Event, Interrupt, Run
from workflows.services import execute_run as executing
from workflows.services import registry
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
from workflows.storage.saver import DjangoSaver

assert boss
assert run
assert work

pytestmark = pytest.mark.django_db(transaction=True)


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
        answer = decided(
            ResumeRun(boss, question.pk, "approve", version=question.version, round=2)
        )
        assert execute_run(answer.run_id) == "success"

    def test_a_queued_answer_goes_with_the_work(self, boss, work):
        run = StartRun(boss, "work", {"ask": True}, thread_id="t").execute()
        work.go_on.set()
        execute_run(run.pk)
        question = Interrupt.objects.get()
        answer = decided(ResumeRun(boss, question.pk, "approve", version=1, round=1))

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


def test_what_a_task_said_is_written_before_the_end_of_its_run_locks_the_database(
    run, work, monkeypatch
):
    """A beat that writes what others said waits for that lock, and whoever settles waits for the beat."""
    locked: list[bool] = []
    here, real = threading.get_ident(), leases.renew_lease

    def renew(*given: Any) -> Any:
        if threading.get_ident() == here:
            locked.append(transaction.get_connection().in_atomic_block)
        return real(*given)

    monkeypatch.setattr(leases, "renew_lease", renew)
    work.go_on.set()

    assert execute_run(run.pk) == "success"

    assert locked == [False]
