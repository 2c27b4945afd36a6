"""One LISTEN per web process, on a direct PostgreSQL connection of its own.

Not from a pool, and not through a pooler in transaction mode: those hand the session, and
what it listens to, to somebody else. DATABASE_DIRECT_URL in the settings names another way
to the same database where the usual one leads through such a pooler.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
# It waits all day without a word of its own: a server that is gone is noticed in half a minute.
KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def connection_arguments() -> dict[str, Any]:
    """What psycopg needs to reach the database that Django uses."""
    direct = settings.DATABASE_DIRECT_URL
    if direct:
        return {"conninfo": direct}
    given = connections[DEFAULT_DB_ALIAS].get_connection_params()
    ours = ("cursor_factory", "context", "prepare_threshold", "pool")
    return {name: value for name, value in given.items() if name not in ours}


def parse_payload(payload: str) -> tuple[str, int] | None:
    """`<thread_id> <seq>`; the thread id may itself hold spaces."""
    thread_id, _, seq = payload.rpartition(" ")
    return (thread_id, int(seq)) if thread_id and seq.isdecimal() else None


async def listen(
    wake: Callable[[str, int], None], connected: Callable[[], Awaitable[None]]
) -> None:
    """Call `wake` for every notification, for ever; `connected` after every (re)connect."""
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            arguments = {**KEEPALIVE, **connection_arguments()}
            async with await psycopg.AsyncConnection.connect(
                autocommit=True, **arguments
            ) as connection:
                await connection.execute("LISTEN durableweb_events")
                await connected()
                wait = FIRST_WAIT_SECONDS
                async for notification in connection.notifies():
                    news = parse_payload(notification.payload)
                    if news is not None:
                        wake(*news)
        except Exception as error:  # noqa: BLE001 - whatever it was, listening must go on
            logger.warning("LISTEN was cut off (%s); next try in %.1f s", error, wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)
