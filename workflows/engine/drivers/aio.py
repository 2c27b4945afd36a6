"""Answers the loop with `await`: coroutine nodes are asyncio tasks, plain functions go to threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from workflows.engine.drivers import faults, heard, requests, timeouts
from workflows.engine.drivers.attempt import Invoke, run_async
from workflows.engine.drivers.blocking import Blocking
from workflows.engine.drivers.context import Context
from workflows.engine.drivers.future import TaskFuture, let_go
from workflows.engine.drivers.left import Left
from workflows.engine.drivers.threads import hop
from workflows.engine.errors import LeaseLostError, NodeCancelledError, RunCancelled
from workflows.engine.later import asyncio
from workflows.engine.loop.effects import (
    Abandoned,
    Called,
    Cancel,
    Compute,
    Dropped,
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


class Aio:
    """Drives one generator of the loop to its end on the running event loop."""

    is_async = True

    def __init__(self, run: Run, steps: Steps[Any], left: Left | None = None) -> None:
        self.left = left
        self.run = run
        self.steps = steps
        self.saver = run.saver
        self.place: Any = None
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.events: deque[Event] = deque()
        self.taken: list[Event] = []
        self.arrived = asyncio.Event()
        self.ready: deque[tuple[Task, float]] = deque()
        self.attempts: dict[str, asyncio.Task[None]] = {}
        self.result: Any = None
        self.chunks: deque[Any] = deque()
        self.fatal: BaseException | None = None
        self.error: BaseException | None = None
        self.suspended = False
        self.taken_over: Any = None
        self.ended = False
        self.calls: set[TaskFuture] = set()
        self.dropped: set[Task] = set()
        self.is_heard = bool(run.modes or run.heard or "callbacks" in run.config)
        self.told_of: dict[Task, Event] = {}  # endings of which handlers are being told
        self.clock = timeouts.StepClock(self.loop.call_later, self._post)

    async def drive(self) -> Any:
        """Run to the end; returns what the generator returns."""
        async with aclosing(self.stream()) as stream:
            async for _ in stream:
                pass
        return self.result

    async def stream(self) -> AsyncGenerator[Any, None]:
        """Run to the end, yielding chunks while no task of the next step has started."""
        status = "error"
        cleaning: tuple[asyncio.Task[None], ...] = ()
        stop = self.run.stop
        stop.listen(self._nudge)
        try:
            request = await self._until_wait(None)
            while request is not None:
                events: list[Event] = []
                while not events:
                    while self.chunks:
                        self.suspended = True
                        yield self.chunks.popleft()
                        self._go_on()
                    events = await self._next_events()
                    if stop.is_now:
                        break
                if events:
                    request = await self._until_wait(events)
                if stop.is_now and request is not None:
                    request = await self._until_wait(None, stop.error())
            while self.chunks:
                self.suspended = True
                yield self.chunks.popleft()
                self._go_on()
            if self.error is not None:
                raise self.error
            status = getattr(self.result, "status", "success")
        except GeneratorExit:
            status = "stopped"
            await self._leave(Abandoned(cancelled=self._is_busy()))
            raise
        except RunCancelled:
            status = "cancelled"
            raise
        except asyncio.CancelledError:
            status = "cancelled"
            cleaning = tuple(self.attempts.values())
            await asyncio.shield(self._leave(Abandoned(cancelled=True)))
            raise
        except BaseException as error:
            if not isinstance(error, Exception):  # KeyboardInterrupt of a task (R3.16)
                await self._leave(Abandoned())
            raise
        finally:
            stop.forget(self._nudge)
            self.clock.stop()
            self.steps.close()
            for attempt in self.attempts.values():
                attempt.cancel()
            self.ended = True
            let_go(self.calls, stop)
            if self.place is not None and faults.gives_back(self):
                place, self.place = self.place, None
                await asyncio.shield(self.saver.aclose(place, status))
            await asyncio.gather(*cleaning, return_exceptions=True)

    async def _leave(self, end: Abandoned) -> None:
        """Let the loop save what it has kept back, before nobody drives it any more (R4.4)."""
        if self.taken_over is None:
            await self._until_wait(None, end)

    def _go_on(self) -> None:
        self.suspended = False
        if self.taken_over is not None:
            raise LeaseLostError(self.taken_over.run_id, self.taken_over.fence)

    def cancel(self, mode: str, reason: str = "", limit: float | None = None) -> None:
        """Ask the run to end, from any thread: what a saver calls that was told so."""
        self.run.stop.request(mode, reason, limit)

    def give_up(self) -> bool:
        """End a run whose stream nobody reads on; False while a task is at work (RA.2).

        Tasks of a stream that was let go do not count: it is about to be closed (R3.18).
        """
        if not self.suspended or (self._is_busy() and not self.left):
            return False
        self.taken_over, self.place = self.place, None
        return True

    def _is_busy(self) -> bool:
        return any(not attempt.done() for attempt in self.attempts.values())

    async def _until_wait(self, value: Any, error: BaseException | None = None) -> Any:
        """Answer requests until the loop waits (returns it) or ends (returns None)."""
        steps = self.steps
        try:
            request = steps.send(value) if error is None else steps.throw(error)
            while not isinstance(request, Wait):
                try:
                    answer = await self._answer(request)
                except Exception as failed:  # noqa: BLE001 - the loop is told
                    request = steps.throw(requests.marked(failed, request))
                else:
                    request = steps.send(answer)
        except StopIteration as stop:
            self.result = stop.value
            return None
        except (Exception, RunCancelled) as raised:  # noqa: BLE001 - raised by stream()
            self.error = raised
            return None
        if faults.active is not None:
            faults.active.before(request, self)
        return request

    async def _answer(self, request: Any) -> Any:
        if faults.active is not None:
            faults.active.before(request, self)
        match request:
            case Start(task, delay):
                self.ready.append((task, delay))
                return None
            case Save(commit):
                return await self.saver.acommit(commit)
            case Emit():
                self.chunks += requests.handed_out(self.run, request)
                return None
            case Load() | Look() | List():
                return await requests.aread_from(self.saver, request)
            case Open(thread_id, head):
                self.place = await self.saver.aopen(thread_id, head, self)
                return self.place
            case Cancel(tasks):
                return await self._cancel(tasks)
            case Compute():
                with requests.computing(request, self.run, self) as kwargs:
                    found = request.fn(*request.args, **kwargs)
                    return await found if request.is_async else found
            case Within():
                return self.clock.ask(request)
            case Lookup(keys):
                return await self.run.cache.aget(keys)
            case Keep(pairs):
                return await self.run.cache.aset(pairs)
            case Updates(method, given):
                return await self.saver.aupdates(method, *given)
        raise TypeError(f"unknown request {request!r}")

    def _nudge(self) -> None:
        if threading.get_ident() == self.thread:
            self.arrived.set()
        else:
            self.loop.call_soon_threadsafe(self.arrived.set)

    async def _cancel(self, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        """Give up what runs and has not ended (R3.11)."""
        self._wait_for_no_handler()
        starting = {task for task, _ in self.ready}
        given_up = requests.to_give_up(tasks, [*self.taken, *self.events], starting)
        self.ready = deque(pair for pair in self.ready if pair[0] not in given_up)
        for attempt in [self.attempts.pop(t.id, None) for t in given_up]:
            if attempt is not None:
                attempt.cancel()
        await asyncio.sleep(0)  # they hear of it before the run raises
        return given_up

    async def _next_events(self) -> list[Event]:
        stop = self.run.stop
        if not stop.is_now:
            if self.run.step_timeout:
                self.clock.begin()
            self._flush()
        if not self.events:
            self.arrived.clear()
            if not self.events and not self.chunks and not stop.is_now:
                await self.arrived.wait()
        if self.fatal is not None:
            raise self.fatal
        if stop.is_now:
            self._wait_for_no_handler()
        # one by one, as threads may add some meanwhile
        self.taken = [self.events.popleft() for _ in range(len(self.events))]
        return self.taken

    def _wait_for_no_handler(self) -> None:
        """What has ended counts, though handlers are being told of it."""
        self.events.extend(self.told_of.values())
        self.told_of.clear()

    def _flush(self) -> None:
        while self.ready:
            task, delay = self.ready.popleft()
            self.attempts[task.id] = self.loop.create_task(self._attempt(task, delay))

    async def _attempt(self, task: Task, delay: float) -> None:
        context = Context(task, self.run, self)
        current.set(context)
        try:
            if delay > 0:
                await asyncio.sleep(delay)
            end: Event | None
            if self.run.heard is None:
                end = Finished(task, await self._within_limits(task, context))
            else:
                work = partial(self._within_limits, task, context)
                end = await heard.aattempt(task, context, work, self.told_of)
        except asyncio.CancelledError:
            if task in self.dropped:
                self._post(Dropped(task))
            elif not self._has_given_up(task):  # a body has cancelled itself (R1.41)
                failed = Failed(task, NodeCancelledError(task.name))
                self.loop.call_soon(self._post, failed)  # after a cancel of the run
        except BaseException as error:  # noqa: BLE001 - an ending like any other
            if context.is_stop(error):
                self._nudge()
            elif context.is_ending(error):
                self._post(Failed(task, error))
            else:
                self.fatal = error  # ends the run (R3.16)
                self._nudge()
        else:
            if end is not None:
                self._post(end)

    def _has_given_up(self, task: Task) -> bool:
        return self.ended or task.id not in self.attempts

    async def _within_limits(self, task: Task, context: Context) -> Any:
        """One attempt under its timeout, if it has one (R1.37)."""
        policy = timeouts.policy_of(task)
        if policy is None:
            if self.is_heard:
                context.listen()
            return await run_async(task, context, self._in_thread)
        watch = timeouts.Watch(policy, self.loop.time)
        context.watch = watch
        context.listen()
        attempt = asyncio.ensure_future(run_async(task, context, self._in_thread))
        try:
            while True:
                await asyncio.wait({attempt}, timeout=watch.left())
                if attempt.done():
                    return attempt.result()
                if watch.left() <= 0:
                    raise watch.error(task.name)
        finally:
            attempt.cancel()

    async def _in_thread(self, invoke: Invoke) -> Any:
        return await hop(partial(invoke.fn, *invoke.args, **invoke.kwargs))

    # the tasks' side; may be called from another thread

    def _post(self, event: Event) -> None:
        self.events.append(event)
        self._nudge()

    def wrote(self, event: Wrote) -> None:
        """The stream writer was used, or a run below has sent a chunk up."""
        self._post(event)

    def called(self, parent: Task, child: Task) -> None:
        """A `@task` was called."""
        if self._take_call(child):
            self._post(Called(parent, child))

    def _take_call(self, child: Task) -> bool:
        """Remember whom to answer; False when the run is over and nobody will."""
        if child.call is not None:
            self.calls.add(child.call.future)
        if self.ended:
            let_go(self.calls, self.run.stop)
        return not self.ended

    def pump(self, future: Any, timeout: float | None) -> bool:
        """The event loop keeps itself going; a waiting thread simply waits."""
        return False

    def drop(self, future: TaskFuture) -> bool:
        """Cancel a coroutine's call that runs, unless the run is (R8.9); False where it cannot be."""
        child = future.child
        if child is None or not child.node.is_async or child.parent is None:
            return False
        attempt = self.attempts.get(child.id)
        if attempt is None or attempt.done() or self._has_given_up(child.parent):
            return False
        self.dropped.add(child)
        attempt.cancel()
        return True

    def keep_going(self, future: Any) -> None:
        """The event loop keeps itself going."""

    def refuse(self, run: Run, question_id: str) -> None:
        """An answer did not fit: forget it, so that the question stays open (R5.9)."""
        run.answers.pop(question_id, None)


async def drive_plain(run: Run, steps: Steps[Any]) -> Any:
    """One hop for a whole run in which nothing is a coroutine function.

    When the awaiting task is cancelled, the run stops after its present step: a thread
    cannot be stopped inside a function.
    """
    loop = asyncio.get_running_loop()
    try:
        return await hop(lambda: Blocking(run, steps, loop).drive())
    except asyncio.CancelledError:
        run.stopping = True
        raise


async def drive(run: Run, steps: Steps[Any]) -> Any:
    """Answer `steps` on the running event loop; returns what it returns."""
    return await Aio(run, steps).drive()
