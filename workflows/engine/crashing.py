"""The end of the process, played for a test: it is not there any more before a saving of its choice (RB.17)."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from itertools import count
from typing import Any, Self

from workflows.engine.checkpoint.base import Place
from workflows.engine.drivers import faults
from workflows.engine.drivers.future import let_go
from workflows.engine.drivers.threads import off_the_loop, pool
from workflows.engine.loop.effects import Save

MOST_SAVINGS = 1_000
_REST_SECONDS = 5.0
_PARTS = ("put", "put_writes", "put_attributes")
_turn = threading.Lock()
_of_saving: ContextVar[_Saving | None] = ContextVar("_of_saving", default=None)


class SimulatedCrash(BaseException):
    """The process ends here, as `crash_after` asks; raised by all that the engine does from then on."""


class _Saving:
    """One saving of the engine; a saver that does it in several calls is counted for each after the first."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.is_counted = True
        self.is_in_call = False


class Crash:
    """A crash before the `number`-th saving, for one `with` block; made by `crash_after`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.savings = 0
        """How many savings were begun; the last was not carried out where it `happened`."""
        self.happened = False
        """Whether so many savings were asked for."""
        self._was_entered = False
        self._counting = threading.Lock()
        self._dead: list[tuple[Any, Place]] = []
        self._changed: dict[int, Any] = {}

    def __enter__(self) -> Self:
        with _turn:
            if faults.active is not None:
                raise RuntimeError(
                    "crash_after(): a crash is waited for in this process already; end its block first"
                )
            if self._was_entered:
                raise RuntimeError("crash_after(): it is for one block; make another")
            self._was_entered = True
            faults.active = self
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: object) -> bool:
        if self.happened:
            pool.rest(_REST_SECONDS)
        faults.active = None
        for saver in self._changed.values():
            for name in [*vars(saver)]:
                if hasattr(vars(saver)[name], "durableweb_counted"):
                    delattr(saver, name)
        for saver, place in self._dead:
            off_the_loop(_bury, saver, place)
        return self.happened and _is_crash(error)

    # what the drivers ask

    def before(self, request: Any, driver: Any = None) -> None:
        """Raise SimulatedCrash where the process is dead by now; nobody then waits for what the driver was to bring."""
        if type(request) is Save:
            self._watch(driver.saver)
            _of_saving.set(_Saving(driver))
            self._count()
        if self.happened:
            raise self._end_of(driver)

    def gives_back(self, driver: Any) -> bool:
        """Whether a driver tells the saver that its run ends; a dead process does not."""
        if self.happened:
            self._dead.append((driver.saver, driver.place))
        return not self.happened

    def _count(self) -> None:
        with self._counting:
            if not self.happened:
                self.savings += 1
                self.happened = self.savings == self.number

    def _end_of(self, driver: Any) -> SimulatedCrash:
        if driver is not None:
            driver.ended = True
            let_go(driver.calls, driver.run.stop)
        return SimulatedCrash(
            f"the process has ended before saving {self.number}, as crash_after({self.number}) asks"
        )

    # savers that save in several calls

    def _watch(self, saver: Any) -> None:
        """Hear of each call of the field's methods of a saver; ours save in another way."""
        if id(saver) in self._changed or not hasattr(saver, "__dict__"):
            return
        self._changed[id(saver)] = saver
        for name in _PARTS:
            for each in (name, f"a{name}"):
                if hasattr(saver, each) and each not in vars(saver):
                    setattr(saver, each, self._counted(getattr(saver, each)))

    def _counted(self, method: Any) -> Callable[..., Any]:
        def count_call() -> _Saving | None:
            saving = _of_saving.get()
            if saving is None or saving.is_in_call:
                return None
            if saving.is_counted:
                saving.is_counted = False
            else:
                self._count()
            if self.happened:
                raise self._end_of(saving.driver)
            saving.is_in_call = True
            return saving

        if inspect.iscoroutinefunction(method):

            @wraps(method)
            async def counted(*args: Any, **kwargs: Any) -> Any:
                saving = count_call()
                try:
                    return await method(*args, **kwargs)
                finally:
                    if saving is not None:
                        saving.is_in_call = False
        else:

            @wraps(method)
            def counted(*args: Any, **kwargs: Any) -> Any:
                saving = count_call()
                try:
                    return method(*args, **kwargs)
                finally:
                    if saving is not None:
                        saving.is_in_call = False

        made: Any = counted
        made.durableweb_counted = True
        made.__func__ = getattr(method, "__func__", method)  # whose parameters count
        return counted


def crash_after(number: int) -> Crash:
    """Let the engine stop inside a `with` block as if its process had died, before its `number`-th saving (from 1 on).

    A saving is what the engine hands to a saver at once: a step, a result of a `@task`, a question. Where a saver does
    that in several calls (`put_writes`, `put`), each of them counts. What is raised, SimulatedCrash, is no Exception, so that
    no handler, retry or undo takes it for a failure, and ends with the block; `crash.happened` says whether it came to that.
    From the crash on nothing is saved, and nobody is told that the run has ended; after the block its thread is free, as
    after the lease of a process that died.

    It is of the whole process: all graphs that run inside the block are counted together. What a node does in a `finally`
    is done all the same, and a task in another thread goes on to its end; the block waits 5 seconds for that.
    Raises ValueError for a number below 1, RuntimeError for a block within a block.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(
            f"crash_after(): {number!r} is no number of a saving; they are counted from 1 on"
        )
    return Crash(number)


def crashes(most: int = MOST_SAVINGS) -> Iterator[Crash]:
    """A crash before the first saving, before the second, and so on, until one does not happen any more.

    For `for crash in crashes():`, whose body begins anew each time, runs the program in `with crash:` and goes on with it
    afterwards; the last time it is run without a crash. Raises RuntimeError where a body enters no `with crash:`, and where
    `most` savings are not the end.
    """
    for number in count(1):
        if number > most:
            raise RuntimeError(
                f"crashes(): the program has not ended after {most:,} savings; does it begin anew each time? Else give "
                "`most` a higher number"
            )
        crash = crash_after(number)
        yield crash
        if not crash._was_entered:
            raise RuntimeError(
                "crashes(): its body has to run the program in `with crash:`"
            )
        if not crash.happened:
            return


def _bury(saver: Any, place: Place) -> None:
    """Free the thread for whoever comes next."""
    bury = getattr(saver, "bury", None)
    if bury is None:
        saver.close(place, "error")  # in this process alone
    else:
        bury(place)


def _is_crash(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(SimulatedCrash)[1] is None
    return isinstance(error, SimulatedCrash)


__all__ = ["Crash", "SimulatedCrash", "crash_after", "crashes"]
