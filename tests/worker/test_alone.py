"""A run that is carried out alone, as its last attempt, and the end of the worker that waits for it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.support.server import Process
from tests.worker.conftest import Site
from workflows.models import Run
from workflows.worker import alone

pytestmark = [pytest.mark.rule("RA.15")]

# What a worker is given by whoever stops it (docs/howto/postgres-and-workers.md).
EXIT_SECONDS = 30


def is_there(pid: int) -> bool:
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def on_its_last_attempt(site: Site, graph: str, value: Any) -> Run:
    run = site.start(graph, value)
    Run.objects.filter(pk=run.pk).update(recoveries=1)
    return run


def work(site: Site, **env: str) -> Process:
    """The worker that takes such a run: in the very process, so that its number is known."""
    arguments = [] if connection.vendor == "sqlite" else ["--no-supervise"]
    return site.work(*arguments, MAX_RECOVERIES="1", **env)


def child(site: Site, worker: Process) -> int:
    """The process that noted something, which is not the worker."""
    [pid] = set(site.pids())
    assert pid != worker.pid
    return pid


def stopped(worker: Process) -> float:
    began = time.monotonic()
    code = worker.stop(EXIT_SECONDS)
    assert code == 0, worker.output()
    return time.monotonic() - began


def test_a_worker_that_is_asked_to_stop_gives_it_back_after_its_step(site: Site):
    run = on_its_last_attempt(site, "steps", {"wanted": 3})
    worker = work(site, PAUSE="1")
    site.wait(lambda: "begin 1" in site.lines(), "second step")
    pid = child(site, worker)

    assert stopped(worker) < alone.STOP_SECONDS

    assert not is_there(pid)
    run.refresh_from_db()
    assert (run.status, run.owner, run.recoveries) == ("pending", "", 1)
    work(site)
    site.wait_status(run, "success", "error")
    assert (run.status, run.recoveries) == ("success", 1), run.error
    assert site.lines() == [
        f"{word} {n}" for n in range(3) for word in ("begin", "end")
    ]


@pytest.mark.parametrize("graph", ["patient", "deaf"])
def test_it_is_given_back_where_its_step_does_not_end(site: Site, graph: str):
    run = on_its_last_attempt(site, graph, {})
    worker = work(site)
    site.wait(lambda: "waiting" in site.lines(), "node that waits")
    pid = child(site, worker)

    assert stopped(worker) < EXIT_SECONDS

    assert not is_there(pid)
    run.refresh_from_db()
    assert (run.status, run.owner, run.recoveries) == ("pending", "", 1)
    assert f"run {run.pk} of thread {run.thread_id} did not come to" in worker.output()


def test_the_process_of_a_worker_that_was_killed_does_not_stay(site: Site):
    run = on_its_last_attempt(site, "deaf", {})
    worker = work(site)
    site.wait(lambda: "waiting" in site.lines(), "node that waits")
    pid = child(site, worker)

    worker.kill9()

    site.wait(lambda: not is_there(pid), "end of the orphan", 60)
    run.refresh_from_db()
    assert (run.status, run.recoveries) == ("pending", 1)


def test_a_signal_before_it_has_begun_costs_it_nothing(site: Site):
    run = on_its_last_attempt(site, "steps", {"wanted": 1})
    worker = work(site)
    site.wait(lambda: "is carried out alone" in worker.output(), "process for the run")

    assert stopped(worker) < alone.STOP_SECONDS

    run.refresh_from_db()
    assert (run.status, run.recoveries) in {("pending", 1), ("success", 1)}
    assert not [pid for pid in site.pids() if is_there(pid)]
