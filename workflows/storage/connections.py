"""Raw statements on Django's own connection, for both databases.

The hot path speaks to the driver: Django's cursor compiles, copies and logs, which costs
more than the statement. Errors are still raised as Django's.
"""

from __future__ import annotations

import sqlite3
import threading
from asyncio import _get_running_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import Error, OperationalError, connections

from workflows.engine.constants import OF_SAVER
from workflows.engine.drivers.threads import before_job
from workflows.storage.turns import LOCKED, turns_of

_connections: Any = getattr(connections, "_connections", None)
POSTGRESQL = "postgresql"
SQLITE = "sqlite"

# The database's clock; on SQLite in the form Django stores.
NOW_SQL = {
    POSTGRESQL: "clock_timestamp()",
    SQLITE: "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now')",
}
LATER_SQL = {
    POSTGRESQL: "clock_timestamp() + %s * interval '1 second'",
    SQLITE: "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', %s || ' seconds')",
}


_LOST = "__durableweb_lost__"
IDLE_SECONDS = 60
"""For how long a transaction that holds a lock may do nothing."""
# Part of the statement that takes a lock others wait for. The server then ends the transaction
# of a process that was stopped, or whose machine is gone, which may be noticed hours later.
NOT_IDLE_SQL = (
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true)"
)


@lru_cache(maxsize=256)
def for_sqlite(sql: str) -> str:
    """A statement with %s placeholders, as SQLite's driver wants it."""
    return sql.replace("%s", "?").replace("%%", "%")


def connection_of(alias: str) -> Any:
    """`django.db.connections[alias]` of this thread, without a connection that has died.

    Where no event loop runs, Django finds it by letting a question for that loop fail, which costs
    more than the look itself.
    """
    found = None
    if _get_running_loop() is None:
        found = getattr(getattr(_connections, "_storage", None), alias, None)
    if found is None:
        found = connections[alias]
    if found.connection is not None and found.vendor == POSTGRESQL:
        replace_dead(found)
    return found


def replace_dead(wrapper: Any) -> None:
    """Let go a connection that the server has ended, so that the next statement opens a new one.

    Django does that between two requests, but a thread that carries out runs serves none. Where
    another thread has lost its connection since, this one is asked first: a server that was
    restarted ended them all.
    """
    if inside_transaction(wrapper):
        return
    must_ask = getattr(wrapper, "losses_seen", 0) != losses.number
    if wrapper.connection.closed or (must_ask and not wrapper.is_usable()):
        wrapper.close()
    wrapper.losses_seen = losses.number


def look_again() -> None:
    """Ask the connections of this thread anew, if this process has lost one since it last did.

    Called before a task runs on a thread that has worked before: its own queries take no other way.
    """
    if getattr(_asked, "number", 0) == losses.number:
        return
    _asked.number = losses.number
    for wrapper in connections.all(initialized_only=True):
        if wrapper.connection is not None and wrapper.vendor == POSTGRESQL:
            replace_dead(wrapper)


class Losses:
    """How many connections this process has lost."""

    def __init__(self) -> None:
        self.number = 0

    def note(self, wrapper: Any, error: BaseException) -> None:
        """Count it, and mark the error, where `error` came of the connection's end."""
        if wrapper.vendor == POSTGRESQL and wrapper.connection.closed:
            self.number += 1
            setattr(error, _LOST, True)


losses = Losses()
_asked = threading.local()
if look_again not in before_job:
    before_job.append(look_again)


@contextmanager
def of_storage(alias: str) -> Iterator[None]:
    """What is asked inside by Django's own queries is asked by the storage: where that loses the connection, the node that called has not failed."""
    wrapper = connections[alias]
    try:
        yield
    except Error as error:
        if wrapper.connection is None:  # let go with a transaction
            losses.number += 1
            setattr(error, _LOST, True)
        else:
            losses.note(wrapper, error)
        if is_lost(error):
            setattr(error, OF_SAVER, True)
        raise


def note_end_of(wrapper: Any, error: BaseException) -> bool:
    """Count a connection that has ended within a transaction, and mark the error that came of it; False where none has.

    One that whoever wrote the transaction has closed himself has not.
    """
    if wrapper.vendor != POSTGRESQL or wrapper.closed_in_transaction:
        return False
    losses.note(wrapper, error)
    return is_lost(error)


def is_lost(error: BaseException) -> bool:
    """Whether a statement of the storage, not one of a node's own, has lost its connection."""
    return hasattr(error, _LOST)


def is_unwritten(error: BaseException) -> bool:
    """Whether it was the storage, not a node, that could not write into SQLite's file."""
    return hasattr(error.__cause__, "__durableweb_unwritten__")


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
    if wrapper.vendor == SQLITE:
        with wrapper.wrap_database_errors:
            return connection.execute(for_sqlite(sql), params)
    return prepared(wrapper, sql, params)


def prepared(wrapper: Any, sql: str, params: Any) -> Any:
    """Run one prepared statement on PostgreSQL's ready connection; returns the driver's cursor."""
    try:
        with wrapper.wrap_database_errors:
            cursor = wrapper.connection.cursor()
            cursor.execute(sql, params, prepare=True)
            return cursor
    except Error as error:
        losses.note(wrapper, error)
        raise


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
            f"SELECT {NOT_IDLE_SQL} FROM workflows_thread WHERE id = %s"  # noqa: S608
            " FOR NO KEY UPDATE",
            (thread_id,),
        )


def is_thread_free(wrapper: Any, thread_id: str) -> bool:
    """Take the thread's row as `lock_thread` does; False where somebody else has it just now.

    For whoever comes again anyway, and has others to see to: the holder may have been stopped.
    """
    if wrapper.vendor != POSTGRESQL:
        return True
    taken = execute(
        wrapper,
        f"SELECT {NOT_IDLE_SQL} FROM workflows_thread WHERE id = %s"  # noqa: S608
        " FOR NO KEY UPDATE SKIP LOCKED",
        (thread_id,),
    )
    return bool(taken.fetchall())


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
