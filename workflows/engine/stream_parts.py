"""What streams hand out, as types (R9.3, R9.5): for programs that annotate what they read.

The annotations are no texts: NotRequired is not seen in one.
"""

from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar

from workflows.engine.types import Interrupt

S = TypeVar("S")
Out = TypeVar("Out")


class TaskPayload(TypedDict):
    """The mode `tasks`: a task starts; `metadata` is what the caller's config and its node say."""

    id: str
    name: str
    input: Any
    triggers: tuple[str, ...]
    metadata: NotRequired[dict[str, Any]]


class TaskResultPayload(TypedDict):
    """The mode `tasks`: a task has ended; each interrupt is a dict, `error` the exception."""

    id: str
    name: str
    error: BaseException | None
    interrupts: list[dict[str, Any]]
    result: dict[str, Any]


class CheckpointTask(TypedDict):
    """A task of a checkpoint: `error`, or its `interrupts` with the `result` it may have.

    `state` is the config of the graph below, or None.
    """

    id: str
    name: str
    error: NotRequired[Any]
    result: NotRequired[Any]
    interrupts: NotRequired[tuple[dict[str, Any], ...]]
    state: dict[str, Any] | None


class CheckpointPayload(TypedDict, Generic[S]):
    """The mode `checkpoints`: a checkpoint, and what is due on it."""

    config: dict[str, Any] | None
    metadata: dict[str, Any]
    values: S
    next: list[str]
    parent_config: dict[str, Any] | None
    tasks: list[CheckpointTask]


class _DebugCheckpoint(TypedDict, Generic[S]):
    step: int
    timestamp: str
    type: Literal["checkpoint"]
    payload: CheckpointPayload[S]


class _DebugTask(TypedDict):
    step: int
    timestamp: str
    type: Literal["task"]
    payload: TaskPayload


class _DebugTaskResult(TypedDict):
    step: int
    timestamp: str
    type: Literal["task_result"]
    payload: TaskResultPayload


DebugPayload = _DebugCheckpoint[S] | _DebugTask | _DebugTaskResult
"""The mode `debug`: the chunks of `tasks` and `checkpoints` with their step, time and type."""


class ValuesStreamPart(TypedDict, Generic[Out]):
    """`version="v2"`, the mode `values`: the state, and the questions at a pause."""

    type: Literal["values"]
    ns: tuple[str, ...]
    data: Out
    interrupts: tuple[Interrupt, ...]


class UpdatesStreamPart(TypedDict):
    """`version="v2"`, the mode `updates`: what each node returned, or `__interrupt__`."""

    type: Literal["updates"]
    ns: tuple[str, ...]
    data: dict[str, Any]


class MessagesStreamPart(TypedDict):
    """`version="v2"`, the mode `messages`: a message or a part of it, and where it comes from."""

    type: Literal["messages"]
    ns: tuple[str, ...]
    data: tuple[Any, dict[str, Any]]


class CustomStreamPart(TypedDict):
    """`version="v2"`, the mode `custom`: what the writer was given."""

    type: Literal["custom"]
    ns: tuple[str, ...]
    data: Any


class TasksStreamPart(TypedDict):
    """`version="v2"`, the mode `tasks`."""

    type: Literal["tasks"]
    ns: tuple[str, ...]
    data: TaskPayload | TaskResultPayload


class CheckpointStreamPart(TypedDict, Generic[S]):
    """`version="v2"`, the mode `checkpoints`."""

    type: Literal["checkpoints"]
    ns: tuple[str, ...]
    data: CheckpointPayload[S]


class DebugStreamPart(TypedDict, Generic[S]):
    """`version="v2"`, the mode `debug`."""

    type: Literal["debug"]
    ns: tuple[str, ...]
    data: DebugPayload[S]


StreamPart = (
    CheckpointStreamPart[S]
    | ValuesStreamPart[Out]
    | UpdatesStreamPart
    | MessagesStreamPart
    | CustomStreamPart
    | TasksStreamPart
    | DebugStreamPart[S]
)
"""Any chunk of `stream(version="v2")`; `part["type"]` tells which."""

__all__ = [
    "CheckpointPayload",
    "CheckpointStreamPart",
    "CheckpointTask",
    "CustomStreamPart",
    "DebugPayload",
    "DebugStreamPart",
    "MessagesStreamPart",
    "StreamPart",
    "TaskPayload",
    "TaskResultPayload",
    "TasksStreamPart",
    "UpdatesStreamPart",
    "ValuesStreamPart",
]
