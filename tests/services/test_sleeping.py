"""Threads that sleep: they end as waiting, and a sweep wakes them when their time has come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.services.napping import (
    LONG_AGO,
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
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.sleeping import asleep, sleep, sleep_until
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry, sleepers
from workflows.services.execute_run import execute_run
from workflows.services.replay import check_each, threads_that_go_on
from workflows.services.sleepers import (
    wake_sleepers,
)
from workflows.services.sweep import sweep
from workflows.storage.saver import DjangoSaver

LATER = datetime(2999, 1, 1, tzinfo=UTC)

assert boss
assert clock
assert every_sleep_is_long
assert work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.1")]


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
        thread = started(boss)
        later()

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
        started(boss)
        later()
        registry._graphs.clear()

        assert wake_sleepers() == 0

    def test_threads_that_cannot_go_on_yet_keep_no_other_from_waking(
        self, boss, work, monkeypatch
    ):
        monkeypatch.setattr(sleepers, "AT_ONCE", 1)
        first, second = started(boss), started(boss)
        later()
        Run.objects.create(thread=first, graph="naps", kind="continue", due_at=LATER)

        assert wake_sleepers() == 1
        assert [run.thread_id for run in Run.objects.filter(kind="wake")] == [second.pk]

    def test_a_failed_thread_is_left_to_people(self, boss, work):
        thread = started(boss)
        later()
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
