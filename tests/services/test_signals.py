"""Signals: what lies in a thread's mailbox, who takes it and how often (RB.2)."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from tests.services.napping import boss, started, status_of
from tests.services.posting import Desk, State, carried_out, desk, values_of
from tests.storage.racing import together
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import Awaited, Event, Interrupt, Run, Signal, Thread
from workflows.services import execute_run as executing
from workflows.services import forgotten, registry
from workflows.services.execute_run import execute_run
from workflows.services.signals import send_signal
from workflows.services.sleepers import wake, wake_sleepers
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.2")]


class TestTaking:
    def test_a_run_that_waits_has_ended_and_holds_nothing(self, boss, desk):
        thread = started(boss, "desk")

        assert status_of(thread) == ("waiting", "waiting")
        assert thread.wake_at is None
        assert [(each.kind, each.topic) for each in Awaited.objects.all()] == [
            ("signal", "paid")
        ]
        assert not Interrupt.objects.exists()
        assert wake_sleepers() == 0
        told = Event.objects.get(thread=thread, kind="task").data.replace(" ", "")
        assert '"status":"waiting","until":"","topics":["paid"]' in told

    def test_a_signal_lets_it_go_on_at_once_and_is_taken_once(self, boss, desk, queue):
        thread = started(boss, "desk")

        assert send_signal(thread.pk, "paid", {"amount": 3}) is True

        run = Run.objects.get(kind="wake")
        assert queue.runs[-1] == run.pk
        assert execute_run(run.pk) == "success"
        assert status_of(thread) == ("idle", "success")
        assert values_of(thread) == {"said": [{"amount": 3}]}
        assert Signal.objects.get().handed
        assert not Awaited.objects.exists()
        assert desk.began == 2
        told = Event.objects.get(thread=thread, kind="signal").data.replace(" ", "")
        assert '"topic":"paid"' in told

    def test_one_that_was_sent_before_the_thread_began_is_there(self, desk):
        send_signal("later", "paid", 1)

        start_thread("desk", {}, thread_id="later")

        assert carried_out() == ["waiting", "success"]
        assert values_of(Thread.objects.get()) == {"said": [1]}

    def test_they_are_taken_in_the_order_in_which_they_were_sent(self, boss, desk):
        desk.topics = ["a", "b", "a", "a"]
        thread = started(boss, "desk")
        for topic, payload in [("a", 1), ("a", 2), ("b", 3), ("a", 4), ("a", 5)]:
            send_signal(thread.pk, topic, payload)

        assert carried_out()[-1] == "success"

        assert values_of(thread) == {"said": [1, 3, 2, 4]}
        (left,) = Signal.objects.filter(handed=False)
        assert (left.topic, left.taken_for) == ("a", "")

    def test_a_topic_nobody_waits_on_wakes_nobody(self, boss, desk):
        thread = started(boss, "desk")

        send_signal(thread.pk, "sent", 1)

        assert not Run.objects.filter(kind="wake").exists()
        assert wake_sleepers() == 0
        send_signal(thread.pk, "paid", 2)
        assert carried_out() == ["success"]
        assert Signal.objects.get(topic="sent").handed is False

    def test_of_tasks_that_wait_side_by_side_each_gets_one(self, boss):
        @task
        def fetch(number: int) -> list[Any]:
            return [number, wait_signal("paid")]

        @entrypoint()
        def flow(given: Any) -> list[Any]:
            return [each.result() for each in [fetch(n) for n in range(3)]]

        registry.register(flow, name="flow")
        thread = started(boss, "flow")
        send_signal(thread.pk, "paid", "a")
        assert carried_out() == ["waiting"]
        send_signal(thread.pk, "paid", "b")
        send_signal(thread.pk, "paid", "c")

        assert carried_out()[-1] == "success"
        handed = Signal.objects.filter(handed=True).values_list("taken_for", flat=True)
        assert len(set(handed)) == 3

    def test_equal_keys_are_one_signal(self, boss, desk):
        thread = started(boss, "desk")

        assert send_signal(thread.pk, "paid", 1, idempotency_key="k") is True
        assert send_signal(thread.pk, "paid", 2, idempotency_key="k") is False
        assert carried_out() == ["success"]
        assert send_signal(thread.pk, "paid", 3, idempotency_key="k") is False

        assert send_signal(thread.pk, "sent", 4, idempotency_key="k") is True
        assert send_signal("another", "paid", 5, idempotency_key="k") is True
        assert values_of(thread) == {"said": [1]}

    def test_it_is_sent_when_the_senders_transaction_commits(self, boss, desk):
        thread = started(boss, "desk")
        with transaction.atomic():
            send_signal(thread.pk, "paid", 1)
            transaction.set_rollback(True)

        assert not Signal.objects.exists()
        assert not Run.objects.filter(kind="wake").exists()

        with transaction.atomic():
            send_signal(thread.pk, "paid", 2)
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [2]}

    def test_one_that_comes_while_the_run_is_at_work_is_found_when_it_ends(self, boss):
        def send_and_wait(state: State) -> State:
            if not Signal.objects.exists():
                send_signal(Thread.objects.get().pk, "paid", 7)
            return {"said": [wait_signal("paid")]}

        graph = StateGraph(State).add_node("w", send_and_wait).set_entry_point("w")
        registry.register(graph.compile(), name="own")
        thread = started(boss, "own")

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [7]}

    def test_a_question_beside_it_stays_open(self, boss, desk):
        graph = StateGraph(State).add_node("wait", desk.wait)
        graph.add_node("ask", lambda state: {"note": interrupt("well?")})
        graph.add_edge("__start__", "wait").add_edge("__start__", "ask")
        registry.register(graph.compile(), name="both")
        thread = started(boss, "both")
        assert status_of(thread) == ("interrupted", "interrupted")

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == ["interrupted"]
        assert Interrupt.objects.get().status == "pending"
        assert status_of(thread) == ("interrupted", "interrupted")
        assert not Awaited.objects.exists()

    def test_a_failed_thread_takes_it_once_it_goes_on(self, boss, desk):
        fails = [True]

        def fail(state: State) -> State:
            if fails:
                raise ValueError("no")
            return {"note": "ok"}

        graph = StateGraph(State).add_node("wait", desk.wait).add_node("fail", fail)
        graph.add_edge("__start__", "wait").add_edge("__start__", "fail")
        registry.register(graph.compile(), name="fails")
        thread = started(boss, "fails")
        assert status_of(thread)[0] == "error"
        send_signal(thread.pk, "paid", 1)
        assert carried_out() == []
        fails.clear()

        Run.objects.create(thread=thread, graph="fails", kind="continue")

        assert carried_out() == ["waiting", "success"]
        assert values_of(thread) == {"said": [1], "note": "ok"}

    def test_a_workflow_that_is_not_known_here_is_woken_where_it_is(self, boss, desk):
        thread = started(boss, "desk")
        known = dict(registry._graphs)
        registry._graphs.clear()

        send_signal(thread.pk, "paid", 1)

        assert not Run.objects.filter(kind="wake").exists()
        registry._graphs.update(known)
        assert wake_sleepers() == 1
        assert carried_out() == ["success"]


class TestItsTime:
    def test_a_sweep_ends_the_wait(self, boss, desk):
        desk.more = {"timeout": 0.05, "default": "late"}
        thread = started(boss, "desk")

        assert self.over() == ["success"]
        assert values_of(thread) == {"said": ["late"]}

    def test_or_fails_it(self, boss, desk):
        desk.more = {"timeout": 0.05}
        thread = started(boss, "desk")

        assert self.over() == ["error"]
        run = Run.objects.get(kind="wake")
        assert run.error.startswith("WaitTimeout: no signal 'paid' came to thread")
        assert status_of(thread)[0] == "error"

    def over(self) -> list[str]:
        """How the runs ended that woke what had waited long enough; the first run's end may have seen it already."""
        time.sleep(0.1)
        wake_sleepers()
        return carried_out()

    def test_a_signal_that_is_there_when_the_time_is_up_wins(self, boss, desk):
        desk.more = {"timeout": 0.05, "default": "late"}
        thread = started(boss, "desk")
        time.sleep(0.1)
        send_signal(thread.pk, "paid", "in time")

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": ["in time"]}

    def test_who_wakes_it_ends_it_before(self, boss, desk):
        desk.more = {"timeout": 3600, "default": "late"}
        thread = started(boss, "desk")

        assert wake(thread.pk) is True
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": ["late"]}

    def test_without_an_end_there_is_nothing_to_wake(self, boss, desk):
        thread = started(boss, "desk")

        assert wake(thread.pk) is False

    def test_beside_a_sleep_each_goes_on_for_itself(self, boss, desk):
        graph = StateGraph(State).add_node("wait", desk.wait)
        graph.add_node("nap", lambda state: {"note": str(sleep(3600))})
        graph.add_edge("__start__", "wait").add_edge("__start__", "nap")
        registry.register(graph.compile(), name="both")
        thread = started(boss, "both")
        thread.refresh_from_db()
        until = thread.wake_at
        assert until is not None

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == ["waiting"]
        thread.refresh_from_db()
        assert thread.wake_at == until
        assert not Awaited.objects.exists()
        assert desk.began == 2


