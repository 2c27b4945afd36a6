"""The threads on which this storey reads the database.

ORM calls inside consumers would all share one thread of the process, and each would open
and close a connection. Here a few threads of our own keep theirs; a connection that broke
is closed, so that the next read opens a new one.
"""

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connections, reset_queries

P = ParamSpec("P")
T = TypeVar("T")


def _guarded(call: Callable[[], T]) -> T:
    reset_queries()
    try:
        return call()
    except Error:
        connections.close_all()
        raise


class Reader:
    """A small pool of reading threads, each with its own database connection."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call the function on a reading thread and give back what it returns."""
        call = functools.partial(function, *args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _guarded, call)

    def close(self) -> None:
        """Let go of the threads and of their connections."""
        # They meet at the barrier, so that each thread closes its own and none closes twice.
        meeting = threading.Barrier(self._threads)
        for _ in range(self._threads):
            self._pool.submit(_close, meeting)
        self._pool.shutdown(wait=True)


def _close(meeting: threading.Barrier) -> None:
    connections.close_all()
    meeting.wait(timeout=5)
