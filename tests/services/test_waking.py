"""Threads that are woken before their time, or have changed meanwhile; and those that a program calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.napping import (
    PAUSE,
    State,
    Work,
    boss,
    clock,
    config_of,
    every_sleep_is_long,
    later,
    started,
    status_of,
    swept,
    work,
)
from workflows.engine.graph.state import StateGraph
from workflows.engine.sleeping import asleep, sleep
from workflows.models import Run
from workflows.services import registry
from workflows.services.action import NotAllowed, NotPending, NotVisible, ThreadBusy
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.ends import NOTHING_SLEEPS
from workflows.services.execute_run import execute_run
from workflows.services.sleepers import (
    WakeThread,
    wake,
    wake_sleepers,
)
from workflows.storage.claims import claim_run
from workflows.storage.saver import DjangoSaver

assert boss
assert clock
assert every_sleep_is_long
assert work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.1")]


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
        thread = started(boss)
        CancelRun(people.operator, thread.runs.get().pk).execute()
        later()

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
        thread = started(boss)
        graph = work.graph(checkpointer=DjangoSaver())

        graph.update_state(config_of(thread), {"said": "done"}, as_node="nap")

        later()
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
        later()

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
        graph = work.graph(checkpointer=DjangoSaver())
        mine = {"configurable": {"thread_id": "mine"}}

        assert graph.invoke({}, mine) == {}

        later()
        assert wake_sleepers() == 0
        assert graph.invoke(None, mine) == {"woken": [True]}

    async def test_an_awaited_one_sleeps_and_goes_on_as_well(self, work):
        graph = work.graph(checkpointer=DjangoSaver())
        mine = {"configurable": {"thread_id": "mine"}}

        assert await graph.ainvoke({}, mine) == {}

        later()
        assert await graph.ainvoke(None, mine) == {"woken": [True]}


def test_one_in_an_event_loop_that_has_asked_no_database_goes_on_too():
    async def nap(state: State) -> State:
        return {"woken": [await asleep(PAUSE)]}

    built = StateGraph(State).add_node("nap", nap).set_entry_point("nap")
    graph = built.compile(checkpointer=DjangoSaver())
    mine = {"configurable": {"thread_id": "mine"}}

    async def story() -> Any:
        assert await graph.ainvoke({}, mine) == {}
        later()
        return await graph.ainvoke(None, mine)

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(story())))
    thread.start()
    thread.join()

    assert found == [{"woken": [True]}]


def test_a_claimed_run_of_another_kind_is_not_touched(boss, work):
    thread = started(boss)
    later()
    run = Run.objects.create(thread=thread, graph="naps", kind="continue")
    assert claim_run(run.pk, "somebody")

    assert wake_sleepers() == 0
