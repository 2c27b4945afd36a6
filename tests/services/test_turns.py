"""Several runs that want one thread: refused, in a queue, or in another's place (RA.2)."""

from __future__ import annotations

import operator
from contextvars import Context
from typing import Annotated, Any, TypedDict

import pytest

from workflows.engine.constants import START
from workflows.engine.errors import ThreadBusyError
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Checkpoint, Interrupt, Run
from workflows.services import registry
from workflows.services.action import InvalidAnswer, ThreadBusy
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun
from workflows.storage.claims import claim_run, due_runs
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

# A worker's node has a thread, and so a connection, of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RA.2")]


class State(TypedDict, total=False):
    """What was said, in order."""

    said: Annotated[list[str], operator.add]
    ask: bool


class Script:
    """A graph of two nodes; while the first one works, `between` is called once."""

    def __init__(self) -> None:
        self.between: Any = lambda: None
        self.inside = False

    def one(self, state: State) -> State:
        between, self.between = self.between, lambda: None
        if self.inside:
            between()
        else:  # as from anywhere else: the task's context is not seen
            Context().run(between)
        return {"said": ["one"]}

    def two(self, state: State) -> State:
        if state.get("ask"):
            return {"said": [interrupt("Well?")["decision"]], "ask": False}
        return {"said": ["two"]}


@pytest.fixture
def script() -> Script:
    made = Script()
    graph = StateGraph(State).add_sequence([("one", made.one), ("two", made.two)])
    registry.register(graph.add_edge(START, "one").compile(name="turns"), name="turns")
    return made


@pytest.fixture
def start(people, script):
    def begin(said: str, if_busy: str = "reject", **more: Any) -> Run:
        return StartRun(
            people.operator,
            "turns",
            {"said": [said], **more},
            thread_id="t",
            if_busy=if_busy,
        ).execute()

    return begin


def state_of() -> list[str]:
    found = registry.get("turns").graph.with_saver(DjangoSaver())
    return found.get_state({"configurable": {"thread_id": "t"}}).values.get("said", [])


def status_of(run: Run) -> str:
    run.refresh_from_db()
    return run.status


class TestReject:
    def test_is_what_happens_unless_said_otherwise(self, start):
        start("a")

        with pytest.raises(ThreadBusy, match="if_busy='enqueue'"):
            start("b")

    def test_another_word_is_refused_by_name(self, start):
        with pytest.raises(InvalidAnswer, match="if_busy: is one of reject, enqueue"):
            start("a", "wait")


class TestEnqueue:
    def test_runs_of_a_thread_take_their_turns_in_order(self, start, queue):
        runs = [start(name, "enqueue") for name in "abc"]

        for number, run in enumerate(runs):
            assert due_runs() == [run.pk]
            assert execute_run(run.pk) == "success"
            assert queue.runs[-1] == runs[min(number + 1, 2)].pk
        assert state_of() == ["a", "one", "two", "b", "one", "two", "c", "one", "two"]

    def test_one_may_wait_behind_what_is_running(self, start, script):
        later: list[Run] = []
        script.between = lambda: later.append(start("b", "enqueue"))

        assert execute_run(start("a").pk) == "success"

        assert status_of(later[0]) == "pending"
        assert execute_run(later[0].pk) == "success"
        assert state_of() == ["a", "one", "two", "b", "one", "two"]

    def test_a_continuation_may_wait_too(self, people, start, script):
        first = start("a")
        script.between = lambda: ContinueRun(
            people.operator, "t", if_busy="enqueue"
        ).execute()

        execute_run(first.pk)

        [next_run] = due_runs()
        assert execute_run(next_run) == "success"
        assert state_of() == ["a", "one", "two"]  # nothing was left to do


class TestInterrupt:
    def test_the_running_one_ends_after_its_step(self, start, script):
        first, later = start("a"), []
        script.between = lambda: later.append(start("b", "interrupt"))

        assert execute_run(first.pk) == "cancelled"

        assert status_of(first) == "cancelled"
        assert "takes its place" in first.cancel_reason
        assert execute_run(later[0].pk) == "success"
        assert state_of() == ["a", "one", "b", "one", "two"]

    def test_what_waited_its_turn_is_cancelled(self, start):
        first = start("a")

        second = start("b", "interrupt")

        assert status_of(first) == "cancelled"
        assert due_runs() == [second.pk]

    def test_a_question_that_was_open_is_not_asked_any_more(self, people, start):
        execute_run(start("a", ask=True).pk)
        shown: Any = {"version": 1, "round": 1}
        question = Interrupt.objects.get()
        ResumeRun(people.reviewer, question.pk, "approve", **shown).execute()

        execute_run(start("b", "interrupt").pk)

        question.refresh_from_db()
        assert question.status == "superseded"


class TestRollback:
    def test_the_thread_goes_back_to_where_the_running_one_began(self, start, script):
        execute_run(start("a").pk)
        head = Checkpoint.objects.order_by("-id").first()
        second, later = start("b"), []
        script.between = lambda: later.append(start("c", "rollback"))

        assert execute_run(second.pk) == "cancelled"

        second.thread.refresh_from_db()
        assert head is not None
        assert second.thread.head == head.id
        assert state_of() == ["a", "one", "two"]
        assert execute_run(later[0].pk) == "success"
        assert state_of() == ["a", "one", "two", "c", "one", "two"]

    def test_of_a_first_run_it_leaves_an_empty_thread(self, start, script):
        first, later = start("a"), []
        script.between = lambda: later.append(start("b", "rollback"))

        execute_run(first.pk)

        first.thread.refresh_from_db()
        assert (first.thread.head, Checkpoint.objects.count()) == ("", 0)
        execute_run(later[0].pk)
        assert state_of() == ["b", "one", "two"]

    def test_it_is_done_for_a_worker_that_died(self, start):
        execute_run(start("a").pk)
        second = start("b")
        claim = claim_run(second.pk, "dead")
        assert claim is not None
        keeper.clear()
        third = start("c", "rollback")
        Run.objects.filter(pk=second.pk).update(lease_until="2000-01-01T00:00:00Z")

        assert release_dead_leases() == []

        assert status_of(second) == "cancelled"
        assert execute_run(third.pk) == "success"
        assert state_of() == ["a", "one", "two", "c", "one", "two"]


@pytest.mark.parametrize("if_busy", ["reject", "enqueue", "interrupt", "rollback"])
def test_a_task_cannot_start_a_run_of_its_own_thread(start, script, if_busy):
    met: list[BaseException] = []

    def again() -> None:
        try:
            start("b", if_busy)
        except ThreadBusyError as error:
            met.append(error)

    first = start("a")
    script.between, script.inside = again, True

    assert execute_run(first.pk) == "success"

    assert f"busy with run {first.pk}" in str(met[0])
    assert Run.objects.count() == 1
