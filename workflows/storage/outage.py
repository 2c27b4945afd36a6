"""Whether the database was away lately.

While it is away nobody's lease is renewed, so right after its return every lease has lapsed.
A sweep must then wait until the living have renewed theirs, or it would take work from them
and count a crash that was none (RA.15).
"""

from __future__ import annotations

import time
from contextlib import suppress

from django.db import Error, InterfaceError, OperationalError, connections
from django.db.transaction import TransactionManagementError


def is_away(error: BaseException) -> bool:
    """Whether `error` tells of a lost or refused connection, among other troubles."""
    if isinstance(error, TransactionManagementError) and error.__cause__ is not None:
        error = error.__cause__  # lost as a savepoint was taken back: Django told later
    return isinstance(error, OperationalError | InterfaceError)


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
