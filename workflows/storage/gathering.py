"""Coroutines of one event loop that save at the same time go together: one hop, one transaction.

A thread that saves finds what other threads wait to have written (`turns.py`). Coroutines have one thread
between them that writes: each would hop to it, write, wait for the disk, and only then would the next. Instead,
what is asked for while one hop is under way goes with the next one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import copy_context
from typing import Any

from workflows.storage.savings import Part, Saving, together
from workflows.storage.turns import Wish

MOST = 100
"""Savings that go together at most: whoever else wants to write waits meanwhile."""

TURNS = 4
"""Of the event loop: after so many a run that was answered has come with what its next step wrote.

Else half of the runs would be at work while the other half is saved, and there would be twice as many hops: with
eight at once they cost a third of the time.
"""

Hop = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a function in the thread that writes."""


class _Wanted:
    """A saving that a coroutine waits for."""

    __slots__ = ("done", "part", "thread_id")

    def __init__(self, thread_id: str, part: Part, done: asyncio.Future[Any]) -> None:
        self.thread_id = thread_id
        self.part = part
        self.done = done


class Line:
    """What coroutines of one loop want to have saved at one place; it lives while there is anything."""

    def __init__(
        self,
        key: tuple[Any, ...],
        hop: Hop,
        write_all: Callable[[Sequence[Wish]], object],
    ) -> None:
        self._key = key
        self._hop = hop
        self._write_all = write_all
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._waiting: deque[_Wanted] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_busy = False

    async def carry_out(self, thread_id: str, saving: Saving[Any]) -> Any:
        """Have `saving`, which is of this thread, carried out; returns and raises what it does.

        Given up before its turn it is not begun; once begun it goes on.
        """
        part = Part(saving, copy_context().run)
        if not self._is_busy:
            return await self._by_itself(part)
        done: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(_Wanted(thread_id, part, done))
        return await done

    async def _by_itself(self, part: Part) -> Any:
        """Have `part` carried out where nobody waits: without a task, which a lone run would feel."""
        self._is_busy = True
        first = threading.Lock()  # whoever has it decides what becomes of the part
        left = threading.Lock()  # who finds it taken, by the other, lets the next begin

        def work() -> None:
            if not first.acquire(blocking=False):
                return
            self._carry_out([part])
            if not left.acquire(blocking=False):
                self._call(self._begin)

        try:
            await self._hop(work)
        except BaseException:  # given up, or no thread to be had
            if first.acquire(blocking=False):
                part.saving.close()
                self._begin()
            elif not left.acquire(blocking=False):
                self._begin()
            raise
        self._begin()
        if part.error is not None:
            raise part.error
        return part.value

    def _begin(self) -> None:
        """Send the next group on its way, or leave where nobody waits."""
        group = self._next_group()
        self._is_busy = bool(group)
        if not group:
            _lines.pop(self._key, None)
            return
        first = threading.Lock()  # whoever has it decides what becomes of the group

        async def send() -> None:
            await self._hop(work)

        def work() -> None:
            if first.acquire(blocking=False):
                self._work(group)

        def look_after(task: asyncio.Task[None]) -> None:
            if first.acquire(blocking=False):
                self._not_sent(group, task)

        # A copy: what a hop notes in its context is not for the one after it.
        self._task = self._loop.create_task(send(), context=self._context.copy())
        self._task.add_done_callback(look_after)

    def _next_group(self) -> list[_Wanted]:
        """Those that can go together: of a thread only the first, as the second builds upon it."""
        group: dict[str, _Wanted] = {}
        later: list[_Wanted] = []
        while self._waiting and len(group) < MOST:
            wanted = self._waiting.popleft()
            if wanted.done.done():  # given up
                wanted.part.saving.close()
            elif wanted.thread_id in group:
                later.append(wanted)
            else:
                group[wanted.thread_id] = wanted
        self._waiting.extendleft(reversed(later))
        return [*group.values()]

    def _not_sent(self, group: list[_Wanted], task: asyncio.Task[None]) -> None:
        """The hop has ended before its thread began."""
        error = None if task.cancelled() else task.exception()
        if error is None:  # cancelled with all tasks of a loop that is to end
            self._waiting.extendleft(reversed(group))
            self._begin()
            return
        for wanted in group:
            wanted.part.error = error
        self._settle(group)

    def _work(self, group: list[_Wanted]) -> None:
        """In the thread that writes."""
        self._carry_out([wanted.part for wanted in group])
        self._call(self._settle, group)

    def _carry_out(self, parts: list[Part]) -> None:
        try:
            together(parts, self._write_all)
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            for part in parts:
                part.error = part.error or error

    def _call(self, function: Callable[..., object], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the event loop is closed: nobody waits any more
            _lines.pop(self._key, None)

    def _settle(self, group: list[_Wanted]) -> None:
        for wanted in group:
            if wanted.done.done():
                continue
            if wanted.part.error is not None:
                wanted.done.set_exception(wanted.part.error)
            else:
                wanted.done.set_result(wanted.part.value)
        self._begin_after(TURNS if len(group) > 1 else 0)

    def _begin_after(self, turns: int) -> None:
        """Let those who were answered come again first, where there are several."""
        if turns:
            self._loop.call_soon(self._begin_after, turns - 1)
        else:
            self._begin()


_lines: dict[tuple[Any, ...], Line] = {}


def line_at(
    place: Hashable, hop: Hop, write_all: Callable[[Sequence[Wish]], object]
) -> Line:
    """The line of the running event loop at `place`: whatever `hop` and `write_all` go by."""
    key = (asyncio.get_running_loop(), place)
    found = _lines.get(key)
    if found is None:
        for left in [*_lines]:
            if left[0].is_closed():
                _lines.pop(left, None)
        found = _lines[key] = Line(key, hop, write_all)
    return found
