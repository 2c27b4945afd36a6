"""What a thread has done is undone where its work is cancelled, fails, or makes way (RB.8)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.engine.support.shop import Broken, broken, done, give_back, shop, take
from tests.services import letters
from tests.services.working import PAST, PATIENCE_SECONDS
from workflows.engine.runtime import Runtime, interrupt
from workflows.engine.sagas import compensate, shield
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.children import start_child
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.sleepers import wake
from workflows.services.start_run import StartRun, start_thread
from workflows.storage import leases
from workflows.storage.claims import claim_run
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

assert shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.8")]


class Order:
    """A workflow that does two things, then waits as `waits` says, and fails when it goes on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.waits_at_work: Any = None
        self.is_cancelled = False
        self.waits: Any = lambda: interrupt("go on?")

    def buy(self, state: letters.State) -> letters.State:
        done.append("did a")
        compensate(give_back, "a")
        return {"said": [take("b").result()]}

    def wait(self, state: letters.State, runtime: Runtime[Any]) -> letters.State:
        self.runtime = runtime
        self.waits()
        return {"said": ["waited"]}

    def work(self) -> None:
        """Until somebody says so."""
        self.begun.set()
        while not self.go_on.wait(0.01):
            self.runtime.check()

    def fail(self, state: letters.State) -> letters.State:
        raise Broken("too late")


def sleep_and_give_back(what: str) -> None:
    sleep(3600)
    give_back(what)


beat_is_over = threading.Event()


def give_back_after_the_beat(what: str) -> None:
    assert beat_is_over.wait(PATIENCE_SECONDS)
    give_back(what)


def stop_now(thread_id: str) -> None:
    """Undoes nothing: somebody says meanwhile that the undoing is to stop."""
    done.append("asked to stop")
    cancel_thread(thread_id, reason="enough", mode="now")


@pytest.fixture
def order() -> Iterator[Order]:
    made = Order()
    letters.register("order", buy=made.buy, wait=made.wait, fail=made.fail)
    yield made
    made.go_on.set()


@pytest.fixture
def waiting(order: Order) -> Run:
    """A run that has bought, and whose thread asks whether to go on."""
    return started()


def started(**more: Any) -> Run:
    started = start_thread("order", {}, thread_id="t", **more)
    execute_run(started.run_id)
    done[:] = [each for each in done if not each.startswith(("did", "took"))]
    return Run.objects.get(pk=started.run_id)


def carried_out() -> list[str]:
    """The statuses of what is due, carried out in its order."""
    found = []
    while (
        due := Run.objects.filter(status="pending").order_by("id").first()
    ) is not None:
        found.append(execute_run(due.pk))
    return found


def at_work(order: Order) -> tuple[Run, threading.Thread]:
    """A run that has bought and is at work now in a thread of its own."""
    order.waits = order.waits_at_work or order.work
    begun = start_thread("order", {}, thread_id="t")

    def carry_out() -> None:
        try:
            execute_run(begun.run_id)
        finally:
            connections.close_all()

    worker = threading.Thread(target=carry_out)
    worker.start()
    assert order.begun.wait(PATIENCE_SECONDS)
    done.clear()
    return Run.objects.get(pk=begun.run_id), worker


def stands(run: Run) -> tuple[str, str, str, str]:
    run.refresh_from_db()
    thread = Thread.objects.get(pk=run.thread_id)
    return run.status, run.reason, run.cancel_reason, thread.status


UNDONE = ["gave back b", "gave back a"]


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

    def test_with_an_answer_that_is_queued(self, waiting: Run, people: Any) -> None:
        letters.answer(people.admin, Interrupt.objects.get(), "approve")

        cancel_thread("t", reason="gone")

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert sorted(Run.objects.values_list("status", flat=True)) == ["cancelled"] * 2

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


