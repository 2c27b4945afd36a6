"""Writers of one process on one SQLite file take turns and save together (`storage/turns.py`)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workflows.storage import turns
from workflows.storage.turns import Turns, Wish

SOON = 60.0
"""Seconds in which a thread that was called must have gone on."""


class File:
    """A file with a table of unique numbers, its turns, and the statements that ran on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turns = Turns()
        self.ran: list[str] = []
        self.connections: list[sqlite3.Connection] = []
        connection = self.connect()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE pointing (to_number INTEGER REFERENCES kept"
            " DEFERRABLE INITIALLY DEFERRED)"
        )
        self.ran.clear()

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False
        )
        self.connections.append(connection)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.set_trace_callback(self.ran.append)
        return connection

    def kept(self) -> list[int]:
        kept = self.connect().execute("SELECT number FROM kept")
        return [each for (each,) in kept]

    def waiting(self) -> int:
        return len(self.turns._waiting) + self.turns._is_led

    def commits(self) -> int:
        return self.ran.count("COMMIT")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    made = File(tmp_path / "turns.sqlite3")
    yield made
    for connection in made.connections:
        connection.close()


def keep(number: int) -> Callable[[Any], int | None]:
    """Statements that keep `number`."""

    def rows(connection: Any) -> int:
        connection.execute("INSERT INTO kept VALUES (?)", (number,))
        return number

    return rows


