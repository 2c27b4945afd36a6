"""The shapes of what a saver keeps and is given: checkpoints, writes, commits, places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from msgspec import Struct, field

from workflows.engine.attributes import Attributes
from workflows.engine.checkpoint.updating import UpdateAnswer
from workflows.engine.ids import TaskKey
from workflows.engine.kinds import check_count, refused, several
from workflows.engine.types import Durability, Interrupt

Config = dict[str, Any]
Due = dict[str, Any]
PendingWrite = tuple[str, str, Any]
"""Task id, channel or reserved name, value."""


class Checkpoint(TypedDict, total=False):
    """The state after one superstep.

    `due` lists what runs next, as plain dicts: `{"node": name, "by": [...]}` for a node that
    was reached by an edge, and with a key "send" (the input) for a `Send`. A saver stores
    the list as it is. The other keys are LangGraph's.
    """

    v: int
    id: str
    ts: str
    channel_values: dict[str, Any]
    channel_versions: dict[str, Any]
    versions_seen: dict[str, Any]
    updated_channels: list[str] | None
    due: list[Due]


class CheckpointMetadata(TypedDict, total=False):
    """R3.4: source ("input", "loop", "update", "fork"), step, parents, and the caller's own."""

    source: str
    step: int
    parents: dict[str, str]


class CheckpointTuple(NamedTuple):
    """A checkpoint as read back, with the writes that tasks of its step have saved."""

    config: Config
    checkpoint: Checkpoint
    metadata: dict[str, Any]
    parent_config: Config | None = None
    pending_writes: list[PendingWrite] | None = None


class LoneCheckpoint(CheckpointTuple):
    """One of which its saver knows that no namespace below its own holds anything.

    Whoever shows the thread need not look there for graphs that tasks have called.
    """

    __slots__ = ()


class Looked(NamedTuple):
    """What a saver has seen at a config, and by which sign it will know it again.

    Equal signs mean that `found` would be the same; None means that it cannot be told. With `is_same`, nothing was
    put together.
    """

    sign: Any
    found: CheckpointTuple | None
    is_same: bool = False


class Asked(Struct):
    """A question as a review queue needs it: where it stands beside what it asks."""

    interrupt: Interrupt
    ordinal: int
    key: str | None
    digest: str
    policy: Mapping[str, Any] | None = None


class TaskWrites(Struct):
    """What one task saves: pairs of channel (or reserved name) and value.

    `task` is its id, or what the id is made of: a saver that has no use for it yet need not
    have it made. `runs` says how often it has been run by now, where a saver tells that to people (RA.3).
    """

    task: str | TaskKey
    path: str
    name: str
    writes: Sequence[tuple[str, Any]]
    asked: Sequence[Asked] = ()
    error: str | None = None
    runs: int = 0

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self.task if isinstance(self.task, str) else self.task.id


class Closed(Struct):
    """An open question that this saving ends; `status` is resolved, superseded or withdrawn."""

    interrupt_id: str
    status: str


class Commit(Struct):
    """All that one saving carries; a saver that can makes it durable in one piece.

    `writes` belong to the step after checkpoint `parent_id` (None before the first one). `checkpoint`, where given, is the
    new head of the namespace; `changed` are the versions of its channels that moved. Of these,
    `appended` are lists that a reducer made from the saved ones by appending alone, so that a saver need
    not look at what they begin with. `ending` is the status with which the run ends here, where nothing of it
    follows: a saver may give the thread back in the same piece; `close` comes all the same.
    `attributes` is what changes of those of the thread (RB.11), to be made with the rest in one piece.
    `is_of_run`: the run was given all of this (its answers) when it was called, so a saver that has kept what it was
    called with has it already. `is_followed`: the next saving comes before anything of the author's runs or is shown.
    `is_plain`: metadata and checkpoint, apart from its values, are known to be plain JSON, whose types nobody need check.
    """

    thread_id: str
    namespace: str
    parent_id: str | None
    writes: Sequence[TaskWrites] = ()
    checkpoint: Checkpoint | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, Any] = field(default_factory=dict)
    appended: frozenset[str] = frozenset()
    closed: Sequence[Closed] = ()
    durability: Durability = "sync"
    last: bool = False
    ending: str = ""
    is_of_run: bool = False
    is_followed: bool = False
    is_plain: bool = False
    attributes: Attributes | None = None
    answers: tuple[str, UpdateAnswer] | None = None
    """The id of an update that this carries out, and its answer (RB.16)."""


class Place(Struct):
    """A run's right to write to a thread, given by `open` and given back by `close`.

    `reached` names the namespaces whose newest checkpoint this very run has written before its
    worker was lost, or gave it back: what held it there has held nobody yet.
    """

    thread_id: str
    run_id: str
    fence: int = 0
    owner: Any = None
    since: datetime | None = None
    reached: frozenset[str] = frozenset()


def named_by(config: Any, what: str = "config") -> Mapping[str, Any]:
    """What a config that a saver is given names; TypeError for one that names nothing."""
    found = config.get("configurable") if isinstance(config, Mapping) else None
    if not isinstance(found, Mapping):
        raise refused("a saver", what, config, 'a dict such as {"configurable": {...}}')
    return found


def thread_named_by(config: Any) -> Mapping[str, Any]:
    """As `named_by`; ValueError where no thread is named."""
    found = named_by(config)
    if found.get("thread_id") is None:
        wanted = 'one that names a thread: {"configurable": {"thread_id": "..."}}'
        raise refused("a saver", "config", config, wanted, ValueError)
    return found


def check_listing(filter: Any, limit: Any) -> None:
    """Refuse what no listing of checkpoints can be narrowed by."""
    if filter is not None and not isinstance(filter, Mapping):
        raise refused("a saver's list", "filter", filter, "a dict of metadata")
    if limit is not None:
        check_count(limit, "a saver's list", "limit")


def several_ids(given: Any, name: str) -> list[str]:
    """Ids that a saver is given; TypeError for one text, which would be read letter by letter."""
    return [*map(str, several(given, "a saver", name, "a list of ids"))]


def checkpoint_config(
    thread_id: str, namespace: str = "", checkpoint_id: str | None = None
) -> Config:
    """A config that names a thread, a namespace and, where given, a checkpoint."""
    configurable = {"thread_id": thread_id, "checkpoint_ns": namespace}
    if checkpoint_id:
        configurable["checkpoint_id"] = checkpoint_id
    return {"configurable": configurable}


in_parts: ContextVar[Commit | None] = ContextVar("in_parts", default=None)
"""The commit whose parts are being given to `put_writes` and `put`, for a saver that can keep more
of it than their arguments say (questions, what they close, durability)."""
