"""A disk that is full, a file that may not be written: nobody's fault, and over when it is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from durableweb.func import task
from durableweb.graph import START, StateGraph
from tests.storage.conftest import real_transactions
from workflows.models import Checkpoint, Run
from workflows.services import lost_runs, registry
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.start_run import StartRun
from workflows.storage import turns
from workflows.storage.outage import outage

pytestmark = [real_transactions, pytest.mark.rule("RA.15")]

LARGE = "x" * 100_000
write_together = turns.together


class State(TypedDict, total=False):
    text: str


class Disk:
    """The disk under the database, which has room or has not."""

    def __init__(self) -> None:
        self.fill: Callable[[], None] = self._fill
        self.is_full_in = 0
        self.calls = 0
        # What SQLite's connection is told before it writes: it forgets that when it is closed.
        self.told = ""

    def node_writes(self) -> None:
        """Called by the nodes below: the disk is full in the first calls."""
        self.calls += 1
        if self.calls <= self.is_full_in:
            self.fill()

    def _fill(self) -> None:
        if connection.vendor == "sqlite":
            self.told = "PRAGMA max_page_count = 1"  # that is: as many as there are
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';"
                " END $$ LANGUAGE plpgsql;"
                "CREATE TRIGGER no_room BEFORE INSERT ON workflows_pendingwrite"
                " FOR EACH ROW EXECUTE FUNCTION no_room();"
                "CREATE TRIGGER no_room BEFORE INSERT ON workflows_checkpoint"
                " FOR EACH ROW EXECUTE FUNCTION no_room()"
            )

    def clear(self) -> None:
        """Make room again."""
        if connection.vendor == "sqlite":
            self.told = ""
            connection.close()
            return
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION IF EXISTS no_room CASCADE")


@pytest.fixture
def disk(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    before = dict(registry._graphs)
    found = Disk()
    if connection.vendor == "sqlite":  # pages that tests before have left are room
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")

    def together(own: Any, wishes: Any) -> None:
        if found.told:
            own.execute(found.told)
        write_together(own, wishes)

    monkeypatch.setattr(turns, "together", together)
    yield found
    found.clear()
    outage.forget()
    lost_runs._lost.clear()
    registry._graphs.clear()
    registry._graphs.update(before)


def started(node: Callable[[State], State]) -> Run:
    builder = StateGraph(State)
    builder.add_node("write", node)
    builder.add_edge(START, "write")
    registry.register(builder.compile(name="writing"), name="writing")
    person = User.objects.create_superuser("boss")
    return StartRun(person, "writing", {"text": ""}).execute()


def goes_on(run: Run, disk: Disk) -> str:
    """What becomes of the run when there is room again; it has lost no recovery by then."""
    disk.clear()
    recover_runs()
    run.refresh_from_db()
    assert (run.status, run.recoveries) == ("pending", 0)
    Run.objects.update(due_at=timezone.now() - timedelta(seconds=60))
    return execute_run(run.pk)


def test_a_run_that_could_not_be_saved_goes_on_and_loses_no_recovery(
    disk: Disk,
) -> None:
    def write(state: State) -> State:
        disk.node_writes()
        return {"text": LARGE}

    run = started(write)
    disk.is_full_in = 2
    assert execute_run(run.pk) == "lost"
    assert goes_on(run, disk) == "lost"

    assert goes_on(run, disk) == "success"
    assert disk.calls == 3
    steps = Checkpoint.objects.order_by("id").values_list("step", flat=True)
    assert [*steps] == [-1, 0, 1]


def test_so_does_one_whose_task_could_not_be_saved(disk: Disk) -> None:
    @task
    def pack() -> str:
        disk.node_writes()
        return LARGE

    run = started(lambda state: {"text": pack().result()})
    disk.is_full_in = 1
    assert execute_run(run.pk) == "lost"

    assert goes_on(run, disk) == "success"


def test_so_does_one_whose_node_could_not_write_a_row_of_its_own(disk: Disk) -> None:
    def write(state: State) -> State:
        disk.node_writes()
        if disk.calls == 1:
            raise _unwritable()
        return {"text": "written"}

    run = started(write)
    disk.fill = lambda: None
    assert execute_run(run.pk) == "lost"

    assert goes_on(run, disk) == "success"


def _unwritable() -> OperationalError:
    """What Django raises of a driver that says so."""
    if connection.vendor == "sqlite":
        return OperationalError("database or disk is full")
    from psycopg.errors import DiskFull

    error = OperationalError("could not extend file")
    error.__cause__ = DiskFull("could not extend file")
    return error


def test_each_time_it_waits_longer_before_its_step_begins_again(disk: Disk) -> None:
    def write(state: State) -> State:
        raise _unwritable()

    run = started(write)
    waited = []
    for _ in range(9):
        Run.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        assert execute_run(run.pk) == "lost"
        recover_runs()
        run.refresh_from_db()
        waited.append(round((run.due_at - timezone.now()).total_seconds()))

    assert [max(0, each) for each in waited] == [0, 10, 20, 30, 40, 50, 60, 60, 60]


def test_a_file_that_another_process_keeps_locked_costs_no_recovery(
    disk: Disk,
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("needs SQLite: PostgreSQL has no lock of the whole database")
    name: Any = connection.settings_dict["NAME"]
    other = sqlite3.connect(name, isolation_level=None, check_same_thread=False)

    def write(state: State) -> State:
        disk.node_writes()
        if disk.calls == 1:
            disk.told = "PRAGMA busy_timeout = 10"
            other.execute("BEGIN IMMEDIATE")
        return {"text": "written"}

    run = started(write)
    try:
        assert execute_run(run.pk) == "lost"
    finally:
        other.rollback()
        other.close()

    assert goes_on(run, disk) == "success"
