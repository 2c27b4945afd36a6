"""The tables in the file of a `SqliteSaver`, and its connection.

What ends with a step (the writes of its tasks) stands in the row of the checkpoint that it makes, so the usual
step changes one row. Tables without row ids have no second copy of their keys.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from os import PathLike, fspath

import msgspec

from workflows.engine.errors import SerdeError
from workflows.engine.kinds import refused
from workflows.storage.turns import PATIENCE
from workflows.storage.writes import WriteRow

VERSION = 1
_MAKE = (
    "CREATE TABLE durableweb_file (version INTEGER NOT NULL)",
    """CREATE TABLE durableweb_checkpoint (
  thread_id TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL,
  step INTEGER NOT NULL, source TEXT NOT NULL, format INTEGER NOT NULL, channels TEXT NOT NULL,
  due TEXT NOT NULL, metadata TEXT NOT NULL, rest TEXT NOT NULL, digest TEXT NOT NULL,
  ended TEXT NOT NULL,
  PRIMARY KEY (thread_id, namespace, id)) WITHOUT ROWID""",
    """CREATE TABLE durableweb_value (
  thread_id TEXT NOT NULL, namespace TEXT NOT NULL, channel TEXT NOT NULL,
  checkpoint TEXT NOT NULL, kind TEXT NOT NULL, base TEXT NOT NULL, digest TEXT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (thread_id, namespace, channel, checkpoint)) WITHOUT ROWID""",
    """CREATE TABLE durableweb_write (
  thread_id TEXT NOT NULL, namespace TEXT NOT NULL, checkpoint TEXT NOT NULL,
  task TEXT NOT NULL, slot TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL,
  payload TEXT NOT NULL, values_at TEXT NOT NULL,
  PRIMARY KEY (thread_id, namespace, checkpoint, task, slot)) WITHOUT ROWID""",
    """CREATE TABLE durableweb_label (
  thread_id TEXT NOT NULL, namespace TEXT NOT NULL, checkpoint TEXT NOT NULL,
  text TEXT NOT NULL, set_by TEXT NOT NULL, set_at TEXT NOT NULL,
  UNIQUE (thread_id, namespace, checkpoint, text))""",
    """CREATE TABLE durableweb_attribute (
  thread_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (thread_id, name)) WITHOUT ROWID""",
)
_Ended = tuple[str, str, str, str, msgspec.Raw, str]
_decode = msgspec.json.Decoder(list[_Ended]).decode


def connect(path: str | PathLike[str]) -> sqlite3.Connection:
    """A connection to the file, which is made where it is not there; ":memory:" is one in memory."""
    return sqlite3.connect(
        fspath(path), timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the connection wait for the disk at each commit, and the tables where there are none.

    Raises TypeError for what is no connection of the `sqlite3` module, ValueError for one in a transaction, SerdeError for
    a file that newer code has written.
    """
    if not isinstance(connection, sqlite3.Connection):
        wanted = "a connection of the sqlite3 module; or use from_conn_string(path)"
        raise refused("SqliteSaver", "conn", connection, wanted)
    if connection.in_transaction:
        raise ValueError(
            "SqliteSaver: the connection is in a transaction; commit it, or give the saver "
            "a connection of its own"
        )
    connection.isolation_level = None  # transactions are begun where they are wanted
    execute = connection.execute
    execute("PRAGMA journal_mode=WAL").fetchone()
    execute("PRAGMA synchronous=FULL")
    if not _is_made(connection):
        execute("BEGIN IMMEDIATE")
        try:
            if not _is_made(connection):  # another process may have been quicker
                for statement in _MAKE:
                    execute(statement)
                execute("INSERT INTO durableweb_file VALUES (?)", (VERSION,))
            execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
    (version,) = execute("SELECT max(version) FROM durableweb_file").fetchone()
    if version > VERSION:
        raise SerdeError(
            f"the file is of version {version}, this code reads up to {VERSION}; use the "
            "newer code"
        )


def _is_made(connection: sqlite3.Connection) -> bool:
    sql = (
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'durableweb_file'"
    )
    return connection.execute(sql).fetchone() is not None


def ended_text(rows: Iterable[WriteRow]) -> str:
    """Writes of tasks as they stand in the row of the checkpoint that their step made; "" for none."""
    listed = [
        (task, slot, path, digest, msgspec.Raw(payload.encode()), values_at)
        for task, slot, path, digest, payload, values_at in rows
    ]
    return msgspec.json.encode(listed).decode() if listed else ""


def ended_rows(text: str) -> list[WriteRow]:
    """The writes that `ended_text` was given."""
    if not text:
        return []
    return [
        WriteRow(task, slot, path, digest, bytes(payload).decode(), values_at)
        for task, slot, path, digest, payload, values_at in _decode(text)
    ]
