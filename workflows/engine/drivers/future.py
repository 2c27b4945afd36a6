"""What a call of a `@task` returns: a future for blocking code and for coroutines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from contextvars import Context as Variables
from contextvars import copy_context
from functools import partial
from typing import Any

from workflows.engine.drivers.threads import pool
from workflows.engine.errors import GraphInterrupt
from workflows.engine.later import asyncio, is_in_loop
from workflows.engine.loop.rehearsal import RecordEnds, end_of_record
from workflows.engine.loop.tasks import Task
from workflows.engine.runtime import Stop

_log = logging.getLogger("durableweb.engine")
_OF_FUTURES = frozenset(vars(Future()))  # what those who wait for futures look at


class TaskFuture(Future[Any]):
    """The result of a `@task` that was started; `.result()` blocks, coroutines `await` it.

    `concurrent.futures` and `asyncio.wait` can wait for it. What they look at is made when they first
    look, as few calls need it.
    """

    def __init__(self, name: str, context: Any) -> None:
        self.name = name
        self._context = context
        # How many calls the body had made when it was handed the outcome; None: not yet.
        self.seen_at: int | None = None
        self.child: Task | None = None
        self._twin: TaskFuture | None = None
        self._done = False
        self._begun = False
        self._cancelled = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._event: threading.Event | None = None
        self._others: list[TaskFuture] = []
        self._awaiting: list[asyncio.Future[None]] = []
        self._told: list[tuple[Callable[[Any], object], Callable[[], None]]] = []
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """Make what `concurrent.futures` looks at, and see to it that the call comes to its end."""
        if name not in _OF_FUTURES:
            raise AttributeError(f"a future of a task has no {name!r}")
        with self._lock:
            if "_condition" not in vars(self):
                super().__init__()
                if self._done:
                    self._show_end()
        self._context.driver.keep_going(self)
        return vars(self)[name]

    def __repr__(self) -> str:
        """Its name and how it stands; looking does not wait."""
        ended = "cancelled" if self._cancelled else "done" if self._done else "pending"
        return f"<TaskFuture {self.name!r} {ended}>"

    def _show_end(self) -> None:
        """Tell those of `concurrent.futures` who wait."""
        with suppress(InvalidStateError):  # they know already, of a run that has ended
            if self._cancelled:
                super().cancel()
                super().set_running_or_notify_cancel()
            elif self._error is not None:
                super().set_exception(self._error)
            else:
                super().set_result(self._value)

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

    def drop(self) -> None:
        """The call was cancelled, by the author or as who waited for it was (R8.9)."""
        self._cancelled = True
        self._settle(None, self._cancellation())

    def _cancellation(self) -> CancelledError:
        return CancelledError(f"task {self.name!r} was cancelled")

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
            if self._cancelled and self._done:
                return  # what it makes of that is not told any more
            self._value, self._error, self._done = value, error, True
            self.child = None
            event, others = self._event, self._others
            awaiting, self._awaiting = self._awaiting, []
            told, self._told = self._told, []
            is_looked_at = "_condition" in vars(self)
        self._context.driver.calls.discard(self)
        if event is not None:
            event.set()
        for waiter in awaiting:
            with suppress(RuntimeError):  # its event loop is closed: nobody waits
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)
        if is_looked_at:
            self._show_end()
        for _, tell in told:
            tell()
        for other in others:
            other._settle(value, error)

    # asked by the author

    def done(self) -> bool:
        """Say whether the call has ended."""
        return self._done

    def running(self) -> bool:
        """Say whether the call has been taken up and has not ended."""
        return self._begun and not self._done

    def add_done_callback(
        self, fn: Callable[[Any], object], *, context: Variables | None = None
    ) -> None:
        """Call `fn` with this future when the call has ended: on the event loop, where one runs here.

        Elsewhere another thread calls it, or this one where the call has ended already; what it
        raises is logged.
        """
        variables = context or copy_context()
        is_told_by_loop = is_in_loop() and not self._blocks_here()
        if is_told_by_loop:
            loop = asyncio.get_running_loop()
            tell = partial(_tell, loop.call_soon_threadsafe, fn, self, variables)
        else:
            tell = partial(pool.submit, partial(variables.run, _call, fn, self))
        with self._lock:
            is_done = self._done
            if not is_done:
                self._told.append((fn, tell))
        if not is_done:
            self._context.driver.keep_going(self)
        elif is_told_by_loop:
            tell()
        else:
            _call(fn, self)

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """Do not call `fn` after all; says how often it would have been called."""
        with self._lock:
            kept = [pair for pair in self._told if pair[0] != fn]
            removed = len(self._told) - len(kept)
            self._told = kept
        return removed

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop of the run. Raises RuntimeError in a blocking one."""
        loop: asyncio.AbstractEventLoop | None = self._context.driver.loop
        if loop is None:
            raise RuntimeError(f"task {self.name!r} was called in a blocking run")
        return loop

    def set_result(self, result: Any) -> None:
        """Refuse it: what a call gives is what its function returns."""
        raise RuntimeError(f"the engine gives task {self.name!r} its result")

    def set_exception(self, exception: BaseException | None) -> None:
        """Refuse it, as `set_result` is."""
        self.set_result(exception)

    def cancel(self) -> bool:
        """Take the call back, or cancel it where a coroutine runs; False where it is too late.

        A cancelled call leaves no record. What runs in a thread goes on, and a plain node's calls
        are taken up at once.
        """
        with self._lock:
            if self._cancelled:
                return True
            if self._done:
                return False
            is_waiting, self._cancelled = not self._begun, not self._begun
        if not is_waiting and not self._context.driver.drop(self):
            return False
        self.drop()
        return True

    def cancelled(self) -> bool:
        """Say whether the call was taken back."""
        return self._cancelled

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; the error, or None. Raises CancelledError if it was cancelled."""
        if not self._done:
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
        if not self._done and self._is_on_loop_of_run():
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

    def _is_on_loop_of_run(self) -> bool:
        """Say whether to wait here would keep the event loop from the run that is to answer.

        A blocking call may well be made where some event loop runs, as in a notebook.
        """
        loop = self._context.driver.loop
        return loop is not None and is_in_loop() and asyncio.get_running_loop() is loop

    def _blocks_here(self) -> bool:
        driver = self._context.driver
        return driver.loop is None and driver.thread == threading.get_ident()

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._done:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            with self._lock:
                done = self._done
                if not done:
                    self._awaiting.append(waiter)
            if not done:
                self._context.driver.keep_going(self)
                try:
                    yield from waiter.__await__()
                except asyncio.CancelledError:  # of a timeout or a group, say
                    self._context.driver.drop(self)
                    raise
        if self._cancelled:
            raise asyncio.CancelledError(*getattr(self._error, "args", ()))
        return self._hand_out()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _call(fn: Callable[[Any], object], future: TaskFuture) -> None:
    try:
        fn(future)
    except Exception:  # noqa: BLE001 - its own affair, as with other futures
        _log.exception("what was to be called at the end of %r failed", future.name)


def _tell(
    call_soon: Callable[..., object],
    fn: Callable[[Any], object],
    future: TaskFuture,
    variables: Variables,
) -> None:
    with suppress(RuntimeError):  # the event loop is closed: nobody listens
        call_soon(fn, future, context=variables)


def let_go(calls: set[TaskFuture], stop: Stop) -> None:
    """Fail what a run that has ended will not answer, so that no thread waits for ever."""
    for future in list(calls):
        future.fail(stop.error() if stop.is_now else run_has_ended())


def run_has_ended() -> RuntimeError:
    """What a body gets that still asks for a `@task` when its run is over."""
    return RuntimeError("the run has ended; its tasks are not answered any more")
