"""What a saver keeps and what the engine asks of it.

A saver may be written in the field's form alone (`get_tuple`, `list`, `put`, `put_writes`
and `delete_thread`); the rest has a body here that calls those. A saver that can do more in one go
overrides `commit`, `open` and `close`.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from workflows.engine.errors import StaleResumeError, ThreadBusyError
from workflows.engine.types import Durability, Interrupt

Config = dict[str, Any]
Due = dict[str, Any]
PendingWrite = tuple[str, str, Any]  # task id, channel or reserved name, value


class Checkpoint(TypedDict, total=False):
    """The state after one superstep.

    `due` lists what runs next, as plain dicts: `{"node": name, "by": [...]}` for a node that
    was reached by an edge, and with a key "send" (the input) for a `Send`. A saver stores
    the list as it is. The other keys are the field's.
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


@dataclass(slots=True)
class Asked:
    """A question as a review queue needs it: where it stands beside what it asks."""

    interrupt: Interrupt
    ordinal: int
    key: str | None
    digest: str


@dataclass(slots=True)
class TaskWrites:
    """What one task saves: pairs of channel (or reserved name) and value."""

    task_id: str
    path: str
    name: str
    writes: Sequence[tuple[str, Any]]
    asked: Sequence[Asked] = ()
    error: str | None = None


@dataclass(slots=True)
class Closed:
    """An open question that this saving ends; `status` is resolved or superseded."""

    interrupt_id: str
    status: str


@dataclass(slots=True)
class Commit:
    """All that one saving carries; a saver that can makes it durable in one piece.

    `writes` belong to the step after checkpoint `parent_id` (None before the first one). `checkpoint`, where given, is the
    new head of the namespace; `changed` are the versions of its channels that moved. Of these,
    `appended` are lists that a reducer made from the saved ones by appending alone, so that a saver need
    not look at what they begin with.
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


@dataclass(slots=True)
class Place:
    """A run's right to write to a thread, given by `open` and given back by `close`."""

    thread_id: str
    run_id: str
    fence: int = 0
    owner: Any = None


_guard = threading.Lock()
_numbers = itertools.count(1)


class BaseCheckpointSaver:
    """Keeps checkpoints. Subclass it in the field's form; override `commit` to be fast."""

    serde: Any = None

    def __init__(self, *, serde: Any = None) -> None:
        if serde is not None:
            self.serde = serde

    # the field's form

    def get(self, config: Config) -> Checkpoint | None:
        """The checkpoint at `config`, or None."""
        found = self.get_tuple(config)
        return found.checkpoint if found else None

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the head), or None."""
        raise NotImplementedError

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first by id."""
        raise NotImplementedError

    def put(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Save a checkpoint whose parent is named by `config`; returns its own config."""
        raise NotImplementedError

    def put_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task of the step after `config`'s checkpoint wrote."""
        raise NotImplementedError

    def delete_thread(self, thread_id: str) -> None:
        """Remove everything of one thread, in every namespace."""
        raise NotImplementedError

    def get_next_version(self, current: Any, channel: Any) -> Any:
        """The version after `current` (None: the first)."""
        if current is None:
            return 1
        if isinstance(current, str):
            return int(current.split(".")[0]) + 1
        return current + 1

    # what the engine calls

    def commit(self, commit: Commit) -> None:
        """Save `commit`; by default through `put_writes`, then `put`."""
        config = checkpoint_config(commit.thread_id, commit.namespace, commit.parent_id)
        for task in commit.writes:
            self._put_task(config, task)
        if commit.checkpoint is not None:
            self.put(
                config,
                commit.checkpoint,
                dict(commit.metadata),  # type: ignore[arg-type]
                dict(commit.changed),
            )

    def _put_task(self, config: Config, task: TaskWrites) -> None:
        try:
            self.put_writes(config, list(task.writes), task.task_id, task.path)
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            self.put_writes(config, list(task.writes), task.task_id)  # R6.17

    def head(self, thread_id: str) -> str | None:
        """The id of the newest checkpoint of the root namespace, or None."""
        found = self.get_tuple(checkpoint_config(thread_id, "", None))
        return found.checkpoint["id"] if found else None

    def open(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Take the thread for one run (RA.1); `expected_head` None means any.

        Raises ThreadBusyError while another run holds it, StaleResumeError when the head
        has moved. The default guards within this process.
        """
        with _guard:
            live: dict[str, Place] = self.__dict__.setdefault("_live", {})
            holder = live.get(thread_id)
            if holder is not None and not _given_up(holder):
                raise ThreadBusyError(holder.run_id, thread_id=thread_id)
            place = Place(thread_id, f"local-{next(_numbers)}", owner=owner)
            live[thread_id] = place
        if expected_head is not None:
            head = self.head(thread_id)
            if head != expected_head:
                self.close(place)
                raise StaleResumeError(head or "", thread_id=thread_id)
        return place

    def close(self, place: Place, outcome: str = "success") -> None:
        """Give the thread back; `outcome` is a run status word."""
        with _guard:
            live: dict[str, Place] = self.__dict__.setdefault("_live", {})
            if live.get(place.thread_id) is place:
                del live[place.thread_id]

    # async twins: one body, the blocking one

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async twin of `list`."""

        def read() -> Sequence[CheckpointTuple]:
            return [*self.list(config, filter=filter, before=before, limit=limit)]

        for found in await asyncio.to_thread(read):
            yield found

    async def aput(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Async twin of `put`."""
        return await asyncio.to_thread(
            self.put, config, checkpoint, metadata, new_versions
        )

    async def aput_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async twin of `put_writes`."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def acommit(self, commit: Commit) -> None:
        """Async twin of `commit`."""
        await asyncio.to_thread(self.commit, commit)

    async def ahead(self, thread_id: str) -> str | None:
        """Async twin of `head`."""
        return await asyncio.to_thread(self.head, thread_id)

    async def aopen(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Async twin of `open`."""
        return await asyncio.to_thread(self.open, thread_id, expected_head, owner)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        await asyncio.to_thread(self.close, place, outcome)


def _given_up(place: Place) -> bool:
    """Ask a driver of this process whether its run was left lying in mid-stream (RA.2)."""
    give_up = getattr(place.owner, "give_up", None)
    return bool(give_up is not None and give_up())


def checkpoint_config(
    thread_id: str, namespace: str = "", checkpoint_id: str | None = None
) -> Config:
    """A config that names a thread, a namespace and, where given, a checkpoint."""
    configurable = {"thread_id": thread_id, "checkpoint_ns": namespace}
    if checkpoint_id:
        configurable["checkpoint_id"] = checkpoint_id
    return {"configurable": configurable}