class Writers:
    """Threads that each want something written while the turn is held."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.threads: list[threading.Thread] = []
        self.ended: dict[int, Any] = {}

    def start(self, rows: Callable[[Any], int | None]) -> None:
        """Start one more, and return when it waits."""
        number = len(self.threads)
        connection = self.file.connect

        def write() -> None:
            try:
                self.ended[number] = self.file.turns.write(
                    connection(), Wish(rows, relaxed=False)
                )
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.ended[number] = error

        thread = threading.Thread(target=write, daemon=True)
        self.threads.append(thread)
        thread.start()
        while self.file.waiting() <= number and thread.is_alive():
            thread.join(0.005)

    def join(self) -> list[Any]:
        """What came of each, in the order they were started."""
        for thread in self.threads:
            thread.join(SOON)
            assert not thread.is_alive()
        return [self.ended[number] for number in range(len(self.threads))]


def written_together(file: File, *each: Callable[[Any], int | None]) -> list[Any]:
    writers = Writers(file)
    assert file.turns.take()
    for rows in each:
        writers.start(rows)
    assert file.kept() == []
    file.turns.give_back()
    return writers.join()


def test_all_who_wait_are_written_in_one_transaction(file: File) -> None:
    assert written_together(file, *map(keep, range(5))) == [0, 1, 2, 3, 4]
    assert file.kept() == [0, 1, 2, 3, 4]
    assert file.commits() == 1
    assert "PRAGMA synchronous=NORMAL" not in file.ran


def test_one_that_is_refused_and_one_that_fails_are_undone_alone(file: File) -> None:
    def refused(connection: Any) -> None:
        connection.execute("INSERT INTO kept VALUES (10)")

    def failing(connection: Any) -> None:
        connection.execute("INSERT INTO kept VALUES (11)")
        raise LookupError("nothing here")

    first, none, failed, last = written_together(
        file, keep(1), refused, failing, keep(2)
    )
    assert (first, none, last) == (1, None, 2)
    assert isinstance(failed, LookupError)
    assert file.kept() == [1, 2]


def test_what_the_end_of_the_transaction_finds_is_told_to_its_own_thread(
    file: File,
) -> None:
    def astray(connection: Any) -> int:
        connection.execute("INSERT INTO pointing VALUES (404)")
        return 404

    first, failed, last = written_together(file, keep(1), astray, keep(2))
    assert (first, last) == (1, 2)
    assert isinstance(failed, sqlite3.IntegrityError)
    assert file.kept() == [1, 2]


def test_a_file_that_another_process_holds_is_told_to_all(file: File) -> None:
    other = file.connect()
    other.execute("BEGIN IMMEDIATE")
    connect = file.connect
    file.connect = lambda: quick(connect())  # type: ignore[method-assign]

    def quick(connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("PRAGMA busy_timeout=50")
        return connection

    both = written_together(file, keep(1), keep(2))
    assert [str(each) for each in both] == ["database is locked"] * 2
    assert both[0] is not both[1]
    other.execute("ROLLBACK")
    assert file.turns.write(file.connect(), Wish(keep(3), relaxed=False)) == 3


def test_a_leader_that_is_stopped_does_not_stop_the_others(file: File) -> None:
    def stopped(connection: Any) -> None:
        raise KeyboardInterrupt

    first, second = written_together(file, stopped, keep(2))
    assert isinstance(first, KeyboardInterrupt)
    assert isinstance(second, sqlite3.OperationalError)
    assert "nothing was written" in str(second)
    assert file.kept() == []
    assert file.turns.write(file.connect(), Wish(keep(3), relaxed=False)) == 3


def test_a_turn_that_does_not_come_is_an_error_and_leaves_nothing_behind(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    writers = Writers(file)
    assert file.turns.take()
    writers.start(keep(1))
    (error,) = writers.join()
    assert isinstance(error, sqlite3.OperationalError)
    assert "another thread of this process" in str(error)
    file.turns.give_back()
    assert file.waiting() == 0
    assert file.turns.write(file.connect(), Wish(keep(2), relaxed=False)) == 2
    assert file.kept() == [2]


def several(*each: Callable[[Any], int | None]) -> list[Wish]:
    return [Wish(rows, relaxed=False) for rows in each]


def test_several_wishes_of_one_thread_are_one_transaction(file: File) -> None:
    def refused(connection: Any) -> None:
        connection.execute("INSERT INTO kept VALUES (10)")

    wishes = several(keep(1), refused, keep(1), keep(2))

    file.turns.write_all(file.connect(), wishes)

    assert [wish.seq for wish in wishes] == [1, None, None, 2]
    assert [type(wish.error) for wish in wishes if wish.error] == [
        sqlite3.IntegrityError
    ]
    assert file.kept() == [1, 2]
    assert file.commits() == 1


def test_several_wishes_of_one_thread_go_with_those_of_others(file: File) -> None:
    writers = Writers(file)
    mine = several(keep(11), keep(12), keep(13))
    assert file.turns.take()
    writers.start(keep(1))
    writers.start(keep(2))
    connection = file.connect()
    thread = threading.Thread(target=file.turns.write_all, args=(connection, mine))
    thread.start()
    while file.waiting() < 5:
        thread.join(0.005)
    file.turns.give_back()
    assert writers.join() == [1, 2]
    thread.join(SOON)

    assert [wish.seq for wish in mine] == [11, 12, 13]
    assert all(wish.is_done for wish in mine)
    assert file.kept() == [1, 2, 11, 12, 13]
    assert file.commits() == 1


def test_a_thread_that_is_called_to_lead_brings_all_of_its_own(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before it has waited in vain, and has left."""
    mine = several(keep(11), keep(12))
    monkeypatch.setattr(turns, "PATIENCE", 0.3)
    writers = Writers(file)
    assert file.turns.take()
    writers.start(keep(1))
    connection = file.connect()
    thread = threading.Thread(target=file.turns.write_all, args=(connection, mine))
    thread.start()
    while file.waiting() < 3:
        thread.join(0.005)
    monkeypatch.setattr(turns, "PATIENCE", SOON)
    (error,) = writers.join()
    file.turns.give_back()
    thread.join(SOON)

    assert isinstance(error, sqlite3.OperationalError)
    assert [wish.seq for wish in mine] == [11, 12]
    assert file.kept() == [11, 12]
    assert file.waiting() == 0


def test_only_wishes_that_are_all_relaxed_do_not_wait_for_the_disk(file: File) -> None:
    connection = file.connect()
    file.turns.write(connection, Wish(keep(1), relaxed=True))
    assert file.ran.count("PRAGMA synchronous=NORMAL") == 1
    assert file.ran[-1] == "PRAGMA synchronous=FULL"
    file.ran.clear()
    turns.together(
        connection, [Wish(keep(2), relaxed=True), Wish(keep(3), relaxed=False)]
    )
    assert not any(each.startswith("PRAGMA") for each in file.ran)
    assert file.kept() == [1, 2, 3]


def test_threads_that_write_again_and_again_lose_nothing(file: File) -> None:
    """Leading is handed on while others come and go."""
    found: list[Any] = []

    def write(first: int) -> None:
        connection = file.connect()
        for number in range(first, first + 20):
            wish = Wish(keep(number), relaxed=False)
            found.append(file.turns.write(connection, wish))
        wishes = several(*map(keep, range(first + 20, first + 25)))
        file.turns.write_all(connection, wishes)
        found.extend(wish.outcome() for wish in wishes)

    threads = [threading.Thread(target=write, args=(n * 100,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    expected = [n * 100 + k for n in range(6) for k in range(25)]
    assert sorted(found) == expected == file.kept()
    assert file.waiting() == 0
