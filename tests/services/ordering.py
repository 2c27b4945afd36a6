"""A workflow that buys two things and waits, for tests of what undoes that; a worker that carries out what is queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.engine.support.shop import Broken, done, give_back, take
from tests.services import letters
from tests.services.working import PATIENCE_SECONDS
from workflows.engine.runtime import Runtime, interrupt
from workflows.engine.sagas import compensate
from workflows.engine.sleeping import sleep
from workflows.models import Run, Thread
from workflows.services.cancel_run import cancel_thread
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread
from workflows.storage.leases import keeper


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


def until_told_to_end(run_id: int) -> None:
    owner: Any = keeper.owner_of("default", run_id)
    while not owner.run.stop.mode:
        time.sleep(0.01)


def stop_now(thread_id: str) -> None:
    """Undoes nothing: somebody says meanwhile that the undoing is to stop."""
    done.append("asked to stop")
    (run_id,) = cancel_thread(thread_id, reason="enough", mode="now")
    until_told_to_end(run_id)


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
