"""Whether the database was away lately.

While it is away nobody's lease is renewed, so right after its return every lease has lapsed.
A sweep must then wait until the living have renewed theirs, or it would take work from them
and count a crash that was none (RA.15).

A database that answers and cannot write, because its disk is full, say, is an outage too: whoever
wants to write meets it.
"""

from __future__ import annotations

import time
from contextlib import suppress

from django.db import (
    DatabaseError,
    Error,
    InterfaceError,
    OperationalError,
    connections,
)
from django.db.transaction import TransactionManagementError

FULL = "The disk of the database is full."
READ_ONLY = "The database can only be read, not written."
BROKEN = "The disk of the database fails."
LOCKED = "Another process has been writing into the database for too long."
# By what SQLite says, and by the SQLSTATE of PostgreSQL.
_SAID = {
    "database or disk is full": FULL,
    "attempt to write a readonly database": READ_ONLY,
    "unable to open database file": READ_ONLY,
    "disk I/O error": BROKEN,
    "database is locked": LOCKED,
}
_STATES = {"53100": FULL, "25006": READ_ONLY, "58030": BROKEN}


def is_away(error: BaseException) -> bool:
    """Whether `error` tells of a lost or refused connection, among other troubles."""
    error = _first(error)
    if isinstance(error, OperationalError | InterfaceError):
        return True
    # Of a transaction that did nothing for too long: this process had been stopped.
    ended = getattr(error.__cause__, "sqlstate", None) == "25P03"
    return ended or bool(why_unwritable(error))


def why_unwritable(error: BaseException) -> str:
    """Why nobody can write just now, as a sentence; "" where `error` tells of something else."""
    error = _first(error)
    if not isinstance(error, DatabaseError):
        return ""
    state = getattr(error.__cause__, "sqlstate", None)
    if state:
        return _STATES.get(state, "")
    text = str(error)
    return next((why for said, why in _SAID.items() if text.startswith(said)), "")


def _first(error: BaseException) -> BaseException:
    if isinstance(error, TransactionManagementError) and error.__cause__ is not None:
        return error.__cause__  # lost as a savepoint was taken back: Django told later
    return error


def answers(using: str) -> bool:
    """Whether a new connection to the database works now."""
    wrapper = connections[using]
    if wrapper.in_atomic_block:
        return wrapper.is_usable()
    wrapper.close()
    with suppress(Error):
        wrapper.ensure_connection()
        return wrapper.is_usable()
    return False


class Outage:
    """When this process has met a database that did not answer."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def note(self) -> None:
        """The database does not answer now."""
        self._last = time.monotonic()

    def is_recent(self, seconds: float) -> bool:
        """Whether that was less than `seconds` ago."""
        return time.monotonic() - self._last < seconds

    def forget(self) -> None:
        """Act as if the database had always been there."""
        self._last = float("-inf")


outage = Outage()
