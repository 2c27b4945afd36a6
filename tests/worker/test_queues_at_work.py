"""Worker processes keep to the limits of queues, and lose nobody who waits (RB.9)."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate

import pytest
from django.db import connection

from tests.worker.conftest import Site
from workflows.models import Run
from workflows.services.start_run import StartRun


def started(site: Site, queue: str) -> Run:
    return StartRun(site.person, "steps", {"wanted": 1}, queue=queue).execute()


@pytest.mark.rule("RB.9")
def test_two_processes_begin_no_more_than_the_queues_allow(site: Site):
    narrow = [started(site, "narrow") for _ in range(8)]
    seldom = [started(site, "seldom") for _ in range(5)]
    for _ in range(1 if connection.vendor == "sqlite" else 2):
        site.work(PAUSE="0.05")

    for run in (*narrow, *seldom):
        site.wait_status(run, "success")

    begun = Run.objects.filter(queue="narrow").values_list("started_at", "finished_at")
    edges = [
        (at, step) for pair in begun for at, step in zip(pair, (1, -1), strict=True)
    ]
    assert max(accumulate(step for _, step in sorted(edges))) <= 2
    starts = sorted(
        Run.objects.filter(queue="seldom").values_list("admitted_at", flat=True)
    )
    apart = [third - first for first, third in zip(starts, starts[2:], strict=False)]
    assert min(apart) >= timedelta(seconds=1)
