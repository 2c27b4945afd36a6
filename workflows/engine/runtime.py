"""The running task's context: what a node may ask of the engine while it runs."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from workflows.engine.attributes import checked
from workflows.engine.errors import RunCancelled
from workflows.engine.kinds import check_amount, check_schema, check_text, refused
from workflows.engine.types import StreamWriter
from workflows.engine.waits import RAISE, Limit

C = TypeVar("C")
LONGEST_QUESTION = 366 * 24 * 60 * 60
"""Seconds."""


@dataclass(frozen=True)
class ExecutionInfo:
    """Which attempt of which task this is (R1.6); `node_first_attempt_time` in unix seconds."""

    checkpoint_id: str
    checkpoint_ns: str
    task_id: str
    thread_id: str | None = None
    run_id: str | None = None
    node_attempt: int = 1
    node_first_attempt_time: float | None = None

    def patch(self, **overrides: Any) -> ExecutionInfo:
        """A copy with other values of these fields."""
        return replace(self, **overrides)


@dataclass(frozen=True)
class ServerInfo:
    """What `configurable` says of a server around the run (R1.6)."""

    assistant_id: str
    graph_id: str
    user: Any = None


def server_info_of(config: Mapping[str, Any]) -> ServerInfo | None:
    """From `assistant_id`, `graph_id` and `langgraph_auth_user` of `configurable`; None where there is none."""
    asked = config.get("configurable") or {}
    assistant, graph = asked.get("assistant_id"), asked.get("graph_id")
    user = asked.get("langgraph_auth_user")
    if not hasattr(user, "identity"):
        user = None
    if assistant is None and graph is None and user is None:
        return None
    return ServerInfo(str(assistant or ""), str(graph or ""), user)


class TaskContext(Protocol):
    """What the engine offers to the function of a task."""

    @property
    def namespace(self) -> str:
        """The namespace of the graphs that the task calls."""

    def ask(
        self,
        value: Any,
        schema: Any,
        key: str | None,
        policy: Mapping[str, Any] | None = None,
        limit: Limit | None = None,
    ) -> Any:
        """Return the answer to a question, or end the task."""

    def config(self) -> dict[str, Any]:
        """The config as the task sees it."""

    @property
    def writer(self) -> StreamWriter:
        """Hands chunks to whoever streams the run."""

    def runtime(self) -> Runtime[Any]:
        """The injected runtime."""

    def set_attributes(self, change: Mapping[str, Any]) -> None:
        """Change attributes of the thread when the task's record is saved."""

    def push(self, given: Any, key: str | None, mode: str = "messages") -> None:
        """Stream a whole message or a part, and write it to a key of the state."""

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Start a `@task` and return its future."""


current: ContextVar[TaskContext | None] = ContextVar("durableweb_task", default=None)


def _no_heartbeat(details: Any = None) -> None:
    return None


def _nothing() -> None:
    return None


class NoWriter:
    """The writer of a runtime that no engine has made: nobody reads."""

    def __call__(self, chunk: Any, /) -> None:
        """Do nothing."""

    def message(self, id: str, text: str) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Runtime(Generic[C]):
    """What a node gets as `runtime` (R1.6).

    `context` is what the caller gave as `context=`, `previous` an entrypoint's last saved
    value, `stream_writer` hands chunks to the custom stream, `control` is the caller's
    `RunControl`. `heartbeat(details)` says that a slow attempt is alive (R1.37) and keeps
    `details` for the next one, `check()` ends an attempt that was asked to end (RA.16).
    """

    context: C = None  # type: ignore[assignment]
    store: Any = None
    stream_writer: StreamWriter = field(default_factory=NoWriter)
    previous: Any = None
    execution_info: ExecutionInfo | None = None
    server_info: ServerInfo | None = None
    control: Any = None
    heartbeat: Callable[..., None] = field(default=_no_heartbeat)
    check: Callable[[], None] = field(default=_nothing)
    idempotency_key: str = ""
    recall: Callable[[], Any] = field(default=_nothing, repr=False)

    @property
    def last_heartbeat(self) -> Any:
        """The details that this task gave last, in this attempt or in one before; or None."""
        return self.recall()

    @property
    def drain_requested(self) -> bool:
        """Say whether the run was asked to stop after its step (R3.19)."""
        return self.control is not None and self.control.drain_requested

    @property
    def drain_reason(self) -> str | None:
        """Why it was, or None."""
        return None if self.control is None else self.control.drain_reason

    def override(self, **overrides: Any) -> Runtime[C]:
        """A copy with other values of these fields."""
        return replace(self, **overrides)

    def patch_execution_info(self, **overrides: Any) -> Runtime[C]:
        """A copy with other values of these fields of `execution_info`. Raises RuntimeError where it is None."""
        if self.execution_info is None:
            raise RuntimeError(
                "patch_execution_info: this runtime has no execution_info; a node's has one"
            )
        return replace(self, execution_info=self.execution_info.patch(**overrides))

    def merge(self, other: Runtime[C]) -> Runtime[C]:
        """A copy with what `other` has and this one lacks, or has otherwise."""
        given = {each.name: getattr(other, each.name) for each in fields(other)}
        lacks = (None, "", _no_heartbeat, _nothing)
        return replace(
            self,
            **{
                name: value
                for name, value in given.items()
                if not isinstance(value, NoWriter)
                and all(value is not each for each in lacks)
            },
        )


class RunControl:
    """A handle to ask a run to stop after its present step (R3.19).

    Pass it as `control=` to the call, and ask from another thread or from a node.
    """

    def __init__(self) -> None:
        self.drain_reason: str | None = None

    @property
    def drain_requested(self) -> bool:
        """Say whether somebody has asked; a long node may look and end early."""
        return self.drain_reason is not None

    def request_drain(self, reason: str = "shutdown") -> None:
        """Ask the run to end with GraphDrained after its step."""
        self.drain_reason = reason


_shielding = threading.Lock()


class Stop:
    """A request to end a run, heard by the run and by all that runs inside it (RB.8, RA.16).

    `mode` is "" until somebody asks; "step" lets the present step end, while "now",
    "timeout" and "lost" end the run at the next engine call. May be asked from any thread.
    A "now" that comes while a task is shielded counts when the last of these is not any more.
    """

    __slots__ = (
        "_held",
        "_listeners",
        "_shields",
        "limit",
        "may_come",
        "mode",
        "reason",
    )

    def __init__(self) -> None:
        self.may_come = True
        """Whether anybody can ask; False in a run that nobody but its caller knows of."""
        self.mode = ""
        self.reason = ""
        self.limit: float | None = None
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._shields = 0
        self._held: str | None = None

    def request(self, mode: str, reason: str = "", limit: float | None = None) -> None:
        """Ask the run to end; what was asked before is only made more urgent."""
        if mode == "now" and self._is_shielded(reason):
            mode = "step"
        if self.mode in ("", "step"):
            self.mode, self.reason, self.limit = mode, reason, limit
            for listener in self._listeners:
                listener()

    def shield(self) -> None:
        """A task is not to be stopped now, until `unshield` is called as often."""
        with _shielding:
            self._shields += 1

    def unshield(self) -> None:
        """The task may be stopped again; what was asked meanwhile counts from now on."""
        with _shielding:
            self._shields -= 1
            held = None if self._shields else self._held
        if held is not None:
            self.request("now", held)

    def _is_shielded(self, reason: str) -> bool:
        with _shielding:
            if self._shields:
                self._held = reason
            return self._shields > 0

    @property
    def is_now(self) -> bool:
        """Whether the run is to end without waiting for its step."""
        return self.mode not in ("", "step")

    def error(self) -> RunCancelled:
        """What the run ends with."""
        cause = self.mode if self.mode in ("timeout", "lost") else "cancelled"
        return RunCancelled(self.reason, cause=cause)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when somebody asks."""
        self._listeners = (*self._listeners, listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        self._listeners = tuple(one for one in self._listeners if one != listener)


def task_context(what: str) -> TaskContext:
    """The running task's context. Raises RuntimeError outside a graph, which names `what` was called there."""
    context = current.get()
    if context is None:
        raise RuntimeError(
            f"{what} was called outside a graph: call it inside a node, a @task or an "
            "@entrypoint, in the thread or coroutine the engine started"
        )
    return context


def interrupt(
    value: Any,
    *,
    response_schema: Any = None,
    key: str | None = None,
    policy: Mapping[str, Any] | None = None,
    timeout: float | timedelta | None = None,
    on_timeout: Any = RAISE,
) -> Any:
    """Ask a person: without an answer the task ends here; with one, it is returned (R5.1).

    `response_schema` (a model, TypedDict, dataclass or JSON Schema dict) describes the answer and, unless it is a
    dict, checks it. `key` matches the answer by name instead of by order (R5.7).
    `policy` is for the review queue: who decides and by when (plain JSON; see `register`).

    After `timeout` (seconds up to a year, or a timedelta; the instant is fixed when the task first asks) without an
    answer the task goes on with `on_timeout`, or where that is not given meets an InterruptTimeout (RB.4). Who decides
    in the browser may be given more or less time there, by a policy.

    Raises RuntimeError outside a graph, TypeError or ValueError for a schema, key, policy or timeout that is none.
    """
    check_question(key, response_schema, policy)
    limit = _limit_of(timeout, on_timeout, policy)
    if limit is not None:
        policy = _with_limit(policy or {}, limit)
    return task_context("interrupt()").ask(value, response_schema, key, policy, limit)


def check_question(key: Any, response_schema: Any, policy: Any) -> None:
    """Refuse what says nothing of a question: TypeError or ValueError for a key, a schema or a policy that is none."""
    if key is not None:
        check_text(key, "interrupt()", "key", "a text of your own, such as 'price'")
        if not key:
            raise ValueError("interrupt(): key is ''; give a text, or leave it out")
    if response_schema is not None and not isinstance(response_schema, Mapping):
        check_schema(response_schema, "interrupt()", "response_schema")
    if policy is not None:
        _check_policy(policy)


def _limit_of(timeout: Any, instead: Any, policy: Any) -> Limit | None:
    if timeout is None:
        if instead is RAISE:
            return None
        wanted = "a timeout as well, or leave it out: without one the question waits for as long as it takes"
        raise refused("interrupt()", "on_timeout", instead, wanted, ValueError)
    wanted = "seconds, up to 366 days, as a number or a timedelta"
    given = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    check_amount(given, "interrupt()", "timeout", wanted)
    if given > LONGEST_QUESTION:
        raise refused("interrupt()", "timeout", timeout, wanted, ValueError)
    if policy is not None and "timeout" in policy:
        wanted = "it here or in the policy, not in both"
        raise refused("interrupt()", "timeout", timeout, wanted, ValueError)
    return Limit(float(given), instead)


def _with_limit(policy: Mapping[str, Any], limit: Limit) -> dict[str, Any]:
    """The same for the review queue, which counts whole seconds; the question is due when it is given up."""
    seconds = max(1, math.ceil(limit.seconds))
    end = {"timeout": seconds, "timeout_action": "workflow"}
    return {"due": seconds, **policy, **end}


def _check_policy(policy: Any) -> None:
    if not isinstance(policy, Mapping):
        raise TypeError(f"policy takes a mapping, not {type(policy).__name__}")
    try:
        json.dumps(dict(policy), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"policy takes plain JSON only: {error}") from error


def set_attributes(**attributes: Any) -> None:
    """Set attributes of the thread, by which `list_threads` and `list_interrupts` find it (RB.11).

    A value is a text (up to 1,000 characters), a number, a bool, a datetime with a timezone or a list of texts;
    None removes the attribute. A thread has up to 32, with names that are Python identifiers.

    They change in the transaction that saves what called this: with the step where a node has ended, with
    its result where a `@task` has, with the questions where it waits. An attempt that fails changes none.
    Raises RuntimeError outside a graph, and where its saver keeps no attributes; TypeError or ValueError
    for a name or a value that cannot be one.
    """
    task_context("set_attributes()").set_attributes(checked(attributes))


def get_config() -> dict[str, Any]:
    """The config of the running task. Raises RuntimeError outside a graph."""
    return task_context("get_config()").config()


def get_store() -> Any:
    """The store the graph was compiled with. Raises RuntimeError outside a graph."""
    return get_runtime().store


def get_stream_writer() -> StreamWriter:
    """What hands chunks to whoever streams the run: called, to `custom`; `.message(id, text)`, to `messages`.

    Raises RuntimeError outside a graph.
    """
    return task_context("get_stream_writer()").writer


def get_runtime(context_schema: Any = None) -> Runtime[Any]:
    """The runtime of the running task. Raises RuntimeError outside a graph."""
    return task_context("get_runtime()").runtime()
