"""What a call of a `@task` returns: a future for blocking code and for coroutines."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import CancelledError
from typing import Any

from workflows.engine.errors import GraphInterrupt
from workflows.engine.later import asyncio, is_in_loop
from workflows.engine.loop.rehearsal import RecordEnds, end_of_record
from workflows.engine.runtime import Stop


class TaskFuture:
    """The result of a `@task` that was started; `.result()` blocks, coroutines `await` it."""

    def __init__(self, name: str, context: Any) -> None:
        self.name = name
        self._context = context
        # How many calls the body had made when it was handed the outcome; None: not yet.
        self.seen_at: int | None = None
        self._twin: TaskFuture | None = None
        self._done = False
        self._begun = False
        self._cancelled = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._event: threading.Event | None = None
        self._others: list[TaskFuture] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._lock = threading.Lock()

    # told by the engine

    def begin(self) -> bool:
        """The call is taken up now; False where the author has cancelled it before."""
        with self._lock:
            self._begun = True
            return not self._cancelled

    def answer(self, value: Any) -> None:
        """The call returned."""
        self._settle(value, None)

    def fail(self, error: BaseException) -> None:
        """The call raised, or waits for a person."""
        self._settle(None, error)

    def also(self, other: TaskFuture) -> None:
        """Tell `other` the same (a repeated body meets a call that still runs)."""
        other._twin = self
        with self._lock:
            if not self._done:
                self._others.append(other)
                return
        other._settle(self._value, self._error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            self._value, self._error, self._done = value, error, True
            event, others, waiters = self._event, self._others, self._waiters
            self._waiters = []
        self._context.driver.calls.discard(self)
        if event is not None:
            event.set()
        for waiter in waiters:
            waiter.get_loop().call_soon_threadsafe(_wake, waiter)
        for other in others:
            other._settle(value, error)

    # asked by the author

    def done(self) -> bool:
        """Say whether the call has ended."""
        return self._done

    def cancel(self) -> bool:
        """Take the call back if it has not been taken up; False where it is too late.

        A cancelled call leaves no record. A plain node's calls are taken up at once, a coroutine's
        when it next awaits.
        """
        with self._lock:
            if self._cancelled:
                return True
            if self._begun or self._done:
                return False
            self._cancelled = True
        self._settle(None, CancelledError(f"task {self.name!r} was cancelled"))
        return True

    def cancelled(self) -> bool:
        """Say whether the call was taken back."""
        return self._cancelled

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; the error, or None. Raises CancelledError if it was cancelled."""
        self._wait(timeout)
        if self._cancelled and self._error is not None:
            raise self._error
        self._note_seen()
        self._note_question()
        return self._error

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the end; the value, or its error raised.

        Raises RuntimeError inside a coroutine (await the future there), TimeoutError after
        `timeout` seconds, CancelledError (of concurrent.futures) if it was cancelled.
        """
        if not self._done:
            self._wait(timeout)
        return self._hand_out()

    def _note_seen(self) -> None:
        if self.seen_at is None:
            self.seen_at = self._context.task.position
        if self._twin is not None and self._twin.seen_at is None:
            self._twin.seen_at = self.seen_at
        if isinstance(self._error, RecordEnds):
            raise end_of_record(self._context.task, str(self._error))

    def _hand_out(self) -> Any:
        self._note_seen()
        if self._error is not None:
            if isinstance(self._error, GraphInterrupt):
                self._note_question()
                raise GraphInterrupt(self._error.interrupts)
            raise self._error
        return self._value

    def _note_question(self) -> None:
        """The body knows that the call asks: it may not end as if it had an answer (R5.10)."""
        if isinstance(self._error, GraphInterrupt):
            self._context.task.note_asking(self._error.interrupts)

    def _wait(self, timeout: float | None) -> None:
        if not self._done and is_in_loop():
            raise RuntimeError(
                f"task {self.name!r}: .result() would block the event loop; "
                "use `await` in a coroutine"
            )
        if self._context.driver.pump(self, timeout):
            return
        with self._lock:
            if self._done:
                return
            if self._event is None:
                self._event = threading.Event()
            event = self._event
        if not event.wait(timeout):
            raise TimeoutError(f"task {self.name!r} did not end within {timeout} s")

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._done:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            with self._lock:
                done = self._done
                if not done:
                    self._waiters.append(waiter)
            if not done:
                yield from waiter.__await__()
        if self._cancelled:
            raise asyncio.CancelledError(*getattr(self._error, "args", ()))
        return self._hand_out()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def let_go(calls: set[TaskFuture], stop: Stop) -> None:
    """Fail what a run that has ended will not answer, so that no thread waits for ever."""
    for future in list(calls):
        future.fail(stop.error() if stop.is_now else run_has_ended())


def run_has_ended() -> RuntimeError:
    """What a body gets that still asks for a `@task` when its run is over."""
    return RuntimeError("the run has ended; its tasks are not answered any more")
