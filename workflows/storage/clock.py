"""The database's clock, for moments that are made or compared outside of its statements.

Servers and workers may run on machines whose clocks differ by an hour. A moment that one of them
writes and another waits for is therefore the database's on both sides. Whoever needs no more than
this machine's clock asks here, too: a test may have moved it (RB.17).
"""

from __future__ import annotations

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from workflows.engine import fake_clock
from workflows.engine.drivers.threads import off_the_loop
from workflows.storage.connections import POSTGRESQL, connection_of, execute


def machine_now() -> datetime:
    """This machine's clock at this moment."""
    clock = fake_clock.active
    return timezone.now() if clock is None else timezone.now() + clock.ahead


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The database's clock at this moment; SQLite's is this machine's, in whole milliseconds.

    What is due at it is due for the next statement, not only a part of a millisecond later. A
    coroutine may ask, and holds up its event loop meanwhile.
    """
    if connection_of(using).vendor == POSTGRESQL:
        now: datetime = off_the_loop(_of_the_server, using)
        return now
    here = machine_now()
    return here.replace(microsecond=here.microsecond // 1000 * 1000)


def _of_the_server(using: str) -> datetime:
    now: datetime = execute(
        connection_of(using), "SELECT clock_timestamp()"
    ).fetchone()[0]
    return now
