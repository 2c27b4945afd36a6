"""A transactional task whose connection ends while its body runs: nothing of it is there, and it has not failed (RB.7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import Error, connection

from durableweb.durable import compensate
from durableweb.func import entrypoint, task
from durableweb.types import RetryPolicy
from tests.storage.conftest import real_transactions
from tests.storage.other_processes import database_url
from tests.storage.transacted import CONFIG, ran, rows
from workflows.models import Run
from workflows.services import registry
from workflows.services.execute_run import LOST, execute_run
from workflows.services.start_run import start_thread
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.outage import outage
from workflows.storage.saver import DjangoSaver

pytestmark = [
    real_transactions,
    pytest.mark.rule("RB.7"),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="has no connections"),
]
PATIENT = RetryPolicy(initial_interval=0.001, retry_on=Exception)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    ran.clear()
    yield
    keeper.clear()


@pytest.fixture
def worker_flow() -> Iterator[None]:
    before = dict(registry._graphs)
    registry.register(flow_of(losing(False, None)), name="losing")
    yield
    registry._graphs.clear()
    registry._graphs.update(before)


def undo(name: str) -> None:
    ran.append(f"undo {name}")


def end_connection() -> None:
    """What a server does that is told to, or a pooler that starts anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def losing(swallows: bool, policy: RetryPolicy | None) -> Any:
    """A task whose connection ends the first time; it may go on as if it had not."""

    @task(transactional=True, retry_policy=policy)
    def work(name: str) -> str:
        ran.append("work")
        Group.objects.create(name=name)
        if ran == ["work"]:
            end_connection()
            with suppress(Error) if swallows else nullcontext():
                Group.objects.create(name=f"{name} again")
        return name

    return work


def flow_of(work: Any) -> Any:
    """What would undo, and go on with whatever the task fails with."""

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        compensate(undo, name)
        try:
            found: str = work(name).result()
        except ValueError:
            return "caught"
        return found

    return flow


@pytest.mark.parametrize("swallows", [False, True])
def test_the_run_ends_without_a_failure_and_whoever_goes_on_runs_it(
    swallows: bool,
) -> None:
    flow = flow_of(losing(swallows, None))

    with pytest.raises(Error):
        flow.invoke("ida", CONFIG)
    assert (ran, rows()) == (["work"], [])

    assert flow.invoke(None, CONFIG) == "ida"
    assert (ran, rows()) == (["work", "work"], ["ida"])


def test_it_is_tried_again_where_its_policy_says_so() -> None:
    assert flow_of(losing(False, PATIENT)).invoke("ida", CONFIG) == "ida"
    assert (ran, rows()) == (["work", "work"], ["ida"])


@pytest.mark.usefixtures("worker_flow")
def test_a_worker_that_met_it_goes_on() -> None:
    run = start_thread("losing", "ida", thread_id="t")

    assert execute_run(run.run_id) == LOST
    Run.objects.update(lease_until="2020-01-01T00:00Z")
    outage.forget()
    assert release_dead_leases() == [run.run_id]

    assert execute_run(run.run_id) == "success"
    assert (ran, rows()) == (["work", "work"], ["ida"])


def test_what_the_body_closes_itself_is_its_failure() -> None:
    @task(transactional=True, retry_policy=PATIENT)
    def work(name: str) -> str:
        ran.append("work")
        Group.objects.create(name=name)
        if ran == ["work"]:
            connection.close()
        return name

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        found: str = work(name).result()
        return found

    assert flow.invoke("ida", CONFIG) == "ida"
    assert (ran, rows()) == (["work", "work"], ["ida"])
