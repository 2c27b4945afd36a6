"""A process that was stopped while it held a lock: who has other things to do goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from workflows.models import Interrupt, Run, Thread
from workflows.services.desk import audit
from workflows.services.desk.steps import take_due_steps
from workflows.services.queueing import lock_thread
from workflows.services.recover_runs import recover_runs
from workflows.storage import connections as storage
from workflows.storage.claims import claim_run
from workflows.storage.connections import connection_of
from workflows.storage.events import append_events
from workflows.storage.leases import keeper
from workflows.storage.outage import is_away

pytestmark = [
    pytest.mark.rule("RA.15"),
    pytest.mark.django_db(transaction=True),
]

LONG_AGO = timedelta(days=1)


@pytest.fixture
def stopped() -> Iterator[psycopg.Connection[Any]]:
    """A connection of a process that was stopped while it held the row of thread "held"."""
    if not settings.IS_POSTGRESQL:
        pytest.skip("needs PostgreSQL: a writer on SQLite holds all of the file")
    Thread.objects.create(id="held", graph="letter")
    Thread.objects.create(id="free", graph="letter")
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    params = {name: given[name] for name in names if given.get(name)}
    with psycopg.connect(**params) as holder:
        holder.execute(
            "SELECT 1 FROM workflows_thread WHERE id = 'held' FOR NO KEY UPDATE"
        )
        yield holder
        holder.rollback()


def at_once(work: Callable[[], object]) -> None:
    """`work` here, but fail where it waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        try:
            work()
        finally:
            cursor.execute("SET lock_timeout = 0")


@pytest.mark.usefixtures("stopped")
class TestASweepPassesBy:
    def test_runs_that_nobody_works_on(self) -> None:
        for thread_id in ("held", "free"):
            Run.objects.create(
                thread_id=thread_id,
                graph="letter",
                kind="start",
                status="running",
                fence=1,
                owner="gone",
                lease_until=timezone.now() - LONG_AGO,
            )

        at_once(recover_runs)

        found = Run.objects.order_by("id").values_list("thread", "status")
        assert [*found] == [("held", "running"), ("free", "pending")]

    def test_runs_whose_time_is_over(self) -> None:
        for thread_id in ("held", "free"):
            Run.objects.create(
                thread_id=thread_id,
                graph="letter",
                kind="start",
                start_by=timezone.now() - LONG_AGO,
            )
            Run.objects.create(
                thread_id=thread_id,
                graph="letter",
                kind="start",
                status="running",
                lease_until=timezone.now() + LONG_AGO,
                deadline=timezone.now() - LONG_AGO,
            )

        at_once(recover_runs)

        free = Run.objects.filter(thread="free").values_list("status", flat=True)
        assert set(free) == {"timeout"}

    def test_questions_that_wait_too_long(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        for thread_id in ("held", "free"):
            run = Run.objects.create(
                thread_id=thread_id, kind="start", status="interrupted"
            )
            Interrupt.objects.create(
                thread_id=thread_id,
                run=run,
                graph="letter",
                interrupt_id=thread_id,
                policy='{"timeout": 60, "timeout_action": "fail"}',
                value='"Send it?"',
                asked_at=timezone.now() - LONG_AGO,
                next_step_at=timezone.now() - LONG_AGO / 2,
            )

        at_once(take_due_steps)

        assert "could not be taken" not in caplog.text

        found = Interrupt.objects.order_by("id").values_list("thread", flat=True)
        assert [*found.filter(next_step_at=None)] == ["free"]


def claim() -> None:
    run = Run.objects.create(thread_id="row", graph="letter", kind="start")
    assert claim_run(run.pk, "me")
    keeper.drop("default", run.pk)


@pytest.mark.parametrize(
    "lock",
    [
        lambda: lock_thread("row"),
        lambda: storage.lock_thread(connection_of("default"), "row"),
        lambda: append_events("default", "row", None, [("custom", {})]),
        lambda: audit.record(None, "test"),
        claim,
    ],
    ids=["service", "storage", "event", "audit", "claim"],
)
def test_the_server_lets_a_lock_go_that_its_holder_does_nothing_with(
    lock: Callable[[], object],
) -> None:
    if not settings.IS_POSTGRESQL:
        pytest.skip("needs PostgreSQL: SQLite's holder is a process of this machine")
    Thread.objects.create(id="row", graph="letter")

    with transaction.atomic(), connection.cursor() as cursor:
        lock()
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)

    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)


def test_whoever_was_stopped_so_long_meets_an_outage_and_goes_on() -> None:
    if not settings.IS_POSTGRESQL:
        pytest.skip("needs PostgreSQL: SQLite's holder is a process of this machine")
    Thread.objects.create(id="row", graph="letter")

    def be_stopped() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            lock_thread("row")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
            time.sleep(0.5)
            Thread.objects.update(title="late")

    with pytest.raises(Error) as caught:
        be_stopped()

    assert is_away(caught.value)
    connection.close_if_unusable_or_obsolete()
    assert Thread.objects.get().title == ""
