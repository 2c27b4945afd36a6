"""A database that is away is a pause for a worker: it waits, says so once, and goes on soon after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from tests.acceptance.line import Line
from tests.worker.conftest import Site

pytestmark = [
    pytest.mark.rule("RA.15"),
    pytest.mark.usefixtures("only_postgresql"),
]

# Longer than the queue's pool tries quickly.
AWAY_SECONDS = 17
SOON_SECONDS = 10


@pytest.fixture
def line(site: Site) -> Iterator[Line]:
    port = urlsplit(site.url).port or 5432
    found = Line(port, host=urlsplit(site.url).hostname or "127.0.0.1")
    yield found
    found.close()


@pytest.fixture
def far(site: Site, line: Line) -> Site:
    """The same site, whose workers reach the database by way of `line`."""
    parts = urlsplit(site.url)
    login = parts.netloc.rpartition("@")[0]
    place = f"{login}@{urlsplit(line.url).netloc}"
    return replace(site, url=urlunsplit(parts._replace(netloc=place)))


def test_a_worker_that_starts_in_an_outage_works_soon_after_it(
    far: Site, line: Line
) -> None:
    line.cut()
    worker = far.work("--no-supervise")
    run = far.start("steps", {"wanted": 1})
    far.wait(lambda: "waiting for the database" in worker.output(), "word of the wait")
    time.sleep(AWAY_SECONDS)
    assert worker.is_running()

    line.mend()
    assert far.wait_status(run, "success") < SOON_SECONDS
    assert worker.output().count("waiting for the database") == 1
    assert "Traceback" not in worker.output()


def test_a_run_that_an_outage_meets_goes_on_soon_after_it(
    far: Site, line: Line
) -> None:
    worker = far.work(PAUSE="0.5")
    run = far.start("steps", {"wanted": 4})
    far.wait(lambda: "end 1" in far.lines(), "second step")
    line.cut()
    time.sleep(AWAY_SECONDS)

    line.mend()
    assert far.wait_status(run, "success", "error") < SOON_SECONDS
    assert (run.status, run.recoveries) == ("success", 0)
    assert worker.output().count("the database does not answer; runs wait") == 1
    assert len(set(far.pids())) == 1
    assert worker.output().count("nothing can be sent") == 1


def test_a_worker_that_no_longer_hears_takes_what_comes_beside_a_long_node(
    site: Site,
) -> None:
    worker = site.work("--no-supervise")
    site.start("patient", {"wanted": 1})
    site.wait(lambda: "waiting" in site.lines(), "node that waits")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%procrastinate%'"
        )
        assert cursor.fetchone() == (1,)
    # Long enough for the worker to have met it.
    time.sleep(2)

    run = site.start("steps", {"wanted": 1})
    assert site.wait_status(run, "success", seconds=60) < SOON_SECONDS
    assert worker.is_running()
    worker.kill9()  # its node would let it wait


def test_a_worker_that_was_struck_off_while_it_was_silent_works_on(site: Site) -> None:
    from workflows.worker.procrastinate import ProcrastinateQueue

    worker = site.work("--no-supervise")
    site.start("patient", {"wanted": 1})
    site.wait(lambda: "waiting" in site.lines(), "node that waits")

    with connection.cursor() as cursor:
        # As another worker does when it starts.
        cursor.execute("SELECT procrastinate_prune_stalled_workers_v1(-1)")
        assert cursor.fetchall()
    run = site.start("steps", {"wanted": 1})

    assert site.wait_status(run, "success", seconds=60) < SOON_SECONDS
    assert ProcrastinateQueue().has_worker()
    assert worker.is_running()
    assert "Traceback" not in worker.output()
    worker.kill9()  # its node would let it wait
