"""What /healthz says, and that it neither writes nor waits for whoever writes."""

import os
import sqlite3
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from tests.web.conftest import ask, decision_form
from workflows.services import away as log_of_outages
from workflows.services import writable
from workflows.services.writable import last_refusal
from workflows.storage.outage import BROKEN, FULL, LOCKED, READ_ONLY

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_was_refused() -> Iterator[None]:
    last_refusal.forget()
    log_of_outages.seldom.forget()
    yield
    last_refusal.forget()
    log_of_outages.seldom.forget()


def told(client: Client) -> tuple[int, str]:
    answer = client.get("/healthz")
    return answer.status_code, answer.content.decode().strip()


def refused(sqlite: str, state: str) -> DatabaseError:
    """What Django raises of a driver that cannot write."""
    if connection.vendor == "sqlite":
        return OperationalError(sqlite)
    error = OperationalError("no")
    error.__cause__ = RuntimeError("no")
    error.__cause__.sqlstate = state  # type: ignore[attr-defined]
    return error


def refuse_to_write(error: Exception) -> Any:
    def execute(go_on: Any, sql: str, *given: Any) -> Any:
        if sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            raise error
        return go_on(sql, *given)

    return connection.execute_wrapper(execute)


def test_it_is_well_where_all_is_well(client):
    assert told(client) == (200, "ok")


def test_it_neither_writes_nor_opens_a_transaction(client, django_assert_num_queries):
    statements = 1 if connection.vendor == "postgresql" else 2
    with django_assert_num_queries(statements) as ran:
        told(client)
    assert all(q["sql"].startswith(("SELECT", "PRAGMA")) for q in ran.captured_queries)


@pytest.mark.parametrize(
    ("sqlite", "state", "why"),
    [
        ("database or disk is full", "53100", FULL),
        ("attempt to write a readonly database", "25006", READ_ONLY),
        ("disk I/O error", "58030", BROKEN),
    ],
)
def test_what_a_page_could_not_write_is_told_for_a_while(
    as_, thread, monkeypatch, sqlite, state, why
):
    client = as_("reviewer")
    client.raise_request_exception = False
    question = ask(thread)
    with refuse_to_write(refused(sqlite, state)):
        sent = client.post(
            f"/review/{question.pk}/decision", decision_form(question, "approve")
        )
    assert sent.status_code == 503

    assert told(Client()) == (503, f"database cannot be written: {why}")
    monkeypatch.setattr(writable, "BELIEVED_SECONDS", 0)
    assert told(Client()) == (200, "ok")


def test_a_lock_is_over_soon_and_tells_nothing(client):
    last_refusal.note(OperationalError("database is locked"))
    assert told(client) == (200, "ok")


def test_it_says_that_the_database_is_away(client):
    def refuse(*args: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        assert told(client) == (503, "database unreachable")


def test_a_standby_is_told_before_anybody_wants_to_write(client):
    if connection.vendor == "sqlite":
        pytest.skip("needs PostgreSQL: SQLite has no standby")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            assert told(client) == (503, f"database cannot be written: {READ_ONLY}")
        finally:
            cursor.execute("SET default_transaction_read_only = off")


class TestTheFile:
    @pytest.fixture(autouse=True)
    def file(self, tmp_path, monkeypatch) -> str:
        if connection.vendor != "sqlite":
            pytest.skip("needs SQLite: the disk of PostgreSQL is its server's")
        path = tmp_path / "db.sqlite3"
        path.touch()
        see = writable._why_not
        monkeypatch.setattr(writable, "_why_not", lambda _: see(str(path)))
        return str(path)

    def test_a_disk_without_room_is_told_before_anybody_wants_to_write(
        self, client, monkeypatch
    ):
        room = SimpleNamespace(f_bavail=1023, f_frsize=4096)
        monkeypatch.setattr(os, "statvfs", lambda _: room)
        assert told(client) == (503, f"database cannot be written: {FULL}")
        room.f_bavail = 1024
        assert told(client) == (200, "ok")

    def test_so_is_a_file_or_a_folder_that_may_not_be_written(
        self, client, monkeypatch, file
    ):
        for which in (file, os.path.dirname(file)):
            may = os.access
            monkeypatch.setattr(
                os,
                "access",
                lambda path, mode, which=which: str(path) != which,
            )
            assert told(client) == (503, f"database cannot be written: {READ_ONLY}")
            monkeypatch.setattr(os, "access", may)
        assert told(client) == (200, "ok")

    def test_whoever_writes_does_not_hold_it_up(self, client):
        name: Any = connection.settings_dict["NAME"]
        if "memory" in str(name):
            pytest.skip("needs a file")
        other = sqlite3.connect(name, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            assert told(client) == (200, "ok")
        finally:
            other.rollback()
            other.close()


class TestTheLog:
    """One line that says what to do, once a minute."""

    @pytest.fixture
    def away(self) -> Iterator[None]:
        def refuse(*args: Any) -> None:
            raise OperationalError("connection refused\nIs the server running?")

        with connection.execute_wrapper(refuse):
            yield

    @pytest.fixture
    def client(self, as_) -> Client:
        client = as_("reviewer")
        client.raise_request_exception = False
        return client

    def test_an_outage_is_one_line_for_all_who_meet_it(self, client, caplog, away):
        for path in ["/queue/", "/runs/", "/healthz"] * 4:
            assert client.get(path).status_code == 503

        [line] = [each for each in caplog.records if each.levelname == "ERROR"]
        assert line.getMessage() == (
            "503 for GET workflows:queue: The database does not answer. (connection refused)"
            " To do: see that its server runs, and that DATABASE_URL leads to it."
            " Nothing was changed, and the site goes on by itself."
        )
        assert line.exc_info is None

    def test_each_minute_says_how_many_there_were(
        self, client, caplog, away, monkeypatch
    ):
        for _ in range(4):
            client.get("/queue/")
        monkeypatch.setattr(log_of_outages.seldom, "_pause_seconds", 0)
        client.get("/queue/")
        assert caplog.messages[-1].endswith("(and 3 more since it was last said)")

    def test_the_traceback_is_there_for_whoever_looks_closely(
        self, client, caplog, away
    ):
        with caplog.at_level("DEBUG", logger="workflows.services.away"):
            client.get("/queue/")
        assert caplog.records[-1].levelname == "DEBUG"
        assert caplog.records[-1].exc_info

    def test_another_trouble_is_another_line_and_names_no_secret_path(self, rf, caplog):
        request = rf.get("/link/hush-hush/")
        request.resolver_match = resolve("/link/hush-hush/")
        for why in ("", FULL, FULL, READ_ONLY, LOCKED, BROKEN):
            log_of_outages.tell(request, HttpResponse(status=503), why)

        assert len(caplog.messages) == 5
        assert caplog.messages[1].startswith(
            "503 for GET workflows:approval_link: The disk of the database is full."
            " To do: make room on the disk of the database."
        )
        assert "hush" not in caplog.text
