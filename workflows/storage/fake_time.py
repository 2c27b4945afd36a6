"""The databases of this process under a clock that a test moves (RB.17); nothing of it is at work without one.

On SQLite `strftime` is a function of ours while the clock is on, in triggers and defaults of columns, too. On
PostgreSQL statements are sent with what the clock is ahead added to each call that asks for the time; what a column
takes by default is made in the server, and keeps the real time.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from workflows.engine import fake_clock
from workflows.engine.fake_clock import FakeClock
from workflows.storage.clock import machine_now
from workflows.storage.connections import POSTGRESQL, SQLITE

_PATIENCE_SECONDS = 5.0
_REST_SECONDS = 0.005
_ASKS = re.compile(
    r"(?<![\w.\"])(?:(?:clock|statement|transaction)_timestamp|now)\s*\(\s*\)|\bCURRENT_TIMESTAMP\b",
    re.IGNORECASE,
)
_IS_LASTING = re.compile(r"\s*(?:CREATE|ALTER)\b", re.IGNORECASE)

_known: WeakSet[Any] = WeakSet()
_guard = threading.Lock()
_here = threading.local()


def note(connection: Any, **_: Any) -> None:
    """Remember a connection of Django's that was opened; for its signal `connection_created`."""
    with _guard:
        _known.add(connection)
    if fake_clock.active is not None:
        _move(connection)


@contextmanager
def moved(clock: FakeClock) -> Iterator[None]:
    """Let the connections of all threads go by the clock, those too that are opened inside."""
    with _guard:
        open_now = [each for each in _known if each.connection is not None]
    try:
        for each in open_now:
            _move(each)
        yield
    finally:
        with _guard:
            found = [*_known]
        for each in found:
            _put_back(each)


def _move(wrapper: Any) -> None:
    if wrapper.vendor == SQLITE:
        _take_over(wrapper)
    elif wrapper.vendor == POSTGRESQL:
        connection = wrapper.connection
        connection.cursor_factory = _moving(connection.cursor_factory)


def _put_back(wrapper: Any) -> None:
    """Give a connection of PostgreSQL its cursors back.

    SQLite has no way back to its own function: until the connection is closed ours tells the real time.
    """
    connection = wrapper.connection
    if wrapper.vendor == POSTGRESQL and connection is not None:
        made = connection.cursor_factory
        connection.cursor_factory = getattr(made, "unmoved", made)


# SQLite


def _take_over(wrapper: Any) -> None:
    connection = wrapper.connection
    if getattr(wrapper, "_durableweb_clock_of", None) is connection:
        return
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.create_function("strftime", -1, _strftime)
        except sqlite3.OperationalError as error:  # a statement is at work on it
            if time.monotonic() > end:
                raise RuntimeError(
                    f"fake_clock(): a statement of database {wrapper.alias!r} is at work and does not end; read its "
                    "rows to the end, or close its cursor, before"
                ) from error
            time.sleep(_REST_SECONDS)
        except sqlite3.ProgrammingError:
            return  # it was closed behind Django's back
        else:
            wrapper._durableweb_clock_of = connection
            return


def _strftime(form: Any, *rest: Any) -> Any:
    """SQLite's function of this name, whose 'now' is that of the clock."""
    when = rest[0] if rest else "now"
    if isinstance(when, str) and when.lower() == "now":
        now = machine_now()
        when = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
    values = (form, when, *rest[1:])
    places = ", ".join("?" * len(values))
    sql = f"SELECT strftime({places})"
    return _own().execute(sql, values).fetchone()[0]


def _own() -> sqlite3.Connection:
    """A connection of this thread that has the function as it was."""
    found: sqlite3.Connection | None = getattr(_here, "connection", None)
    if found is None:
        found = _here.connection = sqlite3.connect(":memory:")
    return found


# PostgreSQL


@lru_cache
def _moving(plain: Any) -> Any:
    """The class of cursors whose statements go by the clock."""
    if hasattr(plain, "unmoved"):
        return plain

    class Moving(plain):  # type: ignore[misc]
        unmoved = plain

        def execute(self, query: Any, *given: Any, **named: Any) -> Any:
            return super().execute(_by_clock(query), *given, **named)

        def executemany(self, query: Any, *given: Any, **named: Any) -> Any:
            return super().executemany(_by_clock(query), *given, **named)

    return Moving


def _by_clock(query: Any) -> Any:
    clock = fake_clock.active
    if clock is None or not isinstance(query, str):
        return query
    return _rewritten(query, clock.ahead.total_seconds())


@lru_cache(maxsize=256)
def _rewritten(sql: str, seconds: float) -> str:
    if _IS_LASTING.match(sql):
        return sql  # what it makes outlives the clock
    return _ASKS.sub(rf"(\g<0> + interval '{seconds:.6f} seconds')", sql)
