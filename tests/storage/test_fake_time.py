"""The database's clock under one that a test moves (RB.17)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.models.functions import Now
from django.utils import timezone

import workflows
from durableweb.checkpoint.django import DjangoSaver
from durableweb.durable import fake_clock, now, sleep
from durableweb.errors import ThreadBusyError
from durableweb.types import interrupt
from tests.engine.support.clocks import CONFIG, State, graph_of
from tests.storage.conftest import real_transactions
from workflows.models import Event, Interrupt, Run, Thread
from workflows.storage.claims import DatabaseNow, claim_run, due_runs
from workflows.storage.clock import database_now, machine_now
from workflows.storage.clock_jumps import ClockWatch, notice_jumps
from workflows.storage.connections import NOW_SQL, connection_of, execute
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper

pytestmark = [real_transactions, pytest.mark.rule("RB.17")]

DAY = timedelta(days=1)
SOON = timedelta(minutes=1)
on_sqlite = pytest.mark.skipif(
    "settings.IS_POSTGRESQL",
    reason="is about SQLite",
)


def is_about(found: Any, wanted: datetime) -> bool:
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if timezone.is_naive(found):
        found = found.replace(tzinfo=timezone.get_default_timezone())
    return abs(found - wanted) < SOON


def told_by_the_database() -> dict[str, Any]:
    """What each way of asking for the time says."""
    wrapper = connection_of("default")
    sql = f"SELECT {NOW_SQL[wrapper.vendor]}"
    Thread.objects.get_or_create(pk="t")
    rows = Thread.objects.annotate(statement=Now(), clock=DatabaseNow()).filter(pk="t")
    told = rows.get()
    (in_parts,) = rows.iterator(chunk_size=1)
    return {
        "a cursor of the server": in_parts.statement,
        "a statement": execute(wrapper, sql).fetchone()[0],
        "an expression": told.statement,
        "the clock": told.clock,
        "the engine": DjangoSaver().now(),
        "the services": database_now(),
        "the machine": machine_now(),
    }


@pytest.fixture
def thread() -> Thread:
    return Thread.objects.create(pk="t")


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """Calls a function in another thread, always the same one."""
    given: list[Any] = []
    found: list[Any] = []
    asked, done = threading.Semaphore(0), threading.Semaphore(0)

    def serve() -> None:
        try:
            while asked.acquire() and (call := given.pop()) is not None:
                found.append(call())
                done.release()
        finally:
            connections.close_all()

    thread = threading.Thread(target=serve)
    thread.start()

    def ask(call: Any) -> Any:
        given.append(call)
        asked.release()
        assert done.acquire(timeout=60)
        return found.pop()

    yield ask
    given.append(None)
    asked.release()
    thread.join()


# Each is of something that a test does not move.
OWN_CLOCKS = {
    "engine/ids.py",  # the engine's clock itself
    "live/identity.py",  # Django's sessions
    "services/schedules/cron.py",  # whether an instant is ever to come
    "storage/clock.py",  # the clock of everything else
    "storage/clock_jumps.py",  # whether the real one was set
    "web/signed_in.py",  # Django's sessions
}


def test_nobody_else_has_a_clock_of_his_own():
    house = Path(workflows.__file__).parent
    asks = re.compile(
        r"\btimezone\.now\(\)|\bdatetime\.(?:utc)?now\(UTC|\btime\.time\b"
    )

    found = {
        path.relative_to(house).as_posix()
        for path in house.rglob("*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    }

    assert found == OWN_CLOCKS


class TestTheDatabase:
    def test_whoever_asks_is_told_the_same(self) -> None:
        with fake_clock() as clock:
            told_by_the_database()
            ahead = clock.advance(days=400)

            wrong = {
                who: found
                for who, found in told_by_the_database().items()
                if not is_about(found, ahead)
            }

        assert wrong == {}

    def test_a_connection_of_another_thread_goes_along(self, elsewhere: Any) -> None:
        elsewhere(told_by_the_database)

        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            told = elsewhere(told_by_the_database)

            def ask_newly() -> None:
                told["a new one"] = database_now()
                connections.close_all()

            new = threading.Thread(target=ask_newly)
            new.start()
            new.join()

        assert [who for who in told if not is_about(told[who], ahead)] == []

    def test_a_text_that_speaks_of_the_time_stays_as_it_is(self) -> None:
        sql = "SELECT 'it''s now()' -- that's now()\n"

        with fake_clock() as clock:
            clock.advance(DAY)
            found = execute(connection_of("default"), sql).fetchone()

        assert found == ("it's now()",)

    def test_afterwards_it_is_the_present_again(self, elsewhere: Any) -> None:
        elsewhere(told_by_the_database)
        with fake_clock() as clock:
            clock.advance(DAY)
            told_by_the_database()
            elsewhere(told_by_the_database)

        for told in (told_by_the_database(), elsewhere(told_by_the_database)):
            present = timezone.now()
            assert [who for who in told if not is_about(told[who], present)] == []
        if settings.IS_POSTGRESQL:
            assert not hasattr(connection.connection.cursor_factory, "unmoved")

    @on_sqlite
    def test_triggers_and_defaults_of_columns_go_along(self) -> None:
        graph = graph_of(DjangoSaver(), node=lambda state: {"note": "done"})
        graph.invoke({"log": []}, CONFIG)  # whose connection has the trigger now

        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            graph.invoke({"log": []}, CONFIG)

        last = Event.objects.latest("pk")
        assert is_about(last.created_at, ahead)
        assert last.run is not None
        assert is_about(last.run.finished_at, ahead)

    @on_sqlite
    def test_a_statement_that_has_not_ended_is_told_of(self) -> None:
        connection.close()
        connection.ensure_connection()
        cursor = connection.connection.execute("SELECT 1 UNION SELECT 2")

        with pytest.raises(RuntimeError, match="a statement of database 'default' has"):
            fake_clock().__enter__()

        cursor.close()
        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            assert is_about(database_now(), ahead)

    @on_sqlite
    def test_a_statement_of_another_thread_that_calls_python_goes_on(self) -> None:
        calling, stop = threading.Event(), threading.Event()

        def same(value: int) -> int:
            calling.set()
            return value

        def work() -> None:
            connection.ensure_connection()
            connection.connection.create_function("same", 1, same)
            sql = (
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 500)"
                " SELECT sum(same(i)) FROM n"
            )
            while not stop.is_set():
                execute(connection_of("default"), sql).fetchall()
            told.update(told_by_the_database())
            connections.close_all()

        told: dict[str, Any] = {}
        thread = threading.Thread(target=work)
        thread.start()
        assert calling.wait(60)
        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            stop.set()
            thread.join()

        assert [who for who in told if not is_about(told[who], ahead)] == []

    @on_sqlite
    def test_a_thread_that_reads_rows_goes_along_when_it_has_read_them(
        self, elsewhere: Any
    ) -> None:
        def begin() -> Any:
            connection.close()
            connection.ensure_connection()
            return connection.connection.execute("SELECT 1 UNION SELECT 2")

        cursor = elsewhere(begin)

        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            assert elsewhere(cursor.fetchall) == [(1,), (2,)]
            told = elsewhere(told_by_the_database)

        assert [who for who in told if not is_about(told[who], ahead)] == []

    def test_a_connection_that_was_not_used_meanwhile_is_as_it_was(
        self, elsewhere: Any
    ) -> None:
        elsewhere(told_by_the_database)
        before = elsewhere(lambda: connection.connection)

        with fake_clock() as clock:
            clock.advance(DAY)

        assert elsewhere(lambda: connection.connection) is before


class TestWhatGoesByIt:
    def test_a_thread_that_sleeps(self) -> None:
        graph = graph_of(DjangoSaver(), nap=lambda _: {"log": [now(), sleep(3600)]})

        with fake_clock() as clock:
            begun = clock.advance(DAY)
            graph.invoke({"log": []}, CONFIG)
            clock.advance(minutes=59)
            assert graph.invoke(None, CONFIG) == {"log": []}
            clock.advance(minutes=1)
            asked, slept = graph.invoke(None, CONFIG)["log"]

        assert slept is True
        assert is_about(asked, begun)

    def test_since_when_a_question_is_asked(self) -> None:
        def ask(state: State) -> State:
            return {"note": interrupt("Well?")}

        with fake_clock() as clock:
            ahead = clock.advance(DAY)
            graph_of(DjangoSaver(), ask=ask).invoke({"log": []}, CONFIG)

        assert is_about(Interrupt.objects.get().asked_at, ahead)

    def test_a_run_that_is_not_due_yet(self, thread: Thread) -> None:
        run = Run.objects.create(
            thread=thread, kind="start", due_at=database_now() + DAY
        )

        with fake_clock() as clock:
            clock.advance(hours=23)
            assert due_runs() == []
            clock.advance(hours=1, seconds=1)
            assert due_runs() == [run.pk]

    def test_a_lease(self, thread: Thread) -> None:
        run = Run.objects.create(thread=thread, kind="start")

        with fake_clock() as clock:
            assert claim_run(run.pk, "somebody#1")
            keeper.clear()
            assert release_dead_leases() == []
            clock.advance(minutes=1)

            assert release_dead_leases() == [run.pk]

    def test_a_direct_run_whose_process_is_gone(self) -> None:
        with fake_clock() as clock:
            left = DjangoSaver().open("t", None)
            keeper.clear()
            with pytest.raises(ThreadBusyError):
                DjangoSaver().open("t", None)
            clock.advance(minutes=1)
            place = DjangoSaver().open("t", None)
            DjangoSaver().close(place)

        assert Run.objects.get(pk=left.run_id).reason == "abandoned"

    def test_it_is_not_taken_for_a_clock_that_was_set(self) -> None:
        watch = ClockWatch()
        notice_jumps(watch=watch)

        with fake_clock() as clock:
            clock.advance(DAY)
            assert notice_jumps(watch=watch) == 0.0

        assert notice_jumps(watch=watch) == 0.0
