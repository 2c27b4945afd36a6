"""Who hands the loop its events while the thread that drives it runs a body."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any

from workflows.engine.drivers.future import TaskFuture, let_go, run_has_ended
from workflows.engine.drivers.threads import pool, visiting
from workflows.engine.loop.effects import Event
from workflows.engine.loop.run import Run

# How long a thread rests before it looks again whether it was answered, at first and at last.
# Never a wait of the queue with a limit: where several threads take from a SimpleQueue, one
# whose time is over can be left in it for ever (CPython 3.11 takes a negative rest for none).
_GLANCE_SECONDS = (0.0005, 0.02)


class Pump:
    """The part of the blocking driver that other threads may take over."""

    run: Run
    calls: set[TaskFuture]

    def _advance(self, value: Any, error: BaseException | None = None) -> None:
        raise NotImplementedError

    def _take(self, item: Any, events: list[Event]) -> None:
        raise NotImplementedError

    def _flush(self) -> None:
        raise NotImplementedError

    def _do_oneself(self, future: TaskFuture) -> None:
        raise NotImplementedError

    def _check_fatal(self) -> None:
        """Raise what ends the run, in whichever thread it was met."""
        if self.fatal is not None:
            raise self.fatal

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.waiting = False
        self.done = False
        self.error: BaseException | None = None
        self.fatal: BaseException | None = None
        self.turn = threading.RLock()  # one thread at a time hands events to the loop
        self.is_lent = False  # the caller's thread runs a body, so others may do that
        self.is_taking = False  # it waits for the next event itself, so none else may
        self._kept: list[TaskFuture] = []
        self._keeping = threading.Lock()
        self._has_keeper = False

    def pump(self, future: TaskFuture, timeout: float | None) -> bool:
        """Keep the loop going until `future` ends; False where others do that.

        It is the caller's thread that does, or, while that one is busy with a body, a thread
        of the author's own that carries the context and waits for a task.
        """
        is_own = threading.get_ident() == self.thread
        if (
            is_own and self.done and not future.done()
        ):  # saving failed as it was called, say
            raise self.error or run_has_ended()
        with self.turn:  # another thread may be at it
            if is_own:
                self._check_fatal()
            if not (self.waiting if is_own else self.is_lent):
                return False
        with nullcontext() if is_own else visiting():
            return self._pump(future, timeout, is_own=is_own)

    def _pump(self, future: TaskFuture, timeout: float | None, *, is_own: bool) -> bool:
        end = None if timeout is None else monotonic() + timeout
        rest, longest = _GLANCE_SECONDS
        while not future.done():
            if end is not None and monotonic() >= end:
                raise TimeoutError(f"task {future.name!r} did not end in {timeout} s")
            if not is_own and not self.is_lent:
                return False
            if self._own_turn(future, end) if is_own else self._turn_for_another():
                rest = _GLANCE_SECONDS[0]
            elif not (is_own and end is None) and not future.done():
                sleep(rest)
                rest = min(rest * 2, longest)
            if self.run.stop.is_now and not future.done():
                raise self.run.stop.error()
            if self.done and not future.done():
                raise self.error or run_has_ended()
        return True

    def _own_turn(self, future: TaskFuture, end: float | None) -> bool:
        if end is not None:
            return self._turn(block=False)
        self._do_oneself(future)
        with self.turn:
            self._check_fatal()
            self.is_taking = True
        try:
            # Another thread may have taken what we wait for just before.
            return not future.done() and self._turn(block=True)
        finally:
            self.is_taking = False

    def _turn_for_another(self) -> bool:
        """Hand the loop what has happened in the place of the caller's thread, if that does not."""
        with self.turn:
            try:
                return self.is_lent and not self.is_taking and self._turn(block=False)
            except BaseException as error:
                self.fatal = error  # the caller's thread is to meet it, too
                raise

    def _turn(self, *, block: bool) -> bool:
        """Hand to the loop what has happened; says whether anything had."""
        events: list[Event] = []
        try:
            self._take(self.queue.get(block=block), events)
            while True:
                self._take(self.queue.get_nowait(), events)
        except Empty:
            pass
        with self.turn:
            if events and not self.done:
                self._advance(events)
            self._flush()
        return bool(events)

    def keep_going(self, future: TaskFuture) -> None:
        """See to it that `future` ends though the caller's thread waits for it in its own way."""
        with self._keeping:
            if future.done() or not self.is_lent:
                return
            self._kept.append(future)
            if self._has_keeper:
                return
            self._has_keeper = True
        pool.submit(partial(copy_context().run, self._keep))

    def drop(self, future: TaskFuture) -> bool:
        """Nobody waits for the call any more; a thread goes on to its end."""
        return False

    def _keep(self) -> None:
        """In a thread of the pool: keep the loop going until none of these is waited for."""
        while (future := self._next_kept()) is not None:
            try:
                self.pump(future, None)
            except BaseException:  # noqa: BLE001 - the caller's thread meets it too
                let_go(self.calls, self.run.stop)

    def _next_kept(self) -> TaskFuture | None:
        with self._keeping:
            if self.is_lent:
                self._kept = [each for each in self._kept if not each.done()]
            else:
                self._kept = []
            self._has_keeper = bool(self._kept)
            return self._kept[0] if self._kept else None
