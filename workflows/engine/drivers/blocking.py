"""Answers the loop on the caller's thread, with a pool where more than one task is due.

A lone task runs on the caller's own thread, so it shares the caller's database connection, unless
somebody reads what it has to show while it runs. When it waits for a `@task`, `pump` keeps the loop going from inside the wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any

from workflows.engine.checkpoint.taking import may_be_cancelled
from workflows.engine.drivers import faults, heard, timeouts
from workflows.engine.drivers.attempt import check_blocking, run_blocking
from workflows.engine.drivers.context import Context
from workflows.engine.drivers.future import TaskFuture, let_go
from workflows.engine.drivers.pumping import Pump
from workflows.engine.drivers.requests import (
    computing,
    handed_out,
    marked,
    read_from,
    shows_while_it_runs,
)
from workflows.engine.drivers.threads import Offer, pool
from workflows.engine.errors import LeaseLostError, RunCancelled
from workflows.engine.loop.effects import (
    Abandoned,
    Called,
    Cancel,
    Compute,
    Emit,
    Event,
    Failed,
    Finished,
    Keep,
    List,
    Load,
    Look,
    Lookup,
    Open,
    Overdue,
    Save,
    Start,
    Steps,
    Updates,
    Wait,
    Within,
    Wrote,
)
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.runtime import current

_NUDGE = object()  # put into the queue to wake the driver, so that it sees a stop
DEEPEST = 8
"""So many calls within calls run on the thread that waits for them: each takes its part of Python's stack."""
_STOPPED = object()  # instead of an ending: the attempt met RunCancelled


