"""What a test of the dashboard lets pass by, and carries out itself (RB.17)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, TypedDict

import pytest

from durableweb import durable
from durableweb.durable import StillDueError, fake_clock, run_due
from durableweb.types import interrupt, now, sleep, wait_signal
from workflows.engine.graph.state import StateGraph
from workflows.models import Interrupt, Policy, Run, Thread, Tick
from workflows.services import registry
from workflows.services.queues import Queue
from workflows.services.schedules.declared import schedule
from workflows.storage.claims import claim_run
from workflows.storage.leases import keeper

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.17")]

DAY = 24 * 3600.0


class State(TypedDict, total=False):
    n: int
    log: list[Any]


def register(name: str, node: Any, **options: Any) -> None:
    graph = StateGraph(State).add_node("node", node).set_entry_point("node").compile()
    registry.register(graph, name=name, **options)


def status(thread_id: str) -> str:
    return str(Thread.objects.get(pk=thread_id).status)


def test_nothing_is_due():
    assert run_due() == 0


def test_what_was_started_is_carried_out():
    register("note", lambda state: {"log": [now()]})
    started = durable.start("note", {})

    assert run_due() == 1

    assert status(started.thread_id) == "idle"
    assert run_due() == 0


def test_three_days_later_a_thread_goes_on():
    woken: list[Any] = []
    register("naps", lambda state: woken.append((sleep(3 * DAY), now())))

    with fake_clock() as clock:
        started = durable.start("naps", {})
        assert run_due() == 1
        assert status(started.thread_id) == "waiting"
        clock.advance(days=2, hours=23)
        assert run_due() == 0
        ahead = clock.advance(hours=1)
        assert run_due() == 1

    [(slept, at)] = woken
    assert slept is True
    assert abs(at - ahead) < timedelta(minutes=1)
    assert status(started.thread_id) == "idle"


def test_what_follows_from_that_is_carried_out_too():
    def send(state: State) -> State:
        durable.send_signal("waits", "ready", 7)
        return {}

    register("waits", lambda state: {"log": [wait_signal("ready")]})
    register("sends", send)
    durable.start("waits", {}, thread_id="waits")
    assert run_due() == 1
    durable.start("sends", {})

    assert run_due() == 2

    assert status("waits") == "idle"


def test_a_start_that_is_put_off():
    register("note", lambda state: {"log": ["done"]})

    with fake_clock() as clock:
        started = durable.start("note", {}, delay=DAY)
        assert run_due() == 0
        clock.advance(days=1, seconds=1)
        assert run_due() == 1

    assert status(started.thread_id) == "idle"


def test_a_run_that_waited_too_long_for_its_start():
    register("note", lambda state: {"log": ["done"]})

    with fake_clock() as clock:
        started = durable.start("note", {}, start_timeout=60)
        clock.advance(minutes=2)
        assert run_due() == 0

    assert Run.objects.get(pk=started.run_id).reason == "start_timeout"


def test_a_question_whose_time_is_up():
    register(
        "asks",
        lambda state: {"log": [interrupt("?", timeout=DAY, on_timeout="nobody")]},
    )

    with fake_clock() as clock:
        started = durable.start("asks", {})
        run_due()
        clock.advance(hours=23)
        assert run_due() == 0
        assert Interrupt.objects.get().status == "pending"
        clock.advance(hours=2)
        assert run_due() == 1

    assert status(started.thread_id) == "idle"


def test_a_question_is_due_by_when_it_was_asked():
    """One that is asked on the third day has not waited for three days."""
    Policy.objects.create(
        graph="asks", body='{"timeout": 7200, "timeout_action": "fail"}'
    )
    register("asks", lambda state: {"log": [interrupt("?")]})

    with fake_clock() as clock:
        clock.advance(days=3)
        started = durable.start("asks", {})
        run_due()
        clock.advance(hours=1)
        run_due()
        assert status(started.thread_id) == "interrupted"
        clock.advance(hours=1, seconds=1)
        run_due()

    assert status(started.thread_id) == "error"


def test_the_instants_of_a_schedule():
    given: list[Any] = []
    register("report", lambda state: given.append(state["n"]))
    schedule("nightly", "report", cron="0 3 * * *", input={"n": 1})

    with fake_clock() as clock:
        run_due()
        for _ in range(3):
            [nightly] = durable.schedules()
            clock.advance_to(nightly.upcoming[0])
            assert run_due() == 1

    assert given == [1, 1, 1]
    assert Tick.objects.filter(status="started").count() == 3


def test_the_rate_of_a_queue():
    done: list[int] = []
    register("slow", lambda state: done.append(state["n"]))
    Queue("one_an_hour", rate=(1, 3600))

    with fake_clock() as clock:
        for n in (1, 2):
            durable.start("slow", {"n": n}, queue="one_an_hour")
        assert run_due() == 1
        assert done == [1]
        clock.advance(hours=1, seconds=1)
        assert run_due() == 1

    assert done == [1, 2]


def test_a_run_whose_worker_is_gone():
    register("note", lambda state: {"log": ["done"]})
    started = durable.start("note", {})

    with fake_clock() as clock:
        assert claim_run(started.run_id, "elsewhere:1:2#1")
        keeper.clear()
        clock.advance(minutes=1)
        assert run_due() == 1

    assert status(started.thread_id) == "idle"


def test_one_that_somebody_else_carries_out_is_left_to_him():
    register("note", lambda state: {"log": ["done"]})
    started = durable.start("note", {})
    assert claim_run(started.run_id, "elsewhere:1:2#1")

    assert run_due() == 0

    assert Run.objects.get().status == "running"


def test_one_that_fails_is_told_by_its_thread(caplog: Any):
    def fails(state: State) -> State:
        raise KeyError("no such row")

    register("fails", fails)
    started = durable.start("fails", {})

    with caplog.at_level(logging.ERROR):
        assert run_due() == 1

    assert status(started.thread_id) == "error"


def test_work_without_an_end_is_told_of():
    def again(state: State) -> State:
        durable.start("again", {})
        return {}

    register("again", again)
    durable.start("again", {})

    with pytest.raises(
        StillDueError, match=r"5 runs were carried out, and run \d+ of workflow 'again'"
    ):
        run_due(most=5)
