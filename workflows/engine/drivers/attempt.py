"""One attempt of a task: its function, its branches, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from workflows.engine import ids
from workflows.engine.attributes import merged
from workflows.engine.constants import ATTRIBUTES, GOTO, RETURN, UNDO
from workflows.engine.drivers.context import Context
from workflows.engine.drivers.requests import injected
from workflows.engine.drivers.strictness import check_keys, check_state, picture
from workflows.engine.drivers.transacting import Transacted
from workflows.engine.drivers.undos import UndoOfTask, is_heard, record_undo
from workflows.engine.errors import (
    BeginsAnew,
    GraphBubbleUp,
    InterruptSwallowedError,
    NodeCancelledError,
    NoParentGraphError,
    ParentCommand,
)
from workflows.engine.later import asyncio, cancellation
from workflows.engine.loop.handling import failure_for_handler
from workflows.engine.loop.inputs import argument_of
from workflows.engine.loop.program import Branch, Node, Writes
from workflows.engine.loop.tasks import Task
from workflows.engine.runtime import current
from workflows.engine.types import Command
from workflows.engine.undo_calls import UndoCall


class Invoke:
    """A function of the author that the driver is to call."""

    __slots__ = ("afn", "args", "fn", "is_async", "kwargs")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: Any,
        kwargs: Any,
        is_async: bool,
        afn: Callable[..., Any] | None = None,
    ) -> None:
        self.fn = fn
        self.afn = afn
        self.args = args
        self.kwargs = kwargs
        self.is_async = is_async


def body(task: Task, context: Context) -> Generator[Invoke, Any, Writes]:
    """One attempt: yields each function to call, returns the writes.

    A branch is part of its node's task: it sees the node's own update, and if it raises the
    update is not kept (R1.20, R1.21).
    """
    try:
        node = task.node
        if task.first_attempt is None:
            task.first_attempt = ids.clock()
        kwargs = injected(node.inject, context) if node.inject else {}
        if task.call is not None:
            call = task.call
            filled = {
                **call.kwargs,
                **{k: v for k, v in kwargs.items() if k not in call.kwargs},
            }
            undo = None
            if node.undo is not None and is_heard(context):
                undo = UndoOfTask(task, context)
            if node.transaction is not None:
                transacted = Transacted(task, context, undo)
                value = yield Invoke(transacted, call.args, filled, False)
                _note_returned(value, task, context)
                return transacted.writes
            value = yield Invoke(node.fn, call.args, filled, node.is_async)
            _note_returned(value, task, context)
            writes: Writes = [(RETURN, value)]
            if undo is not None:
                writes += yield from _recorded(undo.after(value), context)
            return _with_attributes(writes, context)
        if node.inject_error is not None:
            kwargs[node.inject_error] = failure_for_handler(task)
        value = argument_of(task)
        settings = context.run.settings
        strict = settings and settings.get("strict_state")
        before = picture(value) if strict else {}
        try:
            result = yield Invoke(node.fn, (value,), kwargs, node.is_async, node.afn)
            _note_returned(result, task, context)
        except ParentCommand as up:
            result = _taken_over(up, context)
        except BeginsAnew as anew:
            result = anew
        writes = _written(result, task, context)
        for branch in node.branches:
            writes += yield from _route(branch, writes, result, context)
        if strict:
            check_state(before, value, task.name, context.run)
        return _with_attributes(writes, context)
    except GraphBubbleUp as up:
        _hand_on(up, context)
        raise


def _recorded(undo: UndoCall, context: Context) -> Generator[Invoke, Any, Writes]:
    """What undoes a `@task` that has worked: saved with its result, or before it where that is saved below the root."""
    if context.run.is_root:
        return [(UNDO, undo)]
    yield Invoke(record_undo(context, undo).result, (), {}, False)
    return []


def _note_returned(value: Any, task: Task, context: Context) -> None:
    """Keep what the function of a node or `@task` returned for the stream of messages (R9.3), and for handlers.

    A Command for this graph that came from below is nothing that a function here returned.
    """
    if "messages" in context.run.modes:
        task.returned = value
    if context.told is not None:
        context.told.returned = value


def _with_attributes(writes: Writes, context: Context) -> Writes:
    """The writes of an attempt that has ended, and what it has set of its thread."""
    if context.attributes:
        return [*writes, (ATTRIBUTES, context.attributes)]
    return writes


def _hand_on(up: GraphBubbleUp, context: Context) -> None:
    """What the attempt has set goes with its questions, or to the node above that takes its Command over."""
    if isinstance(up, ParentCommand):
        up.attributes = merged(up.attributes, context.attributes)
    else:
        up.attributes = context.attributes


def _written(result: Any, task: Task, context: Context) -> Writes:
    """The writes of what a node returned."""
    if type(result) is not dict:
        for part in result if isinstance(result, list | tuple) else [result]:
            if isinstance(part, Command) and part.graph is not None:
                _send_up(part, context)
    if context.begins_anew is not None and result is not context.begins_anew:
        raise InterruptSwallowedError(
            f"{task.name!r} has called continue_as_new() and went on: put `except GraphBubbleUp: raise` before a broad except"
        )
    writes = task.node.write(result)
    if context.pushed:
        writes = [*context.pushed, *writes]
    settings = context.run.settings
    if settings and settings.get("strict_updates"):
        check_keys(result, task.name, context.run)
    return writes


def _bare(task: Task, context: Context) -> Writes:
    """`body` on this thread where a node is its function alone (`Node.is_bare`)."""
    if task.first_attempt is None:
        task.first_attempt = ids.clock()
    try:
        try:
            result = task.node.fn(task.input)
            _note_returned(result, task, context)
        except ParentCommand as up:
            result = _taken_over(up, context)
        except BeginsAnew as anew:
            result = anew
        except cancellation() as error:
            raise _cancelled(task, error) from error
        return _with_attributes(_written(result, task, context), context)
    except GraphBubbleUp as up:
        _hand_on(up, context)
        raise


def _route(
    branch: Branch, writes: Writes, returned: Any, context: Context
) -> Generator[Invoke, Any, Writes]:
    channels = dict(context.run.channels)
    own: dict[str, list[Any]] = {}
    for name, value in writes:
        if name in channels:
            own.setdefault(name, []).append(value)
    for name, values in own.items():
        channel = channels[name].twin()
        channel.update(values)
        channels[name] = channel
    state = branch.sees(channels, context.run.remaining, returned)
    kwargs = injected(branch.inject, context)
    invoke = Invoke(branch.path, (state,), kwargs, branch.is_async)
    if context.told is None:
        answer = yield invoke
    else:
        answer = yield from context.told.ask(branch, invoke, context)
    return [(GOTO, item) for item in branch.route(answer)]


def _taken_over(up: ParentCommand, context: Context) -> Command[Any]:
    command: Command[Any] = up.args[0]
    if context.told is not None:
        context.told.sent_up = up
    if up.attributes:
        context.attributes = merged(up.attributes, context.attributes)
    return Command(update=command.update, goto=command.goto)


def _send_up(command: Command[Any], context: Context) -> None:
    if context.run.outer is None or command.graph != Command.PARENT:
        where = (
            "there is no parent graph"
            if command.graph == Command.PARENT
            else f"there is no graph {command.graph!r} above"
        )
        raise NoParentGraphError(
            command,
            f"node {context.task.name!r} returned a Command for graph "
            f"{command.graph!r} (goto {command.goto!r}), but {where}; without graph= it "
            "is for the node's own graph",
        )
    raise ParentCommand(command)


def check_blocking(node: Node | None, name: str) -> None:
    """A coroutine function cannot be run by a blocking call (R1.9)."""
    raise TypeError(
        f"{name!r} is a coroutine function; a blocking call cannot run it. Use the async "
        "methods (ainvoke, astream) of the graph, or make it a plain function."
    )


def run_blocking(task: Task, context: Context) -> Writes:
    """Run one attempt on this thread."""
    if task.node.is_bare and task.call is None and not context.run.settings:
        return _bare(task, context)
    steps = body(task, context)
    try:
        invoke = next(steps)
        while True:
            if invoke.is_async and context.driver.loop is None:
                check_blocking(task.node, task.name)
            try:
                if invoke.is_async:
                    result = _on_loop(invoke, context)
                else:
                    result = invoke.fn(*invoke.args, **invoke.kwargs)
            except cancellation() as error:
                invoke = steps.throw(_cancelled(task, error))
            except Exception as error:  # noqa: BLE001 - handed to the attempt
                invoke = steps.throw(error)
            else:
                invoke = steps.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _on_loop(invoke: Invoke, context: Context) -> Any:
    """Run a coroutine `@task` of a plain node on the event loop that awaits the run."""

    async def inside() -> Any:
        current.set(context)
        context.listen()
        return await invoke.fn(*invoke.args, **invoke.kwargs)

    return asyncio.run_coroutine_threadsafe(inside(), context.driver.loop).result()


def _cancelled(task: Task, error: BaseException) -> NodeCancelledError:
    failed = NodeCancelledError(task.name)
    failed.__cause__ = error
    return failed


async def run_async(task: Task, context: Context, in_thread: Any) -> Writes:
    """Run one attempt on the event loop; plain functions go through `in_thread`."""
    steps = body(task, context)
    try:
        invoke = next(steps)
        while True:
            try:
                if invoke.afn is not None:
                    result = await invoke.afn(*invoke.args, **invoke.kwargs)
                elif invoke.is_async:
                    result = await invoke.fn(*invoke.args, **invoke.kwargs)
                else:
                    result = await in_thread(invoke)
            except asyncio.CancelledError as error:
                here = asyncio.current_task()
                if here is None or here.cancelling():
                    raise
                invoke = steps.throw(_cancelled(task, error))
            except Exception as error:  # noqa: BLE001 - handed to the attempt
                invoke = steps.throw(error)
            else:
                invoke = steps.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


__all__ = ["Context", "Invoke", "body", "run_async", "run_blocking"]
