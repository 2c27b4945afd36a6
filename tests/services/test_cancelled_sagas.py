"""What a thread has done is undone where it waits and is cancelled, or fails (RB.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.support.shop import (
    agive_back,
    atake,
    broken,
    done,
    give_back,
    shop,
)
from tests.services import letters
from tests.services.ordering import (
    UNDONE,
    Order,
    carried_out,
    order,
    sleep_and_give_back,
    stands,
    started,
    waiting,
)
from workflows.engine.runtime import interrupt
from workflows.engine.sagas import acompensate, compensate
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.children import start_child
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.fork_thread import fork_thread
from workflows.services.sleepers import wake
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert shop
assert order
assert waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.8")]


class TestAThreadThatWaits:
    def test_is_undone_by_a_run_and_ends_as_cancelled(self, waiting: Run) -> None:
        assert cancel_thread("t", reason="gone") == [waiting.pk]

        assert Interrupt.objects.get().status == "withdrawn"
        assert done == []
        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(waiting) == ("cancelled", "", "gone", "idle")
        assert Run.objects.count() == 1

    @pytest.mark.parametrize(
        "waits",
        [lambda: sleep(3600), lambda: wait_signal("paid")],
        ids=["sleep", "signal"],
    )
    def test_for_a_time_or_a_signal_too(self, order: Order, waits: Any) -> None:
        order.waits = waits
        run = started()
        assert run.status == "waiting"

        cancel_thread("t")

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(run)[3] == "idle"

    def test_in_a_workflow_of_coroutines(self) -> None:
        async def buy(state: letters.State) -> letters.State:
            await acompensate(agive_back, "a")
            await atake("b")
            return {"said": [interrupt("go on?")]}

        letters.register("order", buy=buy)
        run = started()

        cancel_thread("t", reason="gone")

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(run) == ("cancelled", "", "gone", "idle")

    def test_with_an_answer_that_is_queued(self, waiting: Run, people: Any) -> None:
        letters.answer(people.admin, Interrupt.objects.get(), "approve")

        cancel_thread("t", reason="gone")

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert sorted(Run.objects.values_list("status", flat=True)) == ["cancelled"] * 2

    def test_leaves_what_earlier_work_on_it_has_ended_with(self, order: Order) -> None:
        asks, order.waits = order.waits, lambda: None
        failed = started()
        assert done == UNDONE
        order.waits = asks
        paused, newest = started(), started()
        done.clear()

        assert cancel_thread("t") == [newest.pk]

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(failed)[0] == "error"
        assert stands(paused)[0] == "interrupted"

    def test_is_undone_though_it_is_cancelled_twice(self, waiting: Run) -> None:
        cancel_thread("t", reason="gone")
        cancel_thread("t", reason="again")

        assert carried_out() == ["cancelled"]
        assert done == UNDONE

    def test_but_not_where_it_is_to_stop_now(self, waiting: Run) -> None:
        cancel_thread("t", reason="gone")
        cancel_thread("t", reason="leave it", mode="now")

        assert carried_out() == []
        assert done == []
        assert stands(waiting)[0] == "cancelled"

    def test_with_nothing_to_undo_ends_at_once(self, order: Order) -> None:
        letters.register("plain", wait=order.wait)
        begun = start_thread("plain", {}, thread_id="t")
        execute_run(begun.run_id)

        cancel_thread("t")

        assert carried_out() == []
        assert stands(Run.objects.get())[0] == "cancelled"

    def test_whose_history_another_begins_with_undoes_what_it_did_itself(
        self, waiting: Run
    ) -> None:
        forked = fork_thread("t", new_thread_id="u")
        assert carried_out() == ["interrupted"]

        cancel_thread("u")
        assert carried_out() == []
        assert Run.objects.get(pk=forked.run_id).status == "cancelled"
        cancel_thread("t")
        assert carried_out() == ["cancelled"]
        assert done == UNDONE

    def test_is_said_to_be_undone_in_its_history(self, waiting: Run) -> None:
        cancel_thread("t", reason="gone")
        carried_out()

        rows = Event.objects.filter(kind="run").order_by("seq")
        told = [json.loads(row.data) for row in rows]
        assert [e["status"] for e in told if e.get("undoes")] == ["pending", "running"]

    def test_whose_workflow_nobody_knows_any_more_says_that_it_is_not_undone(
        self, waiting: Run
    ) -> None:
        registry.unregister("order")
        cancel_thread("t", reason="gone")

        assert stands(waiting) == ("cancelled", "not_undone", "gone", "idle")

    def test_that_a_program_has_called_says_that_it_is_not_undone(
        self, order: Order
    ) -> None:
        graph = registry.get("order").graph.with_saver(DjangoSaver(graph="order"))
        graph.invoke({}, {"configurable": {"thread_id": "t"}})

        cancel_thread("t", reason="gone")

        run = Run.objects.get()
        assert stands(run) == ("cancelled", "not_undone", "gone", "idle")
        assert "no worker carries this thread out" in run.error
        assert carried_out() == []


class TestAnUndoThatFails:
    @pytest.fixture
    def asking(self, waiting: Run) -> Run:
        broken["b"] = 99
        cancel_thread("t", reason="gone")
        assert carried_out() == ["interrupted"]
        broken.clear()
        done.clear()
        return waiting

    def question(self) -> Interrupt:
        return Interrupt.objects.get(status="pending")

    def test_asks_a_person_and_goes_on_with_the_answer(
        self, asking: Run, people: Any
    ) -> None:
        letters.answer(people.admin, self.question(), value={"action": "retry"})

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        last = Run.objects.order_by("id").last()
        assert (last.kind, last.cancel_reason) == ("resume", "gone")
        assert Thread.objects.get().status == "idle"

    def test_one_that_sleeps_is_woken(self, order: Order, people: Any) -> None:
        def wait() -> None:
            compensate(sleep_and_give_back, "c")
            interrupt("go on?")

        order.waits = wait
        started()
        cancel_thread("t", reason="gone")
        assert carried_out() == ["waiting"]
        assert Thread.objects.get().status == "waiting"

        wake("t")

        assert carried_out() == ["cancelled"]
        assert done == ["gave back c", *UNDONE]

    def test_is_skipped(self, asking: Run, people: Any) -> None:
        letters.answer(people.admin, self.question(), value={"action": "skip"})

        assert carried_out() == ["cancelled"]
        assert done == ["gave back a"]

    def test_that_is_stopped_has_failed(self, asking: Run, people: Any) -> None:
        letters.answer(people.admin, self.question(), value={"action": "stop"})

        assert carried_out() == ["error"]
        last = Run.objects.order_by("id").last()
        assert last.error.startswith("CompensationFailed")
        assert done == []

    def test_is_continued_and_asked_about_again(self, asking: Run, people: Any) -> None:
        broken["b"] = 99
        letters.answer(people.admin, self.question(), value={"action": "stop"})
        carried_out()

        ContinueRun(people.admin, "t").execute()
        assert carried_out() == ["interrupted"]
        assert self.question().status == "pending"

    def test_ends_where_the_thread_is_cancelled_again(self, asking: Run) -> None:
        cancel_thread("t", reason="leave it")

        assert carried_out() == []
        assert Interrupt.objects.filter(status="pending").count() == 0
        assert Thread.objects.get().status == "idle"


class TestAFailure:
    def test_is_undone_by_the_run_that_failed(self, waiting: Run, people: Any) -> None:
        letters.answer(people.admin, Interrupt.objects.get(), "approve")

        assert carried_out() == ["error"]
        assert done == UNDONE
        last = Run.objects.order_by("id").last()
        assert (last.error, last.error_node) == ("Broken: too late", "fail")
        assert Thread.objects.get().status == "error"

    def test_that_undid_nothing_is_undone_by_who_cancels_it(
        self, waiting: Run, people: Any
    ) -> None:
        Run.objects.update(status="timeout", reason="run_timeout")
        Interrupt.objects.update(status="withdrawn")
        Thread.objects.update(status="error")

        CancelRun(people.admin, waiting.pk, "enough").execute()

        assert carried_out() == ["cancelled"]
        assert done == UNDONE


def test_children_undo_their_own(order: Order) -> None:
    def start(state: letters.State) -> letters.State:
        compensate(give_back, "parent")
        return {"names": [start_child("order", {}, thread_id="c").thread_id]}

    def ask(state: letters.State) -> letters.State:
        return {"said": [interrupt("parent?")]}

    letters.register("family", start=start, ask=ask)
    start_thread("family", {}, thread_id="p")
    assert carried_out() == ["interrupted", "interrupted"]
    done.clear()

    cancel_thread("p")

    assert carried_out() == ["cancelled", "cancelled"]
    assert done == ["gave back parent", *UNDONE]


def test_what_cannot_be_read_is_cancelled_all_the_same(
    waiting: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> None:
        raise ValueError("damaged")

    monkeypatch.setattr(DjangoSaver, "get_tuple", refuse)
    cancel_thread("t", reason="gone")

    assert stands(waiting) == ("cancelled", "not_undone", "gone", "idle")
    assert "damaged" in waiting.error
