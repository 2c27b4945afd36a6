"""Room in SQLite's write-ahead log, made at once instead of a bit with each commit.

The log grows until its first checkpoint, a thousand pages, and is written over from then on,
as long as the file is open anywhere. While it grows, each wait for the disk takes longer: the
file system has to save the new length of the log too. SQLite has no setting for that. But what
a transaction writes beyond the cache goes into the log before it is committed, and a
transaction that is undone leaves the room that it took.

For a file that a script opens, writes a few hundred steps into and closes. A server's file is
written over nearly all of the time, and its steps change more pages: there is nothing to gain.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any

FIRST = 16
"""The write after which room is made: whoever writes less than that gains nothing by it."""
EVERY = 256
"""Writes after which it is looked at again: the log is removed when nobody has the file open."""
_CACHE_PAGES = 8


class LogRoom:
    """Counts the writes into one file, and makes room in its log where that is due."""

    def __init__(self) -> None:
        self._writes = 0

    def note(self, connection: Any, writes: int) -> None:
        """So many more were written by `connection`, which is in no transaction and has the turn."""
        before, self._writes = self._writes, self._writes + writes
        if before < FIRST <= self._writes or before // EVERY < self._writes // EVERY:
            # It only saves time: on a disk that is full, say, all goes on without it.
            with suppress(sqlite3.Error, OSError):
                _make_room(connection)


def _make_room(connection: Any) -> None:
    ask = connection.execute
    pages = _value(ask, "wal_autocheckpoint")
    page_size = _value(ask, "page_size")
    path = next((row[2] for row in ask("PRAGMA database_list") if row[1] == "main"), "")
    is_limited = _value(ask, "journal_size_limit") >= 0
    is_log = path and str(_value(ask, "journal_mode")).lower() == "wal"
    if not is_log or is_limited or pages <= 0:
        return
    if os.stat(f"{path}-wal").st_size < pages * page_size:
        _grow(connection, pages * page_size)


def _grow(connection: Any, size: int) -> None:
    execute = connection.execute
    cache, patience = (_value(execute, name) for name in ("cache_size", "busy_timeout"))
    execute("PRAGMA busy_timeout=0")  # whoever else writes now is not waited for
    try:
        execute(f"PRAGMA cache_size={_CACHE_PAGES}")
        execute("BEGIN IMMEDIATE")
        execute("CREATE TABLE durableweb_room (filler)")
        execute("INSERT INTO durableweb_room VALUES (zeroblob(?))", (size,))
    finally:
        if connection.in_transaction:
            execute("ROLLBACK")
        execute(f"PRAGMA cache_size={cache}")
        execute(f"PRAGMA busy_timeout={patience}")


def _value(execute: Any, pragma: str) -> Any:
    row = execute(f"PRAGMA {pragma}").fetchone()
    return row[0]
