"""What a run has done that is cancelled at work is undone before it ends (RB.8)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connections

from tests.engine.support.shop import done, give_back, shop
from tests.services.ordering import (
    UNDONE,
    Order,
    at_work,
    beat_is_over,
    carried_out,
    give_back_after_the_beat,
    order,
    stands,
    started,
    stop_now,
    until_told_to_end,
    waiting,
)
from tests.services.working import PAST, PATIENCE_SECONDS
from workflows.engine.errors import RunCancelled
from workflows.engine.loop.undoing import Undo
from workflows.engine.runtime import interrupt
from workflows.engine.sagas import compensate, shield
from workflows.models import Checkpoint, PendingWrite, Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import cancel_thread
from workflows.services.execute_run import give_back_all
from workflows.services.start_run import StartRun
from workflows.storage import leases
from workflows.storage.claims import claim_run
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

assert shop
assert order
assert waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.8")]


class TestWorkThatRuns:
    @pytest.mark.parametrize("mode", ["step", "now"])
    def test_is_undone_before_its_run_ends(self, order: Order, mode: str) -> None:
        run, worker = at_work(order)

        cancel_thread("t", reason="gone", mode=mode)
        if mode == "step":
            order.go_on.set()
        worker.join(PATIENCE_SECONDS)

        assert stands(run) == ("cancelled", "", "gone", "idle"), run.error
        assert done == UNDONE

    def test_is_let_be_in_a_block_that_is_shielded(self, order: Order) -> None:
        def work() -> None:
            with shield():
                order.work()
                compensate(give_back, "c")

        order.waits_at_work = work
        run, worker = at_work(order)
        cancel_thread("t", reason="gone", mode="now")
        until_told_to_end(run.pk)
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

    @pytest.mark.parametrize("mode", ["step", "now"])
    def test_is_undone_where_it_was_given_back_and_waits_for_another_worker(
        self, order: Order, mode: str
    ) -> None:
        run, worker = at_work(order)
        give_back_all()
        order.go_on.set()
        worker.join(PATIENCE_SECONDS)
        assert stands(run)[0] == "pending"

        assert cancel_thread("t", reason="gone", mode=mode) == [run.pk]

        assert carried_out() == ["cancelled"]
        assert done == UNDONE
        assert stands(run) == ("cancelled", "", "gone", "idle")

    def test_is_stopped_where_it_was_to_undo_and_is_cancelled_now(
        self, order: Order
    ) -> None:
        run, worker = at_work(order)
        give_back_all()
        order.go_on.set()
        worker.join(PATIENCE_SECONDS)
        cancel_thread("t", reason="gone")

        cancel_thread("t", reason="enough", mode="now")

        assert carried_out() == []
        assert done == []
        assert stands(run)[::3] == ("cancelled", "idle")

    def test_leaves_no_busy_thread_where_there_is_nothing_to_undo(
        self, order: Order
    ) -> None:
        run, worker = at_work(order)
        give_back_all()
        order.go_on.set()
        worker.join(PATIENCE_SECONDS)
        PendingWrite.objects.all().delete()
        Checkpoint.objects.all().delete()
        Thread.objects.update(head="")

        cancel_thread("t")

        assert stands(run)[::3] == ("cancelled", "idle")

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


def test_a_program_that_runs_its_graph_itself_is_told_that_it_is_to_undo_it(
    order: Order,
) -> None:
    order.waits = order.work
    graph = registry.get("order").graph.with_saver(DjangoSaver(graph="order"))
    config = {"configurable": {"thread_id": "t"}}
    met: list[BaseException] = []

    def call(given: Any) -> None:
        try:
            graph.invoke(given, config)
        except RunCancelled as stop:
            met.append(stop)
        finally:
            connections.close_all()

    program = threading.Thread(target=call, args=({},))
    program.start()
    assert order.begun.wait(PATIENCE_SECONDS)
    cancel_thread("t", reason="gone", mode="now")
    program.join(PATIENCE_SECONDS)

    run = Run.objects.get()
    assert stands(run) == ("cancelled", "not_undone", "gone", "idle")
    assert [each for each in done if each.startswith("gave")] == []

    call(Undo("gone"))

    assert [str(getattr(stop, "cause", "")) for stop in met] == ["cancelled", "undone"]
    assert [each for each in done if each.startswith("gave")] == UNDONE
    assert stands(Run.objects.latest("id"))[:2] == ("cancelled", "")