class Blocking(Pump):
    """Drives one generator of the loop to its end."""

    def __init__(self, run: Run, steps: Steps[Any], loop: Any = None) -> None:
        super().__init__()
        self.run = run
        self.steps = steps
        self.saver = run.saver
        self.place: Any = None
        self.loop = loop  # the event loop that awaits this run, if one does
        self.is_async = loop is not None
        self.ready: deque[Task] = deque()
        self.live = 0
        self.offer: Offer | None = None
        self.depth = 0
        self.result: Any = None
        self.chunks: deque[Any] = deque()
        self.inline = not shows_while_it_runs(run)
        if run.is_root:
            run.stop.may_come = may_be_cancelled(run.saver)
        self.is_heard = bool(run.modes or run.heard or "callbacks" in run.config)
        self.suspended = False
        self.taken_over: Any = None
        self.ended = False
        self.calls: set[TaskFuture] = set()
        self.clock = timeouts.StepClock(timeouts.call_later, self.queue.put)

    # the caller's side

    def drive(self) -> Any:
        """Run to the end; returns what the generator returns."""
        for _ in self.stream():
            pass
        return self.result

    def stream(self) -> Generator[Any, None, None]:
        """Run to the end, yielding chunks while no task of the next step has started."""
        status = "error"
        stop = self.run.stop
        stop.listen(self._nudge)
        try:
            self._advance(None)
            while not self.done:
                if self.chunks:
                    yield from self._hand_out()
                events = self._next_events()
                if events:
                    self._advance(events)
                if stop.mode and stop.is_now and not self.done:
                    self.ready.clear()
                    self._advance(None, stop.error())
            yield from self._hand_out()
            if self.error is not None:
                raise self.error
            status = getattr(self.result, "status", "success")
        except GeneratorExit:
            status = "stopped"
            self._end_step()
            self._leave()
            raise
        except RunCancelled:
            status = "cancelled"
            raise
        except Exception:
            raise
        except BaseException:  # KeyboardInterrupt, of a task or here (R3.16)
            self._leave()
            raise
        finally:
            stop.forget(self._nudge)
            self.clock.stop()
            self.steps.close()
            self.ended = True
            let_go(self.calls, stop)
            if self.place is not None and faults.gives_back(self):
                self.saver.close(self.place, status)

    def _end_step(self) -> None:
        """Let what runs end and keep it: a thread cannot be stopped, and its work would be done twice (R3.18)."""
        self.run.stopping = True
        self.clock.stop()
        if self.live or any(task.call is not None for task in self.ready):
            self._flush()  # a body that runs, or has returned, may need a call's end
        while self.live and not (self.done or self.taken_over or self.run.stop.is_now):
            events: list[Event] = []
            self._take(self.queue.get(), events)
            if events:
                self._advance(events)
            self._flush()

    def _leave(self) -> None:
        """Let the loop save what it has kept back, before nobody drives it any more (R4.4)."""
        if not self.done and self.taken_over is None:
            self._advance(None, Abandoned())

    def _hand_out(self) -> Generator[Any, None, None]:
        while self.chunks:
            self.suspended = True
            yield self.chunks.popleft()
            self.suspended = False
            if self.taken_over is not None:
                raise LeaseLostError(self.taken_over.run_id, self.taken_over.fence)

    def cancel(self, mode: str, reason: str = "", limit: float | None = None) -> None:
        """Ask the run to end, from any thread: what a saver calls that was told so."""
        self.run.stop.request(mode, reason, limit)

    def give_up(self) -> bool:
        """End a run whose stream nobody reads on; False while a task is at work (RA.2)."""
        if not self.suspended or self.live:
            return False
        self.taken_over, self.place = self.place, None
        return True

    def _nudge(self) -> None:
        self.queue.put(_NUDGE)

    # the loop's side

    def _advance(self, value: Any, error: BaseException | None = None) -> None:
        """Hand `value`, or `error`, to the loop and answer it until it waits or ends."""
        self.waiting = False
        steps = self.steps
        try:
            request = steps.send(value) if error is None else steps.throw(error)
            while type(request) is not Wait:
                try:
                    answer = self._answer(request)
                except Exception as failed:  # noqa: BLE001 - the loop is told
                    request = steps.throw(marked(failed, request))
                else:
                    request = steps.send(answer)
            if faults.active is not None:
                faults.active.before(request, self)
            self.waiting = True
        except StopIteration as stop:
            self.done, self.result = True, stop.value
        except (Exception, RunCancelled) as raised:  # noqa: BLE001 - raised by stream()
            self.done, self.error = True, raised

    def _answer(self, request: Any) -> Any:
        if faults.active is not None:
            faults.active.before(request, self)
        kind = type(request)
        if kind is Start and not request.delay:  # these two are asked in every step
            return self.ready.append(request.task)
        if kind is Save:
            return self.saver.commit(request.commit)
        match request:
            case Start(task, delay):
                return self._start_later(task, delay)
            case Emit():
                self.chunks += handed_out(self.run, request)
                return None
            case Load() | Look() | List():
                return read_from(self.saver, request)
            case Open(thread_id, head):
                self.place = self.saver.open(thread_id, head, self)
                return self.place
            case Cancel():
                # Threads cannot be stopped; their results are kept.
                return () if self.is_async else None
            case Compute():
                if request.is_async:
                    check_blocking(None, getattr(request.fn, "__name__", "?"))
                with computing(request, self.run, self) as kwargs:
                    return request.fn(*request.args, **kwargs)
            case Within():
                return self.clock.ask(request)
            case Lookup(keys):
                return self.run.cache.get(keys)
            case Keep(pairs):
                return self.run.cache.set(pairs)
            case Updates(method, given):
                return getattr(self.saver, method)(*given)
        raise TypeError(f"unknown request {request!r}")

    def _start_later(self, task: Task, delay: float) -> None:
        self.live += 1
        job = partial(self._in_pool, task, copy_context())
        timeouts.call_later(delay, partial(pool.submit, job))

    def _submit(self, task: Task) -> None:
        self.live += 1
        job = partial(self._in_pool, task, copy_context())
        self.offer = Offer(job, task)
        pool.submit(self.offer)

    def _in_pool(self, task: Task, context: Any) -> None:
        self.queue.put(context.run(self._attempt, task))

    def _attempt(self, task: Task) -> Event | object:
        token = current.set(context := Context(task, self.run, self))
        hush = None
        try:
            if "timeout" in task.due:
                # Nothing can stop a plain function: its limit is what runtime.check() obeys.
                policy = timeouts.policy_of(task)
                context.watch = timeouts.Watch(policy, monotonic) if policy else None
            if self.is_heard:
                if self.run.heard is not None:
                    return Finished(task, heard.attempt(task, context))
                hush = context.listen()
            return Finished(task, run_blocking(task, context))
        except BaseException as error:  # noqa: BLE001 - an ending like any other
            if context.is_stop(error):
                return _STOPPED
            if context.is_ending(error):
                return Failed(task, error)
            self.fatal = error  # ends the run (R3.16)
            return Failed(task, RuntimeError("the run was ended"))
        finally:
            if hush is not None:
                hush()
            current.reset(token)

    def _do_oneself(self, future: TaskFuture) -> None:
        """Run the call that this thread waits for on it, where that is all there is to do: no change of threads.

        Not where another task is at work, whose end is to be saved meanwhile (R4.2), nor where the run or its step
        may be told to end, which lets a body go that waits (RA.17), and what runs here cannot be let go.
        """
        with self.turn:
            offer, self.offer = self.offer, None
            if offer is None or self.live - self.depth != 1 or self.ready:
                return
        call, run = offer.subject.call, self.run
        if call is None or call.future is not future or self.depth >= DEEPEST:
            return
        if not self.inline or run.stop.may_come or run.step_timeout:
            return
        self.depth += 1
        try:
            offer()
        finally:
            self.depth -= 1

    def _flush(self) -> None:
        while self.ready:
            self._submit(self.ready.popleft())

    def _next_events(self) -> list[Event]:
        events: list[Event] = []
        if self.run.step_timeout:
            self.clock.begin()
        is_inline = self.inline and len(self.ready) == 1 and self.live == 0
        if is_inline:
            self.is_lent = True
            try:
                event: Any = self._attempt(self.ready.popleft())
            finally:
                with self.turn:  # whoever keeps the loop going ends with that
                    self.is_lent = False
            self._check_fatal()
            if self.done or event is _STOPPED:
                return []
            events.append(event)
        else:
            self._flush()
            self._take(self.queue.get(), events)
        while not self.queue.empty():  # nobody else takes from it
            self._take(self.queue.get(), events)
        if is_inline and len(events) > 1:  # its time was over before it ended
            events.sort(key=lambda event: type(event) is not Overdue)
        return events

    def _take(self, item: Any, events: list[Event]) -> None:
        if item is _NUDGE:
            return
        if item is _STOPPED or isinstance(item, Finished | Failed):
            self.live -= 1
        self._check_fatal()
        if item is not _STOPPED:
            events.append(item)

    # the tasks' side

    def wrote(self, event: Wrote) -> None:
        """The stream writer was used, or a run below has sent a chunk up."""
        self.queue.put(event)

    def called(self, parent: Task, child: Task) -> None:
        """A `@task` was called; it is started at once where the loop is free to."""
        if not self._take_call(child):
            return
        self.queue.put(Called(parent, child))
        if threading.get_ident() == self.thread:
            with self.turn:  # another thread may be at it
                if self.waiting:
                    self._turn(block=False)

    def _take_call(self, child: Task) -> bool:
        """Remember whom to answer; False when the run is over and nobody will."""
        if child.call is not None:
            self.calls.add(child.call.future)
        if self.ended:
            let_go(self.calls, self.run.stop)
        return not self.ended

    def refuse(self, run: Run, question_id: str) -> None:
        """An answer did not fit: forget it, so that the question stays open (R5.9)."""
        run.answers.pop(question_id, None)


def drive(run: Run, steps: Steps[Any]) -> Any:
    """Answer `steps` on this thread; returns what it returns."""
    return Blocking(run, steps).drive()


def look(run: Run, steps: Steps[Any]) -> Any:
    """Answer `steps` that only read: nothing is started, nobody waits for it, nothing stops it."""
    saver = run.saver
    answer = None
    try:
        while True:
            request = steps.send(answer)
            if faults.active is not None:
                faults.active.before(request)
            answer = read_from(saver, request)
    except StopIteration as stop:
        return stop.value
