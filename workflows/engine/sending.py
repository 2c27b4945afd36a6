"""Sending updates to a thread of a graph, and waiting for the answer (RB.16).

What is sent lies in the thread's mailbox first. Whoever holds the thread takes it from there: the run that is at work,
between two steps, or where none is, whoever has sent it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from typing import Any

from workflows.engine.checkpoint.taking import patient
from workflows.engine.checkpoint.updating import UpdateAnswer, UpdateRequest
from workflows.engine.drivers import aio, blocking
from workflows.engine.drivers.requests import waited_for_by
from workflows.engine.errors import LeaseLostError, RunCancelled, ThreadBusyError
from workflows.engine.inspection import Inspection
from workflows.engine.kinds import check_line, check_text, refused
from workflows.engine.later import asyncio
from workflows.engine.loop import sent
from workflows.engine.runtime import current
from workflows.engine.update_errors import (
    UnknownUpdateError,
    UpdateRefused,
    UpdateTimeout,
)

WAITS = 30.0
"""Seconds that an update waits for the end of a step, where its sender says nothing else."""
_SHORTEST, _LONGEST = 0.002, 0.25
"""Seconds from one look at the mailbox to the next; they grow."""
_FOR_EVER = 1e9
LONGEST_KEY = 200
"""Characters."""
_KEY = f"a text of at most {LONGEST_KEY} printable characters, or None"
_SAVING = 30.0
"""Seconds that the saving of an update may take, which nobody can take back any more."""
_TAKEN_BY_OTHERS = (ThreadBusyError, LeaseLostError, RunCancelled)
"""What meets whoever does not hold the thread, or does no more; nothing was written then."""


class Sending(Inspection):
    """What may be sent to the threads of a graph whose author has declared updates."""

    def send_update(
        self,
        config: dict[str, Any],
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = WAITS,
        by: str = "",
        idempotency_key: str | None = None,
    ) -> Any:
        """Have update `name` carried out on a living thread; returns what its handler gives as result.

        A thread that waits, for whatever, takes it at once, and goes on waiting; a run that is at work takes it
        between two of its steps. After `timeout` seconds (None: never) it is taken back. `by` names in the
        history who sends it. With a saver that keeps what was sent, of those with one `idempotency_key` on a thread
        the first is carried out, and all are given its answer.

        Raises UpdateRefused where the handler refuses it, the arguments do not fit, there is no such update, or
        the thread has not begun or has ended; UpdateFailed for any other error of the handler; UpdateTimeout. Then
        nothing was written. RuntimeError in a task, or a handler, of that very thread, which would wait for itself.
        """
        waiting = self._send(config, name, args, timeout, by, idempotency_key)
        saver, thread_id, request = waiting.saver, waiting.thread_id, waiting.request
        try:
            saver.ask_update(thread_id, request, waiting.seconds)
            while True:
                taken = self._taken(config)
                if (found := saver.answer_of(thread_id, request.id)) is not None:
                    return waiting.outcome(found)
                if waiting.is_over() and waiting.ends(
                    saver.withdraw_update(thread_id, request.id)
                ):
                    break
                if not taken:
                    time.sleep(waiting.pause())
                    saver.ask_update_again(thread_id, request, waiting.left())
        except UpdateRefused:
            raise  # what lies under its key is not its own, or is answered
        except BaseException:
            saver.withdraw_update(thread_id, request.id)
            raise
        return waiting.late(saver.answer_of(thread_id, request.id))

    async def asend_update(
        self,
        config: dict[str, Any],
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = WAITS,  # noqa: ASYNC109 - what runs is not cancelled
        by: str = "",
        idempotency_key: str | None = None,
    ) -> Any:
        """Async twin of `send_update`."""
        waiting = self._send(config, name, args, timeout, by, idempotency_key)
        ask, thread_id, request = (
            waiting.saver.aupdates,
            waiting.thread_id,
            waiting.request,
        )
        try:
            await ask("ask_update", thread_id, request, waiting.seconds)
            while True:
                taken = await self._ataken(config)
                found = await ask("answer_of", thread_id, request.id)
                if found is not None:
                    return waiting.outcome(found)
                if waiting.is_over() and waiting.ends(
                    await ask("withdraw_update", thread_id, request.id)
                ):
                    break
                if not taken:
                    await asyncio.sleep(waiting.pause())
                    again = thread_id, request, waiting.left()
                    await ask("ask_update_again", *again)
        except UpdateRefused:
            raise  # what lies under its key is not its own, or is answered
        except BaseException:
            await asyncio.shield(ask("withdraw_update", thread_id, request.id))
            raise
        return waiting.late(await ask("answer_of", thread_id, request.id))

    def _send(
        self,
        config: dict[str, Any],
        name: str,
        args: Mapping[str, Any] | None,
        timeout: float | None,
        by: str,
        key: str | None,
    ) -> _Waiting:
        where = f"send_update of graph {self.name!r}"
        check_text(name, where, "name", "the name of an update")
        timeout = _patience(timeout, where)
        check_text(by, where, "by", "the name of who sends it")
        if key is not None:
            check_line(key, where, "idempotency_key", _KEY, LONGEST_KEY)
        handler = self.program.updates.get(name)
        if handler is None:
            raise UnknownUpdateError(name, self.name, self.program.updates)
        given = {} if args is None else args
        handler.arguments(given)
        run = self._edit(config)
        if run.namespace or run.checkpoint_id is not None:
            wanted = "one that names a thread and nothing of its past or below it"
            raise refused(where, "config", config, wanted, ValueError)
        thread_id = run.thread_id or ""
        context: Any = current.get()
        in_task = context is not None and context.run.thread_id == thread_id
        if in_task or waited_for_by.get() == thread_id:
            raise RuntimeError(
                f"{where}: a task, or the handler of an update, of thread {thread_id!r} cannot wait for an update of its "
                "own thread, which is taken when it has ended; return the new values instead"
            )
        number = uuid.uuid4().hex
        if key is not None and run.saver.keeps_updates:
            number = f"key:{key}"
        request = UpdateRequest(number, name, dict(given), by)
        return _Waiting(run.saver, thread_id, request, timeout)

    def _taken(self, config: dict[str, Any]) -> bool:
        """Carry out the oldest update that waits, if nothing is at work on the thread."""
        run = self._edit(config)
        if not run.saver.may_be_updated(run.thread_id):
            return False
        with _from_outside():
            try:
                taken: sent.Taken = blocking.drive(run, sent.first_waiting(run))
            except _TAKEN_BY_OTHERS:
                return False
        return taken.is_one

    async def _ataken(self, config: dict[str, Any]) -> bool:
        run = self._edit(config)
        if not await run.saver.aupdates("may_be_updated", run.thread_id):
            return False
        with _from_outside():
            try:
                taken: sent.Taken = await aio.drive(run, sent.first_waiting(run))
            except _TAKEN_BY_OTHERS:
                return False
        return taken.is_one


def _patience(timeout: Any, where: str) -> float | None:
    """Seconds to wait, None: for as long as it takes. More than a database can add to an instant is for ever."""
    if timeout is None:
        return None
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or isnan(timeout):
        error = ValueError if is_number else TypeError
        raise refused(where, "timeout", timeout, "seconds, or None to wait on", error)
    return timeout if timeout < _FOR_EVER else None


class _Waiting:
    """Whoever waits for the answer to an update."""

    def __init__(
        self, saver: Any, thread_id: str, request: UpdateRequest, seconds: float | None
    ) -> None:
        self.saver = saver
        self.thread_id = thread_id
        self.request = request
        self.seconds = seconds
        self._until = None if seconds is None else time.monotonic() + seconds
        self._pause = _SHORTEST

    def is_over(self) -> bool:
        """Whether it has waited for as long as it may."""
        return self._until is not None and time.monotonic() >= self._until

    def ends(self, is_back: bool) -> bool:
        """Whether it waits no more, once it was over: not while the update is being saved, within reason."""
        return is_back or time.monotonic() >= (self._until or 0.0) + _SAVING

    def left(self) -> float | None:
        """Seconds that it may wait yet; None: for as long as it takes."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def pause(self) -> float:
        """Seconds until it looks again."""
        found, self._pause = self._pause, min(_LONGEST, self._pause * 1.5)
        return found

    def outcome(self, answer: UpdateAnswer) -> Any:
        """What its sender is given."""
        return answer.outcome(self.request.name, self.thread_id)

    def late(self, answer: UpdateAnswer | None) -> Any:
        """What its sender is given after the last look."""
        if answer is None:
            seconds = self.seconds or 0.0
            raise UpdateTimeout(self.request.name, self.thread_id, seconds)
        return self.outcome(answer)


@contextmanager
def _from_outside() -> Iterator[None]:
    """No task's, though one may have called: a handler asks nobody, and no stream is ended that is not read on."""
    waits, context = patient.set(True), current.set(None)
    try:
        yield
    finally:
        current.reset(context)
        patient.reset(waits)
