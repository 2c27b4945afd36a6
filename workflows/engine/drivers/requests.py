"""What drivers do for the loop beside running tasks: fill parameters in by name, hand out chunks, read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from workflows.engine.constants import OF_SAVER
from workflows.engine.drivers.context import Context
from workflows.engine.loop.effects import (
    Compute,
    Dropped,
    Emit,
    Event,
    Failed,
    Finished,
    List,
    Load,
    Look,
    Open,
    Save,
    Updates,
)
from workflows.engine.loop.run import Run
from workflows.engine.loop.step import is_part_of
from workflows.engine.loop.tasks import Task
from workflows.engine.runtime import current

waited_for_by: ContextVar[str | None] = ContextVar("durableweb_thread", default=None)
"""The thread whose run waits for the function that is at work outside of any task, such as the handler of an update."""

_AT_ONCE = frozenset({"custom", "messages"})
_BY_CALLS = _AT_ONCE | {"updates", "tasks", "debug"}


def handed_out(run: Run, request: Emit) -> list[tuple[str, str, Any]]:
    """Pass a chunk up where a run above reads it; what is left for this run's own reader."""
    mode, chunk = request.mode, request.chunk
    namespace = run.namespace if request.namespace is None else request.namespace
    if run.sink is not None and mode in run.passed:
        run.sink(namespace, mode, chunk)
    if mode in run.read and (run.deep or not request.below):
        return [(namespace, mode, chunk)]
    return []


def shows_while_it_runs(run: Run) -> bool:
    """Say whether a lone task can have something to show before it ends, so that it must not keep the reader waiting.

    An entrypoint is all the graph there is: the calls of its tasks are shown as they end (R8.17). A graph's node that
    calls tasks has the thread of the caller all the same, as in LangGraph.
    """
    live = _BY_CALLS if run.program.functional else _AT_ONCE
    return bool(run.below or run.modes & live)


def to_give_up(
    tasks: Sequence[Task], seen: Iterable[Event], starting: Container[Task]
) -> tuple[Task, ...]:
    """Which of these to cancel: not what has ended though it was not taken up yet, nor the calls of what returned.

    What is `starting` is an attempt after the ending that was seen.
    """
    ended = {
        event.task: event
        for event in seen
        if isinstance(event, Finished | Failed | Dropped) and event.task not in starting
    }
    returned = [task for task, event in ended.items() if isinstance(event, Finished)]
    return tuple(
        task for task in tasks if task not in ended and not is_part_of(task, returned)
    )


@contextmanager
def computing(request: Compute, run: Run, driver: Any) -> Iterator[dict[str, Any]]:
    """What a function outside any step is called with; inside, it is a part of its task."""
    if request.task is None:
        thread = waited_for_by.set(run.thread_id)
        try:
            yield request.kwargs
        finally:
            waited_for_by.reset(thread)
        return
    context = Context(request.task, run, driver)
    token = current.set(context)
    try:
        yield {**request.kwargs, **injected(request.inject, context)}
    finally:
        current.reset(token)


def injected(names: tuple[str, ...], context: Context) -> dict[str, Any]:
    """The values of the parameters that are filled in by name (R1.4)."""
    found: dict[str, Any] = {}
    for name in names:
        if name == "config":
            found[name] = context.config()
        elif name == "runtime":
            found[name] = context.runtime()
        elif name == "store":
            found[name] = context.run.store
        elif name == "writer":
            found[name] = context.writer
        elif name == "previous":
            found[name] = context.previous
    return found


def marked(error: Exception, request: Any) -> Exception:
    """An error that a request was answered with; what a saver has raised is known by that wherever it comes out."""
    if isinstance(request, Open | Load | Look | List | Save | Updates):
        setattr(error, OF_SAVER, True)
    return error


def read_from(saver: Any, request: Any) -> Any:
    """What a saver answers to a request that only reads, on this thread."""
    if type(request) is Look:
        return saver.get_if_changed(request.config, request.known)
    if type(request) is Load:
        return saver.get_tuple(request.config)
    if type(request) is List:
        return [
            *saver.list(
                request.config,
                filter=request.filter,
                before=request.before,
                limit=request.limit,
            )
        ]
    raise TypeError(f"{request!r} is no request to read")


async def aread_from(saver: Any, request: Any) -> Any:
    """Async twin of `read_from`."""
    if type(request) is Look:
        return await saver.aget_if_changed(request.config, request.known)
    if type(request) is Load:
        return await saver.aget_tuple(request.config)
    listing = saver.alist(
        request.config,
        filter=request.filter,
        before=request.before,
        limit=request.limit,
    )
    return [found async for found in listing]
