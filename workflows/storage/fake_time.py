"""The databases of this process under a clock that a test moves (RB.17); nothing of it is at work without one.

On SQLite `strftime` is a function of ours while the clock is on, in triggers and defaults of columns, too. On
PostgreSQL statements are sent with what the clock is ahead added to each call that asks for the time; what a column
takes by default is made in the server, and keeps the real time.
"""

from __future__ import annotations

import atexit
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from workflows.engine import fake_clock
from workflows.engine.fake_clock import FakeClock
from workflows.storage.clock import machine_now
from workflows.storage.connections import POSTGRESQL, SQLITE

# Texts and comments are passed over.
_ASKS = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|"
    r"(?<![\w.\"])(?P<asks>(?:(?:clock|statement|transaction)_timestamp|now)\s*\(\s*\)|\bCURRENT_TIMESTAMP\b)",
    re.IGNORECASE,
)
_IS_LASTING = re.compile(r"\s*(?:CREATE|ALTER)\b", re.IGNORECASE)

_FACTORIES = ("cursor_factory", "server_cursor_factory")
"""What makes the cursors of a connection to PostgreSQL; those of the second are read in parts, by `iterator()`."""

_known: WeakSet[Any] = WeakSet()
_guard = threading.Lock()


def note(connection: Any, **_: Any) -> None:
    """Remember a connection of Django's that was opened; for its signal `connection_created`."""
    with _guard:
        _known.add(connection)
    if fake_clock.active is not None:
        _move(connection)


@contextmanager
def moved(clock: FakeClock) -> Iterator[None]:
    """Let the connections of all threads go by the clock, those too that are opened inside."""
    try:
        for each in _all_known():
            if each.connection is not None:
                _move(each)
        yield
    finally:
        for each in _all_known():
            _put_back(each)
        _formats.close()


def _all_known() -> list[Any]:
    with _guard:
        return [*_known]


def _move(wrapper: Any) -> None:
    if wrapper.vendor == POSTGRESQL:
        for kind in _FACTORIES:
            plain = getattr(wrapper.connection, kind)
            setattr(wrapper.connection, kind, _moving(plain))
    elif wrapper.vendor == SQLITE and not _is_taken_over(wrapper):
        if wrapper._thread_ident == threading.get_ident():
            if not _take_over(wrapper):
                raise RuntimeError(
                    f"fake_clock(): a statement of database {wrapper.alias!r} has not ended; read its rows to the end, "
                    "or close its cursor, before"
                )
        elif not isinstance(wrapper.connection, _ToTakeOver):
            wrapper.connection = _ToTakeOver(wrapper)


def _put_back(wrapper: Any) -> None:
    """Leave a connection as it was.

    SQLite has no way back to its own function: until the connection is closed ours tells the real time.
    """
    connection = wrapper.connection
    if isinstance(connection, _ToTakeOver):
        connection.stand_aside()
    elif wrapper.vendor == POSTGRESQL and connection is not None:
        for kind in _FACTORIES:
            made = getattr(connection, kind)
            setattr(connection, kind, getattr(made, "unmoved", made))


# SQLite


class _ToTakeOver:
    """Stands where a thread finds its connection, until that thread uses it: then it is taken over.

    Nobody else may do that: a function is added with Python's lock held, and waits for a statement that is at work,
    which may wait for that lock to call a function of Python's.
    """

    def __init__(self, wrapper: Any) -> None:
        self.__dict__.update(wrapper=wrapper, connection=wrapper.connection)

    def stand_aside(self) -> None:
        """Give the connection its place back."""
        if self.wrapper.connection is self:
            self.wrapper.connection = self.connection

    def _ready(self) -> Any:
        self.stand_aside()
        if fake_clock.active is not None and not _take_over(self.wrapper):
            self.wrapper.connection = self  # its thread reads rows: when it comes again
        return self.connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ready(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._ready(), name, value)


def _is_taken_over(wrapper: Any) -> bool:
    return getattr(wrapper, "_durableweb_clock_of", None) is wrapper.connection


def _take_over(wrapper: Any) -> bool:
    """Give the connection our function; False where a statement of it has not ended."""
    connection = wrapper.connection
    try:
        connection.create_function("strftime", -1, _strftime)
    except sqlite3.OperationalError:
        return False
    except sqlite3.ProgrammingError:
        return True  # it was closed behind Django's back
    wrapper._durableweb_clock_of = connection
    return True


def _strftime(form: Any, *rest: Any) -> Any:
    """SQLite's function of this name, whose 'now' is that of the clock."""
    when = rest[0] if rest else "now"
    if isinstance(when, str) and when.lower() == "now":
        now = machine_now()
        when = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
    return _formats.value(form, when, *rest[1:])


class _Formats:
    """SQLite's own `strftime`, on a connection that nobody else uses."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def value(self, *values: Any) -> Any:
        """What it gives for these."""
        places = ", ".join("?" * len(values))
        with self._turn:
            if self._connection is None:
                self._connection = sqlite3.connect(":memory:", check_same_thread=False)
            found = self._connection.execute(f"SELECT strftime({places})", values)
            return found.fetchone()[0]

    def close(self) -> None:
        """Close the connection; it is opened again where it is needed."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


_formats = _Formats()
atexit.register(_formats.close)


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

    def moved_on(found: re.Match[str]) -> str:
        ahead = f"({found[0]} + interval '{seconds:.6f} seconds')"
        return ahead if found["asks"] else found[0]

    return _ASKS.sub(moved_on, sql)
