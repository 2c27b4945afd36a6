"""Telling handlers of langchain-core of a graph, and of each attempt of its tasks, as runs (R9.10)."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing
from typing import Any

from workflows.engine.constants import TAG_HIDDEN
from workflows.engine.drivers import tokens
from workflows.engine.drivers.attempt import Invoke, run_blocking
from workflows.engine.drivers.context import Context
from workflows.engine.drivers.trimming import shows_output, trimmed
from workflows.engine.errors import GraphInterrupt
from workflows.engine.inject import is_runnable
from workflows.engine.later import asyncio
from workflows.engine.loop.effects import Event, Failed, Finished
from workflows.engine.loop.inputs import argument_of
from workflows.engine.loop.outcome import Outcome
from workflows.engine.loop.plan import metadata_of
from workflows.engine.loop.program import Branch, Node, Writes
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task


def stream(driver: Any, given: Any) -> Generator[Any, None, None]:
    """What a blocking driver streams of a run with this input, told of where somebody hears it."""
    chunks: Generator[Any, None, None] = driver.stream()
    return chunks if driver.run.heard is None else _told(driver, given, chunks)


def astream(driver: Any, given: Any) -> AsyncGenerator[Any, None]:
    """Async twin of `stream`."""
    chunks: AsyncGenerator[Any, None] = driver.stream()
    return chunks if driver.run.heard is None else _atold(driver, given, chunks)


def _told(driver: Any, given: Any, chunks: Any) -> Generator[Any, None, None]:
    heard = driver.run.heard
    run = heard.opened = heard.open(given, is_async=False)
    try:
        yield from chunks
        method, value = _end_of(run, driver.run, driver.result)
        method(value)
    except BaseException as error:
        run.on_chain_error(error)
        raise


async def _atold(driver: Any, given: Any, chunks: Any) -> AsyncGenerator[Any, None]:
    heard = driver.run.heard
    run = heard.opened = await heard.open(given, is_async=True)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
        method, value = _end_of(run, driver.run, driver.result)
        await method(value)
    except BaseException as error:
        for told in [*heard.running]:  # what was given up ends before its graph does
            await told.afail(asyncio.CancelledError())
        await run.on_chain_error(error)
        raise


def _end_of(manager: Any, run: Run, outcome: Outcome) -> tuple[Callable[..., Any], Any]:
    """How a run has ended that has not failed: a pause ends a graph below as it ends the task that called it."""
    if outcome.is_pause and run.outer is not None:
        return manager.on_chain_error, GraphInterrupt(outcome.interrupts)
    return manager.on_chain_end, outcome.values


def attempt(task: Task, context: Context) -> Writes:
    """One attempt of a task on this thread, told of."""
    told = context.told = Told(task, context)
    if told.manager is not None:
        told.began(told.begin())
    hush = None
    try:
        hush = context.listen()
        writes = run_blocking(task, context)
    except BaseException as error:
        for _ in told.fail(error):
            pass
        raise
    finally:
        if hush is not None:
            hush()
    told.end()
    return writes


async def aattempt(
    task: Task,
    context: Context,
    work: Callable[[], Awaitable[Writes]],
    ended: dict[Task, Event],
) -> Event | None:
    """Async twin of `attempt`, whose `work` it is to await; returns its ending.

    The ending stands in `ended` while handlers are told of it. Whoever cannot wait for them takes it out of there,
    and None is returned.
    """
    told = context.told = Told(task, context)
    if told.manager is not None:
        told.began(await told.begin())
    try:
        ended[task] = Finished(task, await work())
    except BaseException as error:
        if not isinstance(error, Exception) or context.is_stop(error):
            await told.afail(error)
            raise
        ended[task] = Failed(task, error)
    try:
        await told.atell(ended[task])
    finally:
        end = ended.pop(task, None)
    return end


class Told:
    """What handlers are told of one attempt of a task.

    A part of a node's work, such as the call of a tool, is no run; what it calls is told as what its node calls.
    """

    run: Any = None
    """langchain-core's manager of the run, once it has begun."""
    router: Any = None
    """The same of the branch that is asked at the moment."""
    returned: Any = None
    sent_up: BaseException | None = None
    """A Command of a graph below on its way up: that graph's task has failed for handlers."""

    def __init__(self, task: Task, context: Context) -> None:
        run, call = context.run, task.call
        self.heard = heard = run.heard
        self.task = task
        self.tags = [*run.config.get("tags", ()), *task.node.tags]
        if call is None and task.node.hidden:
            self.tags.append(TAG_HIDDEN)
        self.manager: Any = None
        if call is None:
            above = heard.opened.get_child(f"graph:step:{run.live_step}")
        else:
            above = call.above or heard.opened.get_child()
        self.child: Any = above
        """The callbacks of what the attempt calls."""
        if call is None or not task.node.hidden:
            self.manager = heard.manager(above, self.tags, metadata_of(run, task))
            if task.node.trace is not None:
                mine = trimmed(self.manager.handlers, task.node.trace)
                self.manager.handlers = mine

    def begin(self) -> Any:
        """Tell that it begins; returns the run's manager, to be awaited in an awaited run."""
        task = self.task
        given = argument_of(task) if task.call is None else _arguments(task.call)
        return self.manager.on_chain_start(None, given, name=task.name)

    def began(self, run: Any) -> None:
        """Take the run's manager; what is called from now on is below it."""
        self.run = run
        self.child = run.get_child("seq:step:1")
        self.heard.running.add(self)

    def end(self) -> Any:
        """Tell that it has ended; to be awaited in an awaited run."""
        run = self._leave()
        if run is None:
            return None
        if self.sent_up is not None:
            return run.on_chain_error(self.sent_up)
        return run.on_chain_end(self.returned)

    def fail(self, error: BaseException) -> Iterator[Any]:
        """Tell that it has failed, while these are gone through; each to be awaited in an awaited run."""
        router, self.router = self.router, None
        for run in (router, self._leave()):
            if run is not None:
                yield run.on_chain_error(error)

    def _leave(self) -> Any:
        """The run's manager, once: what was given up may end once more."""
        run, self.run = self.run, None
        self.heard.running.discard(self)
        return run

    async def afail(self, error: BaseException) -> None:
        """Async twin of `fail`, gone through."""
        for telling in self.fail(error):
            await telling

    async def atell(self, end: Event) -> None:
        """Tell how the attempt has ended, and show what it returned."""
        if isinstance(end, Failed):
            return await self.afail(end.error)
        await self._show()
        telling = self.end()
        if telling is not None:
            await telling
        return None

    async def _show(self) -> None:
        """Hand what the function returned to those that stream the output of each run, as `astream_events` does."""
        if self.run is None or self.sent_up is not None:
            return
        for handler in self.run.handlers:
            if shows_output(handler):
                shown = handler.tap_output_aiter(self.run.run_id, _only(self.returned))
                async for _ in shown:
                    pass

    def ask(
        self, branch: Branch, invoke: Invoke, context: Context
    ) -> Generator[Invoke, Any, Any]:
        """Ask a branch as a run below the node's; one that is a runnable tells of itself."""
        is_async = self.heard.is_async
        child = self.run.get_child(_place(self.task.node, branch))
        if not _tells_of_itself(branch.path):
            manager = self.heard.manager(child, self.tags, None)
            given, named = (None, *invoke.args), {"name": branch.name}
            self.router = yield Invoke(manager.on_chain_start, given, named, is_async)
            child = self.router.get_child()
        config = context.config()
        inside = {**config, "callbacks": context.heard_by(child)}
        if "config" in invoke.kwargs:
            invoke.kwargs["config"] = inside
        tokens.offer(inside)
        answer = yield invoke
        tokens.offer(config)
        if self.router is not None:
            run, self.router = self.router, None
            yield Invoke(run.on_chain_end, (answer,), {}, is_async)
        return answer


def _tells_of_itself(path: Any) -> bool:
    """Say whether a branch is the `invoke` of a runnable."""
    owner = getattr(path, "__self__", None)
    return getattr(path, "__name__", "") == "invoke" and is_runnable(owner)


def _place(node: Node, branch: Branch) -> str:
    """Where a branch stands in the sequence that a node is to handlers: after its function, its writes, its edges."""
    before = 1 if node.hidden else 2
    before += len(node.edges) + len(node.joins) + node.branches.index(branch)
    return f"seq:step:{before + 1}"


def _arguments(call: Any) -> dict[str, Any]:
    """What a `@task` was called with, by the names of its parameters."""
    try:
        bound = inspect.signature(call.fn).bind_partial(*call.args, **call.kwargs)
    except (TypeError, ValueError):  # the call itself says what is wrong
        return {"args": call.args, "kwargs": call.kwargs}
    bound.apply_defaults()
    found = dict(bound.arguments)
    for name in ("self", "cls"):
        found.pop(name, None)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= found.pop(name, {})
    return found


async def _only(value: Any) -> AsyncGenerator[Any, None]:
    yield value


__all__ = ["aattempt", "astream", "attempt", "stream"]
