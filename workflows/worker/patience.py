"""The queue's connections to PostgreSQL, for which a database that is away is a pause.

Procrastinate 3.10 ends its worker at the first connection that is lost: at once where that is
the one it listens on, after 30 s where none can be had. It then takes no new job, and waits for
those at work, however long they take; a node of an hour kept the other hands of its process idle
for an hour.

So it does where another worker has struck it off: each deletes, as it starts, the rows of all that
have been silent for ten seconds. One of them may only have been stopped, or cut off; it has a row
again with its next sign of life.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from procrastinate import PsycopgConnector, sql
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException

from workflows.worker.failing import one_line

log = logging.getLogger(__name__)

# The pool doubles the pause between two tries: it starts anew where it has given up soon, and
# somebody asks again.
GIVE_UP_SECONDS = 3.0
PAUSE_SECONDS = 1.0

# Of what the server says as it goes, or before it is there: SQLSTATE classes and codes.
_CONNECTION_CLASS = "08"
_GOING = {"57P01", "57P02", "57P03", "53300"}

_BEAT = sql.queries["update_heartbeat"]
_ENTER = (
    "INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker_id)s)"
    " ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()"
)


def patient_connector(stopping: threading.Event) -> PsycopgConnector:
    """The connector of a worker that waits for its database until `stopping` is set."""
    return _Patient(
        stopping,
        kwargs=connector_params(),
        timeout=GIVE_UP_SECONDS,
        reconnect_timeout=GIVE_UP_SECONDS,
    )


def has_lost_connection(error: BaseException) -> bool:
    """Whether it was the connection that failed, or that there was none to be had."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.OperationalError):
        return False
    state = cause.sqlstate or _CONNECTION_CLASS
    return state.startswith(_CONNECTION_CLASS) or state in _GOING


def is_struck_off(error: BaseException) -> bool:
    """Whether the queue refused a job because it has no row of the worker any more."""
    return isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation)


class _Patient(PsycopgConnector):
    """Asks again where the connection was lost.

    What had been done by then may be done twice: a job that nobody remembers to have fetched is
    found by the sweep, as its run waits; one that is finished is no longer there.
    """

    def __init__(self, stopping: threading.Event, **options: Any) -> None:
        super().__init__(**options)
        self._stopping = stopping

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        ask = super().execute_query_async
        asked = _ENTER if query == _BEAT else query
        await self._patiently(lambda: ask(asked, **arguments))

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> Any:
        ask = super().execute_query_one_async
        try:
            return await self._patiently(lambda: ask(query, **arguments))
        except ConnectorException as error:
            if not is_struck_off(error):
                raise
        await self.execute_query_async(_BEAT, worker_id=arguments["worker_id"])
        return await self._patiently(lambda: ask(query, **arguments))

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> Any:
        ask = super().execute_query_all_async
        return await self._patiently(lambda: ask(query, **arguments))

    async def listen_notify(self, on_notification: Any, channels: Any) -> None:
        listen = super().listen_notify
        await self._patiently(lambda: listen(on_notification, channels))

    async def _patiently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        while True:
            try:
                return await ask()
            except ConnectorException as error:
                if self._stopping.is_set() or not has_lost_connection(error):
                    raise
                log.debug("asking again: %s", one_line(error.__cause__ or error))
            await asyncio.sleep(PAUSE_SECONDS)
