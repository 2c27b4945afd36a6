"""The running task's context: what a node may ask of the engine while it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

C = TypeVar("C")


@dataclass(frozen=True)
class ExecutionInfo:
    """Which attempt of which task this is (R1.6); `node_first_attempt_time` in unix seconds."""

    checkpoint_id: str
    checkpoint_ns: str
    task_id: str
    thread_id: str | None
    run_id: str | None
    node_attempt: int
    node_first_attempt_time: float | None


class TaskContext(Protocol):
    """What the engine offers to the function of a task."""

    def ask(self, value: Any, schema: Any, key: str | None) -> Any:
        """Return the answer to a question, or end the task."""

    def config(self) -> dict[str, Any]:
        """The config as the task sees it."""

    def write(self, chunk: Any) -> None:
        """Hand a chunk to the custom stream."""

    def runtime(self) -> Runtime[Any]:
        """The injected runtime."""

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Start a `@task` and return its future."""


current: ContextVar[TaskContext | None] = ContextVar("durableweb_task", default=None)


def _no_heartbeat(details: Any = None) -> None:
    return None


@dataclass(frozen=True)
class Runtime(Generic[C]):
    """What a node gets as `runtime` (R1.6).

    `context` is what the caller gave as `context=`, `previous` an entrypoint's last saved
    value, `stream_writer` hands chunks to the custom stream, `heartbeat()` says that a slow
    attempt is alive (R1.37), `control` is the caller's `RunControl`.
    """

    context: C = None  # type: ignore[assignment]
    store: Any = None
    stream_writer: Callable[[Any], None] = field(default=lambda _: None)
    previous: Any = None
    execution_info: ExecutionInfo | None = None
    control: Any = None
    heartbeat: Callable[..., None] = field(default=_no_heartbeat)
    idempotency_key: str = ""


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


def _context(what: str) -> TaskContext:
    context = current.get()
    if context is None:
        raise RuntimeError(
            f"{what} was called outside a graph: call it inside a node, a @task or an "
            "@entrypoint, in the thread or coroutine the engine started"
        )
    return context


def interrupt(
    value: Any, *, response_schema: Any = None, key: str | None = None
) -> Any:
    """Ask a person: without an answer the task ends here; with one, it is returned (R5.1).

    `response_schema` (a model, TypedDict, dataclass or JSON Schema dict) describes the answer and, unless it is a
    dict, checks it. `key` matches the answer by name instead of by order (R5.7).
    Raises RuntimeError outside a graph.
    """
    return _context("interrupt()").ask(value, response_schema, key)


def get_config() -> dict[str, Any]:
    """The config of the running task. Raises RuntimeError outside a graph."""
    return _context("get_config()").config()


def get_store() -> Any:
    """The store the graph was compiled with. Raises RuntimeError outside a graph."""
    return get_runtime().store


def get_stream_writer() -> Callable[[Any], None]:
    """A function that hands chunks to the custom stream. Raises RuntimeError outside a graph."""
    return _context("get_stream_writer()").write


def get_runtime(context_schema: Any = None) -> Runtime[Any]:
    """The runtime of the running task. Raises RuntimeError outside a graph."""
    return _context("get_runtime()").runtime()