class TestWorkThatRuns:
    @pytest.mark.parametrize("mode", ["step", "now"])
    def test_is_undone_before_its_run_ends(self, order: Order, mode: str) -> None:
        run, worker = at_work(order)

        cancel_thread("t", reason="gone", mode=mode)
        if mode == "step":
            order.go_on.set()
        worker.join(PATIENCE_SECONDS)

        assert done == UNDONE
        assert stands(run) == ("cancelled", "", "gone", "idle")

    def test_is_let_be_in_a_block_that_is_shielded(self, order: Order) -> None:
        def work() -> None:
            with shield():
                order.work()
                compensate(give_back, "c")

        order.waits_at_work = work
        run, worker = at_work(order)
        cancel_thread("t", reason="gone", mode="now")
        owner: Any = keeper.owner_of("default", run.pk)
        while not owner.run.stop.mode:
            time.sleep(0.01)
        order.go_on.set()
        worker.join(PATIENCE_SECONDS)

        assert done == ["gave back c", *UNDONE]
        assert stands(run) == ("cancelled", "", "gone", "idle")

    def test_stops_undoing_where_it_is_cancelled_now(self, order: Order) -> None:
        def wait() -> None:
            compensate(stop_now, "t")
            interrupt("go on?")

        order.waits = wait
        run = started()
        cancel_thread("t", reason="gone")

        assert carried_out() == ["cancelled"]
        assert done == ["asked to stop"]
        assert stands(run)[:2] == ("cancelled", "not_undone")

    def test_is_undone_though_a_beat_has_read_the_cancel_before(
        self, order: Order, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, beat = leases.renew_lease, keeper.renew_all
        beat_is_over.clear()

        def read_slowly(using: str, run_id: int, *given: Any) -> Any:
            """Until the cancelled work has ended, and what undoes it has begun."""
            found = read(using, run_id, *given)
            first: Any = keeper.owner_of(using, run_id)
            if found is not None and found.mode and first is not None:
                first.cancel(*found)
                while keeper.owner_of(using, run_id) in (first, None):
                    time.sleep(0.005)
            return found

        def beat_and_tell(held: Any) -> None:
            beat(held)
            if order.is_cancelled:
                beat_is_over.set()

        def work() -> None:
            compensate(give_back_after_the_beat, "c")
            order.work()

        order.waits_at_work = work
        run, worker = at_work(order)
        monkeypatch.setattr(leases, "renew_lease", read_slowly)
        monkeypatch.setattr(keeper, "renew_all", beat_and_tell)
        order.is_cancelled = True
        cancel_thread("t", reason="gone", mode="now")
        worker.join(PATIENCE_SECONDS)

        assert done == ["gave back c", *UNDONE]
        assert stands(run)[:2] == ("cancelled", "")

    def test_is_undone_before_what_takes_its_place(
        self, order: Order, people: Any
    ) -> None:
        _, worker = at_work(order)

        StartRun(people.admin, "order", {}, thread_id="t", if_busy="rollback").execute()
        worker.join(PATIENCE_SECONDS)
        assert done == UNDONE
        order.waits = lambda: None
        assert carried_out() == ["error"]

        assert done == [*UNDONE, "did a", "took b", *UNDONE]

    def test_is_undone_where_its_worker_has_died(self, waiting: Run) -> None:
        Run.objects.update(status="pending")
        claim = claim_run(waiting.pk, "dead")
        assert claim is not None
        keeper.clear()
        cancel_thread("t", reason="gone")
        Run.objects.update(lease_until=PAST)

        assert release_dead_leases() == [waiting.pk]
        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(waiting) == ("cancelled", "", "gone", "idle")

    def test_whose_worker_dies_while_it_undoes_is_undone_by_another(
        self, waiting: Run
    ) -> None:
        cancel_thread("t", reason="gone")
        claim = claim_run(waiting.pk, "dead")
        assert claim is not None
        keeper.clear()
        Run.objects.update(lease_until=PAST)

        assert release_dead_leases() == [waiting.pk]
        assert carried_out() == ["cancelled"]
        assert done == UNDONE


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
