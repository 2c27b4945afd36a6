"""Signals: what lies in a thread's mailbox, who takes it and how often (RB.2)."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.services.napping import boss, config_of, started, status_of
from tests.storage.racing import together
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.engine.types import Command
from workflows.models import Awaited, Event, Interrupt, Run, Signal, Thread
from workflows.services import execute_run as executing
from workflows.services import registry, signals
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotPending,
    NotVisible,
    ThreadBusy,
)
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.execute_run import execute_run
from workflows.services.signals import SendSignal, send_signal, tidy_signals
from workflows.services.sleepers import wake, wake_sleepers
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep
from workflows.services.waking import NOTHING_SLEEPS
from workflows.storage.saver import DjangoSaver

assert boss

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.2")]


class State(TypedDict, total=False):
    said: list[Any]
    note: str


class Desk:
    """A workflow whose node waits for a signal on each of `topics`, and counts how often it began."""

    def __init__(self) -> None:
        self.topics: list[str] = ["paid"]
        self.more: dict[str, Any] = {}
        self.began = 0

    def wait(self, state: State) -> State:
        self.began += 1
        return {"said": [wait_signal(each, **self.more) for each in self.topics]}

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("wait", self.wait)
        return graph.set_entry_point("wait").compile(**compiled)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    registry.register(made.graph(), name="desk")
    return made


def carried_out() -> list[str]:
    """Carry out what is queued, as a worker does, until nothing is; how each run ended."""
    ended = []
    while run := Run.objects.filter(status="pending").order_by("id").first():
        ended.append(execute_run(run.pk))
        assert len(ended) < 300
    return ended


def values_of(thread: Thread) -> dict[str, Any]:
    item = registry.get(thread.graph)
    graph = item.graph.copy(update={"checkpointer": DjangoSaver()})
    values: dict[str, Any] = graph.get_state(config_of(thread)).values
    return values


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

        signals.tell_of_forgotten.looks_at = 0.0

        assert sweep() == 1
        assert carried_out() == ["success"]
        signals.tell_of_forgotten.looks_at = 0.0
        assert signals.tell_of_forgotten() == 0

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


class TestWhatHasChangedMeanwhile:
    def test_an_edit_beside_the_waiter_keeps_it_waiting(self, boss, desk):
        thread = started(boss, "desk")
        graph = desk.graph(checkpointer=DjangoSaver())

        graph.update_state(config_of(thread), {"note": "edited"})

        assert status_of(thread)[0] == "waiting"
        send_signal(thread.pk, "paid", 1)
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1], "note": "edited"}

    def test_an_edit_that_takes_the_waiter_away_leaves_the_signal(self, boss, desk):
        graph = StateGraph(State).add_node("wait", desk.wait)
        graph.add_node("after", lambda state: {"note": "after"})
        graph.set_entry_point("wait").add_edge("wait", "after")
        registry.register(graph.compile(), name="two")
        thread = started(boss, "two")
        edited = graph.compile(checkpointer=DjangoSaver())
        edited.update_state(config_of(thread), {"note": "done"}, as_node="wait")

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == ["cancelled"]
        assert Run.objects.get(kind="wake").reason == NOTHING_SLEEPS
        assert Signal.objects.get().handed is False
        assert not Awaited.objects.exists()

    def test_cancelling_ends_the_wait_and_keeps_the_mailbox(self, people, boss, desk):
        thread = started(boss, "desk")
        CancelRun(people.operator, thread.runs.get().pk).execute()
        assert status_of(thread) == ("idle", "cancelled")

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == []
        start_thread("desk", {}, thread_id=thread.pk)
        assert carried_out() == ["waiting", "success"]
        assert cancel_thread(thread.pk) == []

    def test_a_copy_has_what_nobody_took(self, boss, desk):
        desk.topics = ["paid", "paid"]
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)
        assert carried_out() == ["waiting"]
        send_signal(thread.pk, "sent", 2, idempotency_key="k")

        DjangoSaver().copy_thread(thread.pk, "copy")

        assert [*Signal.objects.filter(thread_id="copy").values_list("topic")] == [
            ("sent",)
        ]
        assert Thread.objects.get(pk="copy").status == "waiting"
        send_signal("copy", "paid", 3)
        assert carried_out() == ["success"]
        assert values_of(Thread.objects.get(pk="copy")) == {"said": [1, 3]}
        assert status_of(thread)[0] == "waiting"

    def test_a_thread_that_is_removed_takes_its_signals_along(self, boss, desk):
        thread = started(boss, "desk")
        send_signal(thread.pk, "sent", 1)

        DjangoSaver().delete_thread(thread.pk)

        assert not Signal.objects.exists()
        assert not Awaited.objects.exists()

    def test_a_program_that_answers_by_hand_needs_no_mailbox(self, boss, desk):
        thread = started(boss, "desk")
        graph = desk.graph(checkpointer=DjangoSaver())
        (wait,) = graph.get_state(config_of(thread)).tasks[0].waits

        answered = graph.invoke(Command(resume={wait.id: "by hand"}), config_of(thread))

        assert answered == {"said": ["by hand"]}
        assert status_of(thread)[0] == "idle"

    def test_a_thread_that_a_program_let_wait_is_woken_by_workers(self, boss, desk):
        desk.topics = []
        thread = started(boss, "desk")
        desk.topics = ["paid"]
        send_signal(thread.pk, "paid", 1)

        desk.graph(checkpointer=DjangoSaver()).invoke({}, config_of(thread))

        assert status_of(thread)[0] == "waiting"
        assert wake_sleepers() == 1
        assert carried_out() == ["success"]


class TestWhoMay:
    def test_who_operates_the_workflow_may_send(self, people, boss, desk):
        thread = started(boss, "desk")

        assert SendSignal(people.operator, thread.pk, "paid", 1).execute() is True

        assert Signal.objects.get().sent_by == people.operator
        told = Event.objects.get(kind="signal").data.replace(" ", "")
        assert '"by":"Operator"' in told

    def test_others_may_not(self, people, boss, desk):
        thread = started(boss, "desk")

        with pytest.raises(NotAllowed):
            SendSignal(people.reviewer, thread.pk, "paid", 1).execute()
        with pytest.raises(NotVisible):
            SendSignal(people.stranger, thread.pk, "paid", 1).execute()
        with pytest.raises(NotVisible):
            SendSignal(people.operator, "no such thread", "paid", 1).execute()
        assert not Signal.objects.exists()


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "place"),
        [
            (("", "paid", 1), "thread_id"),
            (("a/b", "paid", 1), "thread_id"),
            (("t", "", 1), "topic"),
            (("t", "a\nb", 1), "topic"),
            (("t", 7, 1), "topic"),
        ],
    )
    def test_what_cannot_be_kept_is_named(self, given: Any, place: str) -> None:
        with pytest.raises(InvalidAnswer) as raised:
            send_signal(*given)

        assert [*raised.value.errors] == [place]
        assert not Signal.objects.exists()

    def test_ids_that_a_program_gave_its_thread_are_known(self, desk) -> None:
        graph = desk.graph(checkpointer=DjangoSaver())
        for name in ("orders/7", UUID(int=7)):
            config = {"configurable": {"thread_id": name}}
            graph.invoke({}, config)

            assert send_signal(name, "paid", 1) is True

            graph.invoke({}, config)
        with pytest.raises(InvalidAnswer, match="no slash"):
            send_signal("orders/8", "paid", 1)

    def test_a_payload_that_cannot_be_stored_is_named(self) -> None:
        with pytest.raises(InvalidAnswer, match="object"):
            send_signal("t", "paid", {"a": object()})

    def test_a_key_that_cannot_be_kept_is_named(self) -> None:
        with pytest.raises(InvalidAnswer, match="control character"):
            send_signal("t", "paid", 1, idempotency_key="\0")

    def test_a_mailbox_that_is_full_says_so(self, monkeypatch) -> None:
        monkeypatch.setattr(signals, "MAX_WAITING", 2)
        send_signal("t", "a", 1)
        send_signal("t", "b", 2)

        with pytest.raises(
            ThreadBusy, match="2 signals lie in the mailbox of thread t"
        ):
            send_signal("t", "c", 3)
        assert Signal.objects.count() == 2

    def test_a_thread_that_waits_cannot_be_continued(self, people, boss, desk):
        from workflows.services.continue_run import ContinueRun

        thread = started(boss, "desk")

        with pytest.raises(NotPending, match="or send the signal"):
            ContinueRun(people.operator, thread.pk).execute()


class TestWhatIsKept:
    def test_of_those_handed_over_or_never_met_nothing_stays_for_ever(
        self, boss, desk, settings
    ):
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)
        carried_out()
        send_signal(thread.pk, "sent", 2)
        send_signal("nobody", "paid", 3)
        assert tidy_signals() == 0
        Signal.objects.update(sent_at=timezone.now() - timedelta(days=31))
        send_signal("nobody", "paid", 4)

        settings.SIGNALS_KEEP_DAYS = 0
        assert tidy_signals() == 0
        settings.SIGNALS_KEEP_DAYS = 30
        assert tidy_signals() == 2

        left = Signal.objects.values_list("thread_id", "topic").order_by("id")
        assert [*left] == [(thread.pk, "sent"), ("nobody", "paid")]

    def test_payloads_are_encrypted_and_open_in_their_own_thread(
        self, boss, desk, settings
    ):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        thread = started(boss, "desk")
        send_signal(thread.pk, "sent", "a secret")
        with connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM workflows_signal")
            assert "secret" not in cursor.fetchone()[0]
        saver = DjangoSaver()
        saver.copy_thread(thread.pk, "copy")
        desk.topics = ["paid", "sent"]

        for name in (thread.pk, "copy"):
            send_signal(name, "paid", 1)
            carried_out()
            found = desk.graph(checkpointer=DjangoSaver()).get_state(
                {"configurable": {"thread_id": name}}
            )
            assert found.values == {"said": [1, "a secret"]}, name