class TestCrashes:
    def test_a_worker_lost_after_it_handed_over_is_followed_by_one_that_does_not(
        self, boss, desk, monkeypatch
    ):
        desk.topics = ["paid", "sent"]
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)
        send_signal(thread.pk, "paid", 2)

        class Gone(BaseException):
            pass

        def vanish(state: State) -> State:
            raise Gone

        self.swap(desk, vanish)
        run = Run.objects.get(kind="wake")
        with pytest.raises(Gone):
            execute_run(run.pk)
        assert Signal.objects.filter(handed=True).count() == 1
        del desk.wait  # type: ignore[attr-defined]
        self.swap(desk, desk.wait)
        self.given_up(run)

        assert carried_out() == ["waiting"]
        send_signal(thread.pk, "sent", 3)
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1, 3]}
        assert [each.handed for each in Signal.objects.order_by("id")] == [
            True,
            False,
            True,
        ]

    def test_one_lost_before_that_loses_no_signal(self, boss, desk, monkeypatch):
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)

        class Gone(BaseException):
            pass

        def gone(*args: Any, **more: Any) -> Any:
            raise Gone

        run = Run.objects.get(kind="wake")
        with monkeypatch.context() as patch:
            patch.setattr(executing, "drive", gone)
            with pytest.raises(Gone):
                execute_run(run.pk)
        assert Signal.objects.get().handed is False
        self.given_up(run)

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1]}

    def test_what_a_failed_run_was_to_hand_over_is_handed_over_by_the_next(
        self, boss, desk, monkeypatch
    ):
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)

        def fails(*args: Any, **more: Any) -> Any:
            raise ValueError("before anything was saved")

        with monkeypatch.context() as patch:
            patch.setattr(executing, "drive", fails)
            assert carried_out() == ["error"]

        Run.objects.create(thread=thread, graph="desk", kind="continue")
        assert carried_out() == ["waiting", "success"]
        assert values_of(thread) == {"said": [1]}

    def test_a_sender_that_dies_before_it_told_is_made_up_for(self, boss, desk):
        thread = started(boss, "desk")
        sweep()
        Signal.objects.create(thread_id=thread.pk, topic="paid", payload="1")
        assert sweep() == 0  # once a minute

        forgotten.tell_of_forgotten.looks_at = 0.0

        assert sweep() == 1
        assert carried_out() == ["success"]
        forgotten.tell_of_forgotten.looks_at = 0.0
        assert forgotten.tell_of_forgotten() == 0

    def test_sending_and_beginning_to_wait_at_one_time_never_miss_each_other(
        self, boss, desk
    ):
        for number in range(8):
            name = f"race {number}"
            run = start_thread("desk", {}, thread_id=name).run_id

            ended = together(
                [partial(execute_run, run), partial(send_signal, name, "paid", 1)]
            )

            assert True in ended
            carried_out()
            assert Thread.objects.get(pk=name).status == "idle", ended

    def test_many_senders_at_one_time_are_all_heard_once(self, boss, desk):
        desk.topics = ["paid"] * 10
        thread = started(boss, "desk")

        def send(number: int) -> bool:
            key = f"k{number % 10}"
            return send_signal(thread.pk, "paid", number, idempotency_key=key)

        sent = together([partial(send, number) for number in range(20)])

        assert sorted(map(str, sent)) == ["False"] * 10 + ["True"] * 10
        carried_out()
        said = values_of(thread)["said"]
        assert sorted(each % 10 for each in said) == [*range(10)]

    def swap(self, desk: Desk, node: Any) -> None:
        desk.wait = node  # type: ignore[method-assign]
        registry._graphs.clear()
        registry.register(desk.graph(), name="desk")

    def given_up(self, run: Run) -> None:
        Run.objects.filter(pk=run.pk).update(
            status="pending", owner="", lease_until=None
        )
