"""One attempt of a task: its context, its injections, and what comes of its function."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import Asked
from workflows.engine.constants import GOTO, NS_END, NS_SEP, PREVIOUS, RETURN
from workflows.engine.drivers.future import TaskFuture
from workflows.engine.drivers.strictness import check_keys
from workflows.engine.drivers.timeouts import Watch
from workflows.engine.errors import (
    GraphInterrupt,
    NodeCancelledError,
    NoParentGraphError,
    ParentCommand,
    SerdeError,
)
from workflows.engine.jsonschema import json_schema, validate_answer
from workflows.engine.loop.records import Branch, Call, Node, Run, Task, Writes
from workflows.engine.loop.resume import question_digest
from workflows.engine.loop.superstep import failure_for_handler
from workflows.engine.runtime import ExecutionInfo, Runtime, current
from workflows.engine.serde import canonical
from workflows.engine.types import Command, Interrupt

log = logging.getLogger("durableweb.engine")


class Context:
    """What the function of a task can reach; implements `runtime.TaskContext`."""

    __slots__ = (
        "_config",
        "_runtime",
        "driver",
        "run",
        "subgraphs",
        "task",
        "watch",
    )

    def __init__(self, task: Task, run: Run, driver: Any) -> None:
        self.task = task
        self.run = run
        self.driver = driver
        self.subgraphs = 0
        self._config: dict[str, Any] | None = None
        self._runtime: Runtime[Any] | None = None
        self.watch: Watch | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the subgraphs this task calls: `node:task_id` below ours."""
        name = f"{self.task.name}{NS_END}{self.task.id}"
        outer = self.run.namespace
        return f"{outer}{NS_SEP}{name}" if outer else name

    @property
    def previous(self) -> Any:
        """What the last run of an entrypoint saved, or None (R8.4)."""
        channel = self.run.channels.get(PREVIOUS)
        if channel is None or not channel.is_available():
            return None
        return channel.get()

    def config(self) -> dict[str, Any]:
        """R1.5."""
        if self._config is None:
            run, task = self.run, self.task
            found = dict(run.config)
            found["configurable"] = {
                **run.config.get("configurable", {}),
                "checkpoint_ns": self.namespace,
                "checkpoint_id": run.live_checkpoint,
                "checkpoint_map": {**run.parents, run.namespace: run.live_checkpoint},
            }
            found["metadata"] = {
                **run.metadata,
                **({"thread_id": run.thread_id} if run.saver else {}),
                "langgraph_step": run.live_step,
                "langgraph_node": task.name,
                "langgraph_triggers": tuple(task.due.get("by", ())),
                "langgraph_path": task.path,
                "langgraph_checkpoint_ns": self.namespace,
                **task.node.metadata,
            }
            self._config = found
        return self._config

    def write(self, chunk: Any) -> None:
        """Hand a chunk to the custom stream, at once."""
        if self.watch is not None:
            self.watch.sign()
        if "custom" in self.run.modes:
            self.driver.wrote(self.task, "custom", chunk)

    def beat(self, details: Any = None) -> None:
        """Say that the attempt is alive (R1.37)."""
        if self.watch is not None:
            self.watch.beat(details)

    def runtime(self) -> Runtime[Any]:
        """R1.6."""
        if self._runtime is None:
            run, task = self.run, self.task
            self._runtime = Runtime(
                context=run.context,
                store=run.store,
                stream_writer=self.write,
                previous=self.previous,
                execution_info=ExecutionInfo(
                    checkpoint_id=run.live_checkpoint or "",
                    checkpoint_ns=self.namespace,
                    task_id=task.id,
                    thread_id=run.thread_id if run.saver else None,
                    run_id=run.run_id,
                    node_attempt=task.attempt,
                    node_first_attempt_time=task.first_attempt,
                ),
                control=run.control,
                heartbeat=self.beat,
                idempotency_key=ids.digest(
                    f"{run.thread_id}\0{run.namespace}\0{task.id}"
                ),
            )
        return self._runtime

    def ask(self, value: Any, schema: Any, key: str | None) -> Any:
        """R5.1 to R5.9."""
        task, run = self.task, self.run
        ordinal = task.questions
        if key is None:
            task.questions += 1
            place: Any = ordinal
        else:
            if key in task.keys:
                raise ValueError(
                    f"{task.name!r} asks two questions with key {key!r}; keys must differ"
                )
            task.keys.add(key)
            place = f"key:{key}"
        if ordinal == 100 and run.warn is not None:
            run.warn(
                f"{task.name!r} has asked more than 100 questions in one task; what comes "
                "before them runs again each time. Loop through an edge instead."
            )
        question_id = self._carried(place) or ids.interrupt_id(task.id, place)
        answer = run.answers.get(question_id)
        if answer is not None and self._still_asks(value, answer.digest):
            if schema is None:
                return answer.value
            try:
                return validate_answer(schema, answer.value)
            except Exception as error:
                self.driver.refuse(run, question_id)
                error.__durableweb_invalid_resume__ = question_id  # type: ignore[attr-defined]
                raise
        question = Interrupt(
            value,
            question_id,
            response_schema=_described(schema),
        )
        asked = Asked(question, ordinal, key, question_digest(value) or "")
        task.asked.append(asked)
        task.raised.append(question)
        raise GraphInterrupt((question,))

    def _carried(self, place: Any) -> str | None:
        for item in self.task.due.get("carried", ()):
            if item.get("place") == place:
                return str(item["id"])
        return None

    def _still_asks(self, value: Any, digest: str | None) -> bool:
        mode = self.run.settings.get("question_changed", "warn")
        if digest is None or mode == "off" or question_digest(value) == digest:
            return True
        text = (
            f"thread {self.run.thread_id!r}: {self.task.name!r} now asks {value!r}, which "
            "is not the question that was answered"
        )
        if mode == "error":
            raise RuntimeError(text)
        if self.run.warn is not None:
            self.run.warn(text)
        return bool(mode != "ask")

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Start a `@task`, or take its recorded result (R8.9, R4.12)."""
        task, run = self.task, self.run
        if fn.node.is_async and not self.driver.is_async:
            raise RuntimeError(
                f"task {fn.name!r} is a coroutine function; a blocking graph cannot run "
                "it. Use ainvoke or astream, or make it a plain function."
            )
        if self.watch is not None:
            self.watch.sign()
        future = TaskFuture(fn.name, self)
        call = Call(fn.node.fn, args, kwargs, future)
        call.number = task.calls.get(fn.name, 0)
        call.position = task.position
        task.calls[fn.name] = call.number + 1
        task.position += 1
        path = (*task.path, "call", fn.name, call.number)
        key = (
            run.live_checkpoint or run.seed,
            run.namespace,
            "call",
            task.id,
            *path[-2:],
        )
        child = Task(fn.node, path, key, parent=task, call=call, value=args)
        call.record = [
            task.id,
            fn.name,
            call.number,
            call.position,
            _arguments_digest(args, kwargs) if run.saver else None,
        ]
        self.driver.called(task, child)
        return future


def _described(schema: Any) -> Any:
    if schema is None or isinstance(schema, dict):
        return schema
    return json_schema(schema)


def _arguments_digest(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    try:
        return ids.digest(canonical([list(args), kwargs]))
    except SerdeError:
        return None


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
            found[name] = context.write
        elif name == "previous":
            found[name] = context.previous
    return found


def body(task: Task, context: Context) -> Generator[Invoke, Any, Writes]:
    """One attempt: yields each function to call, returns the writes.

    A branch is part of its node's task: it sees the node's own update, and if it raises the
    update is not kept (R1.20, R1.21).
    """
    node = task.node
    if task.first_attempt is None:
        task.first_attempt = time.time()
    kwargs = injected(node.inject, context) if node.inject else {}
    if task.call is not None:
        call = task.call
        merged = {
            **call.kwargs,
            **{k: v for k, v in kwargs.items() if k not in call.kwargs},
        }
        value = yield Invoke(node.fn, call.args, merged, node.is_async)
        return [(RETURN, value)]
    if node.inject_error is not None:
        kwargs[node.inject_error] = failure_for_handler(task)
    value = task.input
    if node.mapper is not None and "send" not in task.due:
        value = node.mapper(value)
    try:
        result = yield Invoke(node.fn, (value,), kwargs, node.is_async, node.afn)
    except ParentCommand as up:
        result = _taken_over(up, context)
    if isinstance(result, Command) and result.graph is not None:
        _send_up(result, context)
    elif isinstance(result, list | tuple):
        for part in result:
            if isinstance(part, Command) and part.graph is not None:
                _send_up(part, context)
    writes = node.write(result)
    if context.run.settings.get("strict_updates"):
        check_keys(result, task.name, context.run)
    for branch in node.branches:
        writes += yield from _route(branch, writes, task, context)
    return writes


def _route(
    branch: Branch, writes: Writes, task: Task, context: Context
) -> Generator[Invoke, Any, Writes]:
    channels = dict(context.run.channels)
    own: dict[str, list[Any]] = {}
    for name, value in writes:
        if name in channels:
            own.setdefault(name, []).append(value)
    for name, values in own.items():
        channel = channels[name].fresh()
        if channels[name].is_available():
            channel.load(channels[name].checkpoint())
        channel.update(values)
        channels[name] = channel
    state = branch.read(channels, context.run.remaining)
    kwargs = injected(branch.inject, context)
    answer = yield Invoke(branch.path, (state,), kwargs, branch.is_async)
    return [(GOTO, item) for item in branch.route(answer)]


def _taken_over(up: ParentCommand, context: Context) -> Command[Any]:
    command: Command[Any] = up.args[0]
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
            f"{command.graph!r} (goto {command.goto!r}), but {where}",
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
            except asyncio.CancelledError as error:
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
