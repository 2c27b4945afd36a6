"""Room in the write-ahead log: made once, whole, and never in anybody's way."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workflows.storage import log_room
from workflows.storage.file.tables import connect, prepare
from workflows.storage.log_room import EVERY, FIRST, LogRoom
from workflows.storage.turns import Turns, Wish

LOG_BYTES = 1000 * 4096
PATIENCE_MS = 20_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "threads.sqlite3"


@pytest.fixture
def connection(path):
    made = connect(path)
    prepare(made)
    made.execute("CREATE TABLE note (number INTEGER)")
    yield made
    made.close()


def log_size(path: Path) -> int:
    return os.stat(f"{path}-wal").st_size


def write(turns: Turns, connection: sqlite3.Connection, times: int) -> None:
    def rows(connection):
        connection.execute("INSERT INTO note VALUES (1)")
        return 1

    for _ in range(times):
        turns.write(connection, Wish(rows, relaxed=False, is_one_statement=True))


def count(path: Path) -> int:
    other = connect(path)
    (number,) = other.execute("SELECT count(*) FROM note").fetchone()
    other.close()
    return number


def value(connection: sqlite3.Connection, pragma: str) -> Any:
    return connection.execute(f"PRAGMA {pragma}").fetchone()[0]


def test_who_writes_little_makes_no_room(path, connection):
    write(Turns(LogRoom()), connection, FIRST - 1)

    assert log_size(path) < LOG_BYTES / 10


def test_who_writes_more_has_it_once(path, connection):
    turns = Turns(LogRoom())
    before = value(connection, "cache_size"), value(connection, "busy_timeout")
    write(turns, connection, FIRST)
    made = log_size(path)
    write(turns, connection, 3)

    assert log_size(path) == made >= LOG_BYTES
    assert (
        value(connection, "cache_size"),
        value(connection, "busy_timeout"),
    ) == before
    assert before[1] == PATIENCE_MS
    assert count(path) == FIRST + 3
    assert value(connection, "integrity_check") == "ok"
    names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("durableweb_room",) not in names
    assert path.stat().st_size < LOG_BYTES / 10


def test_a_log_that_was_removed_meanwhile_gets_it_again(path, connection):
    turns = Turns(LogRoom())
    write(turns, connection, FIRST)
    connection.close()  # the last one that has the file open removes the log
    assert not Path(f"{path}-wal").exists()
    again = connect(path)
    prepare(again)

    write(turns, again, EVERY - FIRST)

    assert log_size(path) >= LOG_BYTES
    again.close()


def test_wishes_written_together_count_each(path, connection):
    room = LogRoom()
    room.note(connection, FIRST - 1)
    room.note(connection, 5)

    assert log_size(path) >= LOG_BYTES


@pytest.mark.parametrize(
    "setting", ["journal_size_limit=1000000", "wal_autocheckpoint=0"]
)
def test_a_log_that_is_to_stay_short_or_is_looked_after_is_left(
    path, connection, setting
):
    connection.execute(f"PRAGMA {setting}").fetchall()

    write(Turns(LogRoom()), connection, FIRST)

    assert log_size(path) < LOG_BYTES / 10


def test_a_database_in_memory_has_no_log():
    with closing(connect(":memory:")) as connection:
        connection.execute("CREATE TABLE note (number INTEGER)")

        write(Turns(LogRoom()), connection, FIRST)


def test_another_writer_is_not_waited_for(path, connection):
    room = LogRoom()
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")

    room.note(connection, FIRST)

    assert log_size(path) < LOG_BYTES / 10
    assert value(connection, "busy_timeout") == PATIENCE_MS
    other.execute("ROLLBACK")
    other.close()
    write(Turns(LogRoom()), connection, 1)


def test_on_a_full_disk_all_goes_on_without_it(path, connection):
    connection.execute(f"PRAGMA max_page_count={value(connection, 'page_count') + 20}")
    turns = Turns(LogRoom())

    write(turns, connection, FIRST + 1)

    assert count(path) == FIRST + 1
    assert not connection.in_transaction
    assert value(connection, "cache_size") != log_room._CACHE_PAGES
