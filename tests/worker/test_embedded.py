"""The worker inside the server's process: waking, polling, stopping."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, transaction

from workflows.engine.func.entrypoint import entrypoint
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.queues import Queue, forget
from workflows.services.start_run import start_thread
from workflows.worker import embedded
from workflows.worker.embedded import EmbeddedQueue, EmbeddedWorker

PATIENCE_SECONDS = 60

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thread():
    registry.register(SimpleNamespace(), name="any")
    yield Thread.objects.create(id="t", graph="any")
    registry.unregister("any")


def pending(thread: Thread) -> Run:
    return Run.objects.create(thread=thread, graph=thread.graph, kind="start")


class Recorder:
    """Takes the place of execute_run: ends the run and notes the thread that did it."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.threads: set[str] = set()
        self.done = threading.Event()
        self.fails = False

    def __call__(self, run_id: int, **_: object) -> str:
        self.ids.append(run_id)
        self.threads.add(threading.current_thread().name)
        if self.fails:
            self.fails = False
            raise RuntimeError("out of luck")
        Run.objects.filter(pk=run_id).update(status="success")
        self.done.set()
        return "success"


@pytest.fixture
def recorder():
    return Recorder()


def worker_of(recorder: Recorder, **more: Any) -> EmbeddedWorker:
    return EmbeddedWorker(2, execute=recorder, **more)


@pytest.fixture
def running():
    """Workers that are stopped after the test."""
    workers: list[EmbeddedWorker] = []
    yield workers
    for worker in workers:
        assert worker.stop(PATIENCE_SECONDS)


def test_it_is_woken_after_the_commit(thread, recorder, running):
    has_looked = threading.Event()
    worker = worker_of(recorder, poll_seconds=600.0, sweep=has_looked.set)
    running.append(worker)
    worker.start()
    assert has_looked.wait(PATIENCE_SECONDS)

    with transaction.atomic():
        run = pending(thread)
        EmbeddedQueue().enqueue(run.pk)
        assert not recorder.done.wait(0.1)

    assert recorder.done.wait(PATIENCE_SECONDS)
    assert recorder.ids == [run.pk]


def test_it_finds_what_nobody_woke_it_for(thread, recorder, running):
    worker = worker_of(recorder, poll_seconds=0.05)
    running.append(worker)
    worker.start()

    run = pending(thread)

    assert recorder.done.wait(PATIENCE_SECONDS)
    # A look that began while it ended may find it once more: then the claim is refused.
    assert set(recorder.ids) == {run.pk}


def test_it_sweeps_when_it_starts(thread, recorder, running):
    run = Run.objects.create(
        thread=thread,
        graph=thread.graph,
        kind="start",
        status="running",
        fence=1,
        owner="gone",
        lease_until="2020-01-01T00:00Z",
    )
    worker = worker_of(recorder)
    running.append(worker)

    worker.start()

    assert recorder.done.wait(PATIENCE_SECONDS)
    # The recorder leaves it pending, so that each look finds it.
    assert set(recorder.ids) == {run.pk}


def test_a_run_that_breaks_does_not_stop_the_worker(thread, recorder, running):
    recorder.fails = True
    worker = worker_of(recorder, poll_seconds=0.05)
    running.append(worker)
    worker.start()

    run = pending(thread)

    assert recorder.done.wait(PATIENCE_SECONDS)
    assert len(recorder.ids) >= 2
    assert set(recorder.ids) == {run.pk}


def test_it_says_whether_it_lives(recorder):
    worker = worker_of(recorder)
    assert not EmbeddedQueue().has_worker()

    worker.start()
    assert EmbeddedQueue().has_worker()

    assert worker.stop(PATIENCE_SECONDS)
    assert not EmbeddedQueue().has_worker()
    assert not embedded.is_running()


def test_stopping_waits_for_a_run_that_is_asked_to_stop(thread):
    begun, asked = threading.Event(), []

    def execute(run_id, *, owner, should_stop):
        begun.set()
        while not should_stop():
            time.sleep(0.01)
        asked.append(run_id)
        return "pending"

    worker = EmbeddedWorker(1, execute=execute, poll_seconds=0.05)
    run = pending(thread)
    worker.start()
    assert begun.wait(PATIENCE_SECONDS)

    assert worker.stop(PATIENCE_SECONDS)
    assert asked == [run.pk]


@pytest.mark.rule("RA.10")
def test_it_applies_retention_by_itself(recorder, running):
    tidied = threading.Event()
    worker = worker_of(recorder, tidy=tidied.set, tidy_first_seconds=0.0)
    running.append(worker)

    worker.start()

    assert tidied.wait(PATIENCE_SECONDS)


@pytest.mark.rule("RA.15")
def test_runs_of_a_missing_workflow_do_not_stand_in_the_way(thread, recorder, running):
    lost = Thread.objects.create(id="lost", graph="gone")
    for _ in range(5):
        Run.objects.create(thread=lost, graph="gone", kind="start", priority=-1)
    run = pending(thread)
    worker = worker_of(recorder)
    running.append(worker)

    worker.start()

    assert recorder.done.wait(PATIENCE_SECONDS)
    assert recorder.ids == [run.pk]


@pytest.mark.rule("RA.15")
def test_a_run_that_nobody_can_claim_is_tried_at_each_look_and_told_of_once(
    thread, running, caplog
):
    tried = []

    def full(run_id, **_):
        tried.append(time.monotonic())
        raise OperationalError("database or disk is full")

    worker = EmbeddedWorker(2, execute=full, poll_seconds=0.5)
    running.append(worker)
    pending(thread)

    worker.start()
    time.sleep(1.4)

    assert 1 <= len(tried) <= 4
    told = [each for each in caplog.records if "is full" in each.getMessage()]
    assert len(told) == 1
    assert not any(each.exc_info for each in told)


@pytest.mark.rule("RB.9")
def test_runs_of_a_queue_are_carried_out_no_more_at_once_than_it_lets_in():
    at_work: list[int] = []
    most: list[int] = []
    # Each waits for another: on a slow machine they would not be at work together by chance.
    two = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    @entrypoint()
    def count(given: int) -> int:
        at_work.append(given)
        two.wait()
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.remove(given)
        return given

    registry.register(count, name="count", queue=Queue("count", concurrency=2))
    worker = EmbeddedWorker(4)
    worker.start()
    try:
        for number in range(8):
            start_thread("count", number)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while Run.objects.exclude(status="success").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        assert worker.stop()
        registry.unregister("count")
        forget("count")
    assert (len(most), max(most)) == (8, 2)
