"""Raw statements on Django's own connection, for both databases.

The hot path speaks to the driver: Django's cursor compiles, copies and logs, which costs
more than the statement. Errors are still raised as Django's.
"""

from __future__ import annotations

import sqlite3
from asyncio import _get_running_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import Error, OperationalError, connections

from workflows.storage.turns import LOCKED, turns_of

_connections: Any = getattr(connections, "_connections", None)
POSTGRESQL = "postgresql"
SQLITE = "sqlite"

# The database's clock; on SQLite in the form Django stores.
NOW_SQL = {
    POSTGRESQL: "clock_timestamp()",
    SQLITE: "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
}
LATER_SQL = {
    POSTGRESQL: "clock_timestamp() + %s * interval '1 second'",
    SQLITE: "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s || ' seconds')",
}


@lru_cache(maxsize=256)
def for_sqlite(sql: str) -> str:
    """A statement with %s placeholders, as SQLite's driver wants it."""
    return sql.replace("%s", "?").replace("%%", "%")


def connection_of(alias: str) -> Any:
    """`django.db.connections[alias]` of this thread.

    Where no event loop runs, Django finds it by letting a question for that loop fail, which costs
    more than the look itself.
    """
    if _get_running_loop() is None:
        kept = getattr(_connections, "_storage", None)
        found = getattr(kept, alias, None)
        if found is not None:
            return found
    return connections[alias]


def ready(wrapper: Any) -> Any:
    """The driver's connection, open and not in a broken transaction."""
    if wrapper.connection is None:
        wrapper.ensure_connection()
    if wrapper.needs_rollback:
        wrapper.validate_no_broken_transaction()
    return wrapper.connection


def execute(wrapper: Any, sql: str, params: Sequence[Any] = ()) -> Any:
    """Run one statement with %s placeholders; returns the driver's cursor."""
    connection = ready(wrapper)
    with wrapper.wrap_database_errors:
        if wrapper.vendor == SQLITE:
            return connection.execute(for_sqlite(sql), params)
        cursor = connection.cursor()
        cursor.execute(sql, params, prepare=True)
        return cursor


def read(wrapper: Any, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement; it may be the first one of a request.

    A connection that has died since the last request is replaced, as by Django's cursor.
    """
    wrapper.close_if_health_check_failed()
    cursor = execute(wrapper, sql, params)
    with wrapper.wrap_database_errors:
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def inside_transaction(wrapper: Any) -> bool:
    """Whether the caller has a transaction open, so that we must not end it."""
    return wrapper.in_atomic_block or not wrapper.autocommit


@contextmanager
def taken_on_disk_later(wrapper: Any) -> Iterator[None]:
    """Commits in the block need not wait for the disk on SQLite: the next one brings them along.

    For taking a run or a thread, of which nothing is seen outside before the first full commit.
    If the machine dies before that, whoever has taken it died with it. A PostgreSQL server
    may die alone, and would then give one fencing number away twice: there nothing changes.
    """
    if wrapper.vendor != SQLITE or inside_transaction(wrapper):
        yield
        return
    connection = ready(wrapper)
    with turn(wrapper):
        try:
            # Between transactions only; see turns.py.
            connection.execute("PRAGMA synchronous=NORMAL")
            try:
                yield
            finally:
                connection.execute("PRAGMA synchronous=FULL")
        except (sqlite3.Error, Error):
            wrapper.close()  # as in `write_in_turn`
            raise


def lock_thread(wrapper: Any, thread_id: str) -> None:
    """Take the thread's row, before any other of its rows: the order of all who write.

    On SQLite the transaction itself is the lock.
    """
    if wrapper.vendor == POSTGRESQL:
        execute(
            wrapper,
            "SELECT 1 FROM workflows_thread WHERE id = %s FOR NO KEY UPDATE",
            (thread_id,),
        )


@contextmanager
def turn(wrapper: Any) -> Iterator[None]:
    """Hold the turn for a transaction of one's own. Raises OperationalError."""
    turns = turns_of(wrapper)
    if not turns.take():
        raise OperationalError(LOCKED)
    try:
        yield
    finally:
        turns.give_back()
