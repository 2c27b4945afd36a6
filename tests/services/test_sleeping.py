"""Threads that sleep: they end as waiting, are woken by a sweep, and before their time by a person."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import pytest

from workflows.engine import sleeping
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.sleeping import asleep, sleep, sleep_until
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.action import NotAllowed, NotPending, NotVisible, ThreadBusy
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.execute_run import execute_run
from workflows.services.replay import check_each, threads_that_go_on
from workflows.services.sleepers import (
    NOTHING_SLEEPS,
    WakeThread,
    wake,
    wake_sleepers,
)
from workflows.services.start_run import StartRun
from workflows.services.sweep import sweep
from workflows.storage.claims import claim_run
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.1")]

PAUSE = 0.3
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class State(TypedDict, total=False):
    woken: list[bool]
    said: str


@pytest.fixture(autouse=True)
def every_sleep_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleeping, "IN_PLACE", 0.0)


@pytest.fixture
def boss(people: Any) -> Any:
    return people.admin


class Work:
    """A workflow whose node sleeps as often as `pauses` says, and counts how often it began."""

    def __init__(self) -> None:
        self.pauses: list[float] = [PAUSE]
        self.began = 0

    def nap(self, state: State) -> State:
        self.began += 1
        return {"woken": [sleep(each) for each in self.pauses]}

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("nap", self.nap)
        return graph.set_entry_point("nap").compile(**compiled)


@pytest.fixture
def work() -> Work:
    made = Work()
    registry.register(made.graph(), name="naps")
    return made


def swept() -> Run:
    """The run that the sweep makes when the first thread's time has come."""
    for _ in range(200):
        if wake_sleepers():
            return Run.objects.get(kind="wake", status="pending")
        time.sleep(0.05)
    raise AssertionError("nobody was woken")


def started(boss: Any, graph: str = "naps") -> Thread:
    run = StartRun(boss, graph, {}).execute()
    execute_run(run.pk)
    return run.thread


def status_of(thread: Thread) -> tuple[str, str]:
    """Of the thread, and of its last run."""
    thread.refresh_from_db()
    last = thread.runs.order_by("-id").first()
    assert last is not None
    return thread.status, last.status


class TestByTime:
    def test_a_run_that_sleeps_has_ended_and_holds_nothing(self, boss, work):
        work.pauses = [3600]

        thread = started(boss)

        assert status_of(thread) == ("waiting", "waiting")
        assert thread.wake_at is not None
        assert timedelta(minutes=59) < thread.wake_at - datetime.now(UTC)
        assert not Interrupt.objects.exists()
        assert wake_sleepers() == 0
        told = Event.objects.get(thread=thread, kind="task")
        assert '"status":"waiting"' in told.data.replace(" ", "")

    def test_the_sweep_wakes_it_once_when_its_time_has_come(self, boss, work, queue):
        thread = started(boss)

        run = swept()

        assert queue.runs[-1] == run.pk
        assert wake_sleepers() == 0
        assert execute_run(run.pk) == "success"
        assert status_of(thread) == ("idle", "success")
        assert thread.wake_at is None
        assert work.began == 2
        state = work.graph(checkpointer=DjangoSaver()).get_state(config_of(thread))
        assert state.values == {"woken": [True]}

    def test_the_instant_of_a_second_sleep_counts_from_the_first(self, boss, work):
        work.pauses = [PAUSE, 3600]
        thread = started(boss)
        first = thread.runs.get().finished_at

        assert execute_run(swept().pk) == "waiting"

        assert status_of(thread) == ("waiting", "waiting")
        assert thread.wake_at - first > timedelta(minutes=59)

    def test_a_sweep_of_every_worker_wakes(self, boss, work):
        work.pauses = [0.01]
        thread = started(boss)
        time.sleep(0.05)

        assert sweep() == 1
        assert thread.runs.filter(kind="wake").count() == 1

    def test_an_instant_that_is_past_does_not_wait(self, boss):
        def late(state: State) -> State:
            return {"woken": [sleep_until(LONG_AGO)]}

        graph = StateGraph(State).add_node("late", late).set_entry_point("late")
        registry.register(graph.compile(), name="late")

        assert status_of(started(boss, "late")) == ("idle", "success")

    def test_a_coroutine_sleeps_as_well(self, boss):
        async def nap(state: State) -> State:
            return {"woken": [await asleep(PAUSE)]}

        graph = StateGraph(State).add_node("nap", nap).set_entry_point("nap")
        registry.register(graph.compile(), name="coroutine")
        thread = started(boss, "coroutine")
        assert status_of(thread) == ("waiting", "waiting")

        assert execute_run(swept().pk) == "success"

    def test_of_an_entrypoint_finished_tasks_do_not_run_again(self, boss):
        ran = []

        @task
        def fetch(number: int) -> int:
            ran.append(number)
            return number

        @entrypoint()
        def flow(given: dict[str, Any]) -> list[int]:
            first = fetch(1).result()
            sleep(PAUSE)
            return [first, fetch(2).result()]

        registry.register(flow, name="flow")
        thread = started(boss, "flow")
        told = [json.loads(each.data) for each in Event.objects.filter(kind="task")]
        assert [each["status"] for each in told if each["node"] == "flow"] == [
            "waiting"
        ]

        assert execute_run(swept().pk) == "success"
        assert ran == [1, 2]
        assert status_of(thread)[0] == "idle"

    def test_a_workflow_that_is_not_known_here_sleeps_on(self, boss, work):
        work.pauses = [0.01]
        started(boss)
        time.sleep(0.05)
        registry._graphs.clear()

        assert wake_sleepers() == 0

    def test_a_failed_thread_is_left_to_people(self, boss, work):
        work.pauses = [0.01]
        thread = started(boss)
        time.sleep(0.05)
        Thread.objects.filter(pk=thread.pk).update(status="error")

        assert wake_sleepers() == 0

    def test_the_check_before_a_deploy_looks_at_it_and_wakes_nobody(self, boss, work):
        work.pauses = [3600]
        thread = started(boss)

        (checked,) = check_each(threads_that_go_on())

        assert (checked.thread_id, checked.problem) == (thread.pk, "")
        assert checked.bodies == 1
        assert status_of(thread) == ("waiting", "waiting")


