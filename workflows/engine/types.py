"""The value classes of the public interface (signatures: see docs/reference)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    Unpack,
    cast,
)

from workflows.engine.constants import END, INTERRUPT, START
from workflows.engine.ids import digest
from workflows.engine.kinds import IN_BRACKETS, check_amount, check_callable, seconds_of
from workflows.engine.retrying import retry_by_default
from workflows.engine.spellings import OfInterrupts, namespace_of, outdated

if TYPE_CHECKING:
    from workflows.engine.waits import Sleep, Wait

__all__ = [
    "All",
    "CachePolicy",
    "Checkpointer",
    "Command",
    "Durability",
    "GraphOutput",
    "Interrupt",
    "MessageChunk",
    "Overwrite",
    "PregelTask",
    "RetryPolicy",
    "Send",
    "StateSnapshot",
    "StateUpdate",
    "StreamMode",
    "StreamWriter",
    "TimeoutPolicy",
]

_NO_ID = "placeholder-id"
"""The id of an `Interrupt` that was made without one."""
All = Literal["*"]
"""All nodes, for `interrupt_before` and `interrupt_after`."""
StreamMode = Literal[
    "values", "updates", "custom", "messages", "tasks", "checkpoints", "debug"
]
"""What a stream is made of (R9.3): values, updates, custom, messages, tasks, checkpoints, debug."""
Durability = Literal["sync", "async", "exit"]
"""When savings must be on the disk: at each step, before the call returns, once (R4.1)."""
Checkpointer = Any
"""A saver, None, or for subgraphs True (kept for the thread) and False (not saved; R7.5)."""
"""Hands a chunk to the custom stream."""
T = TypeVar("T")
N = TypeVar("N")


class StreamWriter(Protocol):
    """Hands chunks to whoever streams the run, at once; it may be kept for the whole attempt."""

    def __call__(self, chunk: Any, /) -> None:
        """Hand out a chunk in the mode `custom`."""

    def message(self, id: str, text: str) -> None:
        """Hand out a part of the message `id` in the mode `messages` (R9.6)."""


@dataclass
class MessageChunk:
    """A part of a message, as `StreamWriter.message` makes it; the parts of one message have its id."""

    content: str
    id: str
    type: str = "AIMessageChunk"


class RetryPolicy(NamedTuple):
    """How often and how fast a failed attempt is repeated (seconds; R1.33).

    `max_attempts` counts the first one. `retry_on` is a class, several, or a predicate; its
    default leaves out errors that come back, such as ValueError (R1.34).
    """

    initial_interval: float = 0.5
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    max_attempts: int = 3
    jitter: bool = True
    retry_on: (
        type[Exception] | Sequence[type[Exception]] | Callable[[Exception], bool]
    ) = retry_by_default


@dataclass(frozen=True, kw_only=True)
class CachePolicy:
    """Reuse a result for an equal input; `ttl` in seconds, None for ever (R1.38).

    `key_func` is given the node's input and returns what counts as equal. Needs a cache:
    `compile(cache=...)`.
    """

    __class_getitem__ = IN_BRACKETS

    key_func: Callable[..., str | bytes] | None = None
    ttl: float | None = None

    def __post_init__(self) -> None:
        if self.key_func is not None:
            wanted = "a function of the node's input that returns text or bytes"
            check_callable(self.key_func, "CachePolicy", "key_func", wanted)
        if self.ttl is not None:
            check_amount(self.ttl, "CachePolicy", "ttl", "a number of seconds")


@dataclass(frozen=True)
class TracePolicy:
    """What tracers of langchain-core keep of a node's own run (R9.10).

    Each function is given the input or the output, which it must not change, and returns what is kept of it. Where
    it fails, the whole value is. What the node calls, and the run of the graph, are kept as they are.
    """

    process_inputs: Callable[[Any], Any] | None = None
    process_outputs: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        for name in ("process_inputs", "process_outputs"):
            if getattr(self, name) is not None:
                wanted = "a function of the value, or None"
                check_callable(getattr(self, name), "TracePolicy", name, wanted)


def omit_payload(_value: Any) -> dict[str, Any]:
    """For a `TracePolicy` that keeps nothing of a value."""
    return {}


@dataclass(frozen=True)
class TimeoutPolicy:
    """Limits of one attempt of a coroutine, in seconds (R1.37).

    The idle time begins anew with whatever the attempt does, with `refresh_on="heartbeat"`
    only with `runtime.heartbeat()`.
    """

    run_timeout: float | timedelta | None = None
    idle_timeout: float | timedelta | None = None
    refresh_on: Literal["auto", "heartbeat"] = "auto"

    def __post_init__(self) -> None:
        seconds_of(self.run_timeout, "TimeoutPolicy: run_timeout")
        seconds_of(self.idle_timeout, "TimeoutPolicy: idle_timeout")
        if self.refresh_on not in ("auto", "heartbeat"):
            raise ValueError(
                "TimeoutPolicy: refresh_on must be 'auto' or 'heartbeat', not "
                f"{self.refresh_on!r}"
            )


@dataclass(frozen=True)
class Overwrite:
    """Sets a reducer's value instead of folding into it; other writes of the step are dropped (R2.5).

    `type` tells what it was where only its fields are left of it, as in JSON.
    """

    value: Any
    type: Literal["__overwrite__"] = "__overwrite__"


class Send:
    """One task for `node` with `arg` as its whole input, whatever the state says (R1.27).

    Returned by a branch or in `Command.goto`; several of them to one node run side by side.
    `timeout` goes before the node's own.
    """

    __slots__ = ("arg", "node", "timeout")

    def __init__(
        self,
        node: str,
        arg: Any,
        *,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> None:
        if timeout is not None and not isinstance(timeout, TimeoutPolicy):
            seconds_of(timeout, f"Send to {node!r}: timeout")
        self.node = node
        self.arg = arg
        self.timeout = timeout

    def __repr__(self) -> str:
        return f"Send(node={self.node!r}, arg={self.arg!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Send)
            and self.node == other.node
            and self.arg == other.arg
            and self.timeout == other.timeout
        )

    def __hash__(self) -> int:
        return hash((self.node, repr(self.arg)))


@dataclass(init=False)
class Interrupt:
    """A question: `value` is what is asked, `id` its 32 hex digits (R5.2).

    Answered by `Command(resume=answer)`, or `Command(resume={id: answer})` where several are
    open. `response_schema` is JSON Schema for the answer.
    """

    value: Any
    id: str
    response_schema: Any = None

    # These are no fields, so that questions compare by what they ask.
    carried = False  # True on one that an edit of the state has carried over
    schema_class = ""  # "module:name" of the class that `response_schema` describes
    until = cast("datetime | None", None)  # when it is given up (RB.4)
    group = ""  # the id of the `first_of` of which it is one; "" for none (RB.4)

    def __init__(
        self,
        value: Any,
        id: str = _NO_ID,
        *,
        response_schema: Any = None,
        **more: Unpack[OfInterrupts],
    ) -> None:
        self.value = value
        self.id = id
        self.response_schema = response_schema
        if more:
            place = namespace_of(more)
            if place is not None and id == _NO_ID:
                self.id = digest(place)

    @classmethod
    def from_ns(cls, value: Any, ns: str, *, response_schema: Any = None) -> Interrupt:
        """The question that has its id from the place `ns`, such as "node:task"; the same place gives the same id."""
        return cls(value, digest(ns), response_schema=response_schema)

    @property
    def interrupt_id(self) -> str:
        """Deprecated name of `id`."""
        outdated("Interrupt.interrupt_id", "write .id")
        return self.id

    __hash__ = None  # type: ignore[assignment]


class ToolOutput:
    """Stands for the class by which another library knows what a tool may return (`foreign.py`)."""


@dataclass(frozen=True, kw_only=True)
class Command(ToolOutput, Generic[N]):
    """Update and route in one return value, or answer a question from outside (R1.24).

    Returned by a node: `update` is written, `goto` (names or `Send`s) runs beside what the
    edges say (R1.25), `graph=Command.PARENT` addresses the graph around this one (R1.29).
    Given as input: `resume` answers the open question (R5.14), `update` edits the state
    first (R5.21).
    """

    graph: str | None = None
    update: Any = None
    resume: Any = None
    goto: Send | Sequence[Send | N] | N = ()

    PARENT = "__parent__"

    def __repr__(self) -> str:
        given = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) not in (None, ())
        )
        return f"Command({given})"


# `PARENT` stands in the class body without annotation, so it is no field.


class _TaskFields(NamedTuple):
    id: str
    name: str
    path: tuple[Any, ...]
    error: str | None = None
    interrupts: tuple[Interrupt, ...] = ()
    state: Any = None
    result: Any = None


class PregelTask(_TaskFields):
    """One task of a snapshot (R6.3).

    `error` is the exception as text, `result` what the task wrote, `state` a subgraph's
    config or snapshot (R7.8).
    Three are no fields, so that the tuple stays LangGraph's. `runs_of_this_task`: how often the task has
    been run by now, as far as was saved (RA.3). `sleeps`: until when it sleeps, the earliest first (RB.1).
    `waits`: for what else it waits that no person is asked, such as a signal (RB.2).
    """

    runs_of_this_task = 0
    sleeps: tuple[Sleep, ...] = ()
    waits: tuple[Wait, ...] = ()

    def _replace(self, /, **changes: Any) -> PregelTask:
        made = super()._replace(**changes)
        made.runs_of_this_task = self.runs_of_this_task
        made.sleeps = self.sleeps
        made.waits = self.waits
        return made


class StateSnapshot(NamedTuple):
    """The state of a thread at one checkpoint (R6.1).

    `next` names what is due, `config` addresses this checkpoint, `created_at` is ISO text,
    `interrupts` are the open questions in the order of the tasks.
    """

    values: Any
    next: tuple[str, ...]
    config: dict[str, Any]
    metadata: dict[str, Any] | None
    created_at: str | None
    parent_config: dict[str, Any] | None
    tasks: tuple[PregelTask, ...]
    interrupts: tuple[Interrupt, ...]


class StateUpdate(NamedTuple):
    """One update of `bulk_update_state`, as if `as_node` had returned `values` (R6.11)."""

    values: Any
    as_node: str | None = None
    task_id: str | None = None


@dataclass(frozen=True)
class GraphOutput:
    """What `invoke(version="v2")` returns: an instance of the output schema, open questions (R2.11)."""

    __class_getitem__ = IN_BRACKETS

    value: Any
    interrupts: tuple[Interrupt, ...] = field(default=())

    def __getitem__(self, key: str) -> Any:
        """Deprecated: a key of `value`, or `__interrupt__`. Raises KeyError for what is not there."""
        outdated("GraphOutput[key]", "write .value or .interrupts")
        if key == INTERRUPT:
            return self.interrupts
        if isinstance(self.value, dict):
            return self.value[key]
        if not hasattr(self.value, key):
            raise KeyError(key)
        return getattr(self.value, key)

    def __contains__(self, key: object) -> bool:
        """Deprecated: whether `value` has a key, or whether there are `__interrupt__`s."""
        outdated("key in GraphOutput", "write .value or .interrupts")
        if key == INTERRUPT:
            return bool(self.interrupts)
        if isinstance(self.value, dict):
            return key in self.value
        return isinstance(key, str) and hasattr(self.value, key)


RESERVED_NODES = frozenset({START, END})
