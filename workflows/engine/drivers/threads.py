"""A pool of threads without a ceiling: a task may wait for another, so none may starve."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from time import monotonic, sleep
from typing import Any

from workflows.engine.later import asyncio, is_in_loop

IDLE_SECONDS = 5.0
_GLANCE_SECONDS = 0.0005
_NAME = "durableweb-task-"

on_thread_end: list[Callable[[], None]] = []
"""Called in a pool thread that ends (to close its database connections, say)."""

on_visit: list[Callable[[], Callable[[], None]]] = []
"""Called in a thread of the author's own that does the loop's work for a while; what each returns is called
afterwards (to close the connections that were opened meanwhile, say)."""

before_job: list[Callable[[], None]] = []
"""Called in a pool thread before each of its jobs; cheap, and must not raise."""


_here = threading.local()


@contextmanager
def visiting() -> Iterator[None]:
    """What is done inside is the loop's work, in whichever thread."""
    if getattr(_here, "is_of_pool", False):
        yield  # it tidies up when it ends
        return
    after = [visit() for visit in on_visit]
    try:
        yield
    finally:
        for leave in after:
            leave()


class Offer:
    """A job that a thread of the pool is to do, unless who waits for it does it first."""

    def __init__(self, job: Callable[[], None], subject: Any) -> None:
        self.subject = subject
        self._job = job
        self._claim = threading.Lock()

    def __call__(self) -> None:
        """Do the job, where nobody has begun it."""
        if self._claim.acquire(blocking=False):
            self._job()


class Pool:
    """Hands each job to an idle thread, or to a new one; idle threads end by themselves."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._number = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job` in a thread; it must not raise."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                self._jobs.put(job)
                return
            self._number += 1
            name = f"{_NAME}{self._number}"
        threading.Thread(target=self._work, args=(job,), name=name, daemon=True).start()

    def rest(self, seconds: float) -> bool:
        """Wait until no job is at work, but no longer than so many seconds; whether none is."""
        end = monotonic() + seconds
        while self._is_at_work():
            if monotonic() > end:
                return False
            sleep(_GLANCE_SECONDS)
        return True

    def _is_at_work(self) -> bool:
        named = (each.name for each in threading.enumerate())
        return sum(name.startswith(_NAME) for name in named) > self._idle

    def _work(self, job: Callable[[], None] | None) -> None:
        _here.is_of_pool = True
        try:
            while job is not None:
                for look in before_job:
                    look()
                job()
                with self._lock:
                    self._idle += 1
                job = self._next()
        finally:
            for end in on_thread_end:
                end()

    def _next(self) -> Callable[[], None] | None:
        """The next job, or None after a time without any."""
        while True:
            try:
                return self._jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    # None is idle where each waiting thread has a job promised to it.
                    if self._idle > 0:
                        self._idle -= 1
                        return None


pool = Pool()


async def hop(work: Callable[[], Any]) -> Any:
    """Run `work` in a pool thread with this context; returns or raises what it does."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = copy_context()

    def settle(method: Any, value: Any) -> None:
        if not done.done():
            method(value)

    def job() -> None:
        try:
            value = context.run(work)
        except BaseException as error:  # noqa: BLE001 - handed over whole
            if isinstance(error, StopIteration):
                error = RuntimeError(f"{work!r} raised StopIteration")
            method: Any = partial(settle, done.set_exception, error)
        else:
            method = partial(settle, done.set_result, value)
        try:
            loop.call_soon_threadsafe(method)
        except RuntimeError:  # the event loop is closed: nobody waits any more
            return

    pool.submit(job)
    return await done


def off_the_loop(function: Any, *args: Any) -> Any:
    """Call what blocks; from a coroutine on another thread, for databases insist on that."""
    if not is_in_loop():
        return function(*args)
    found: Future[Any] = Future()

    def job() -> None:
        try:
            found.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 - handed over whole
            found.set_exception(error)

    pool.submit(job)
    return found.result()