class TestBesideAQuestion:
    @pytest.fixture
    def both(self, work: Work) -> Work:
        def ask(state: State) -> State:
            return {"said": interrupt("well?")}

        graph = StateGraph(State).add_node("nap", work.nap).add_node("ask", ask)
        graph.add_edge("__start__", "nap").add_edge("__start__", "ask")
        registry.register(graph.compile(), name="both")
        return work

    def test_the_question_waits_while_the_sleeper_wakes(self, boss, both):
        thread = started(boss, "both")
        assert status_of(thread) == ("interrupted", "interrupted")
        assert thread.wake_at is not None

        assert execute_run(swept().pk) == "interrupted"

        assert both.began == 2
        assert Interrupt.objects.get().status == "pending"
        assert status_of(thread) == ("interrupted", "interrupted")
        assert thread.wake_at is None


class TestBeforeItsTime:
    def test_who_operates_the_workflow_may_wake_it(self, people, boss, work):
        work.pauses = [3600]
        thread = started(boss)

        run = WakeThread(people.operator, thread.pk).execute()

        assert execute_run(run.pk) == "success"
        state = work.graph(checkpointer=DjangoSaver()).get_state(config_of(thread))
        assert state.values == {"woken": [False]}

    def test_others_may_not(self, people, boss, work):
        work.pauses = [3600]
        thread = started(boss)

        with pytest.raises(NotAllowed):
            WakeThread(people.reviewer, thread.pk).execute()
        with pytest.raises(NotVisible):
            WakeThread(people.stranger, thread.pk).execute()

    def test_twice_is_once(self, people, boss, work):
        work.pauses = [3600]
        thread = started(boss)
        WakeThread(people.operator, thread.pk).execute()

        with pytest.raises(ThreadBusy):
            WakeThread(people.operator, thread.pk).execute()

    def test_who_cancels_that_lets_it_sleep_on(self, people, boss, work):
        work.pauses = [3600]
        thread = started(boss)
        thread.refresh_from_db()
        before = thread.wake_at
        run = WakeThread(people.operator, thread.pk).execute()

        CancelRun(people.operator, run.pk).execute()

        assert status_of(thread)[0] == "waiting"
        assert thread.wake_at == before
        assert wake(thread.pk) is True

    def test_a_thread_that_does_not_sleep_is_told_so(self, people, boss, work):
        work.pauses = []
        thread = started(boss)

        with pytest.raises(NotPending, match="Nothing sleeps"):
            WakeThread(people.operator, thread.pk).execute()

    def test_a_program_wakes_by_the_threads_id(self, boss, work):
        work.pauses = [3600]
        thread = started(boss)

        assert wake(thread.pk) is True
        assert wake(thread.pk) is False
        assert wake("no such thread") is False

    def test_cancelling_ends_the_sleep(self, people, boss, work):
        work.pauses = [0.01]
        thread = started(boss)
        CancelRun(people.operator, thread.runs.get().pk).execute()
        time.sleep(0.05)

        assert status_of(thread) == ("idle", "cancelled")
        assert thread.wake_at is None
        assert wake_sleepers() == 0
        assert cancel_thread(thread.pk) == []


class TestWhatHasChangedMeanwhile:
    def test_an_edit_that_takes_the_sleeper_away_leaves_nothing_to_wake(
        self, boss, work
    ):
        def after(state: State) -> State:
            return {"said": "after"}

        graph = StateGraph(State).add_node("nap", work.nap).add_node("after", after)
        graph.set_entry_point("nap").add_edge("nap", "after")
        registry.register(graph.compile(), name="two")
        thread = started(boss, "two")
        edited = graph.compile(checkpointer=DjangoSaver())
        edited.update_state(config_of(thread), {"said": "done"}, as_node="nap")
        assert status_of(thread)[0] == "waiting"

        run = swept()

        assert execute_run(run.pk) == "cancelled"
        run.refresh_from_db()
        assert run.reason == NOTHING_SLEEPS
        assert work.began == 1
        assert edited.get_state(config_of(thread)).next == ("after",)

    def test_an_edit_after_which_nothing_is_due_ends_the_sleep(self, boss, work):
        work.pauses = [0.01]
        thread = started(boss)
        graph = work.graph(checkpointer=DjangoSaver())

        graph.update_state(config_of(thread), {"said": "done"}, as_node="nap")

        time.sleep(0.05)
        assert status_of(thread)[0] == "idle"
        assert wake_sleepers() == 0

    def test_an_edit_beside_the_sleeper_keeps_its_instant(self, boss, work):
        work.pauses = [PAUSE, PAUSE]
        thread = started(boss)
        assert execute_run(swept().pk) == "waiting"
        thread.refresh_from_db()
        before = thread.wake_at
        graph = work.graph(checkpointer=DjangoSaver())
        graph.update_state(config_of(thread), {"said": "hello"})
        assert status_of(thread)[0] == "waiting"
        assert thread.wake_at == before
        assert execute_run(swept().pk) == "success"

    def test_a_program_that_goes_on_by_itself_needs_no_sweep(self, boss, work):
        thread = started(boss)
        time.sleep(PAUSE)

        result = work.graph(checkpointer=DjangoSaver()).invoke(None, config_of(thread))

        assert result == {"woken": [True]}
        assert wake_sleepers() == 0

    def test_a_worker_that_is_lost_while_it_wakes_is_followed_by_another(
        self, boss, work, queue
    ):
        work.pauses = [PAUSE, 3600]
        thread = started(boss)
        run = swept()
        lost = once_lost(run, lambda: execute_run(run.pk), work)

        assert lost == ["first"]
        assert status_of(thread) == ("waiting", "waiting")
        assert thread.wake_at is not None


def once_lost(run: Run, carry_out: Callable[[], str], work: Work) -> list[str]:
    """Carry a run out whose first worker vanishes within the node, after its answers were saved."""
    seen: list[str] = []

    class Gone(BaseException):
        pass

    def vanish(state: State) -> State:
        if not seen:
            seen.append("first")
            raise Gone
        return {"woken": [sleep(each) for each in work.pauses]}

    real, work.nap = work.nap, vanish  # type: ignore[method-assign]
    registry._graphs.clear()
    registry.register(work.graph(), name="naps")
    with pytest.raises(Gone):
        carry_out()
    Run.objects.filter(pk=run.pk).update(status="pending", owner="", lease_until=None)
    assert carry_out() == "waiting"
    work.nap = real  # type: ignore[method-assign]
    return seen


class TestDirectCalls:
    def test_a_thread_of_a_workflow_is_woken_by_workers_whoever_let_it_sleep(
        self, boss, work
    ):
        work.pauses = []
        thread = started(boss)
        work.pauses = [PAUSE]

        graph = work.graph(checkpointer=DjangoSaver())

        assert graph.invoke({}, config_of(thread)) == {"woken": []}
        assert status_of(thread) == ("waiting", "waiting")
        assert execute_run(swept().pk) == "success"

    def test_one_that_is_not_registered_is_left_to_its_program(self, work):
        work.pauses = [0.01]
        graph = work.graph(checkpointer=DjangoSaver())
        mine = {"configurable": {"thread_id": "mine"}}

        assert graph.invoke({}, mine) == {}

        time.sleep(0.05)
        assert wake_sleepers() == 0
        assert graph.invoke(None, mine) == {"woken": [True]}

    async def test_an_awaited_one_sleeps_and_goes_on_as_well(self, work):
        work.pauses = [0.01]
        graph = work.graph(checkpointer=DjangoSaver())
        mine = {"configurable": {"thread_id": "mine"}}

        assert await graph.ainvoke({}, mine) == {}

        await asyncio.sleep(0.05)
        assert await graph.ainvoke(None, mine) == {"woken": [True]}


def config_of(thread: Thread) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread.pk}}


def test_a_claimed_run_of_another_kind_is_not_touched(boss, work):
    work.pauses = [0.01]
    thread = started(boss)
    time.sleep(0.05)
    run = Run.objects.create(thread=thread, graph="naps", kind="continue")
    assert claim_run(run.pk, "somebody")

    assert wake_sleepers() == 0
