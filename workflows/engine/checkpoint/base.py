"""What a saver keeps and what the engine asks of it.

A saver may be written in LangGraph's form alone (`get_tuple`, `list`, `put`, `put_writes` and `delete_thread`, or
their async twins); the rest has a body here that calls those. One that can do more overrides `commit`, `open`, `close`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from workflows.engine import ids
from workflows.engine import serde as _serde
from workflows.engine.checkpoint.labels import Labelled
from workflows.engine.checkpoint.overriding import obey, takes_path
from workflows.engine.checkpoint.shapes import (
    Asked,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    Closed,
    Commit,
    Config,
    Due,
    PendingWrite,
    Place,
    TaskWrites,
    checkpoint_config,
    in_parts,
)
from workflows.engine.checkpoint.taking import (
    check_head,
    is_given_up,
    never_cancels,
    taken,
)
from workflows.engine.checkpoint.updating import KeepsUpdates
from workflows.engine.errors import ThreadBusyError
from workflows.engine.kinds import IN_BRACKETS
from workflows.engine.later import asyncio

__all__ = [
    "Asked",
    "BaseCheckpointSaver",
    "Checkpoint",
    "CheckpointMetadata",
    "CheckpointTuple",
    "Closed",
    "Commit",
    "Config",
    "Due",
    "PendingWrite",
    "Place",
    "TaskWrites",
    "checkpoint_config",
    "is_given_up",
]

_guard = threading.Lock()
_numbers = itertools.count(1)


class BaseCheckpointSaver(Labelled, KeepsUpdates):
    """Keeps checkpoints. Subclass it in LangGraph's form; override `commit` to be fast.

    Whichever of LangGraph's methods a subclass overrides, of this class or of a saver of ours, is
    what the engine calls (R6.17). A saver with async methods alone serves the async calls of a graph.
    """

    serde: Any = _serde.default
    awaited: ClassVar[bool] = False
    """The async methods do something of their own, so async runs have to call them."""
    tells_sameness: bool = False
    """It has `get_if_changed` with its async twin, and keeps what was `looked_at`, in plain text."""
    looked_at: dict[Any, Any]
    keeps_attributes: bool = False
    """It has a `put_attributes`, so what runs on it may set attributes of its thread (RB.11)."""
    only_hops: ClassVar[bool] = True
    """Stands in the classes whose async methods are the blocking ones in a thread."""

    __class_getitem__ = IN_BRACKETS

    def __init__(self, *, serde: Any = None) -> None:
        if serde is not None:
            self.serde = serde

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        obey(cls, BaseCheckpointSaver)

    # LangGraph's form

    def get(self, config: Config) -> Checkpoint | None:
        """The checkpoint at `config`, or None."""
        found = self.get_tuple(config)
        return found.checkpoint if found else None

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the head), or None."""
        raise self._lacks("get_tuple")

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first by id."""
        raise self._lacks("list")

    def put(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Save a checkpoint whose parent is named by `config`; returns its own config."""
        raise self._lacks("put")

    def put_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task of the step after `config`'s checkpoint wrote."""
        raise self._lacks("put_writes")

    def delete_thread(self, thread_id: str) -> None:
        """Remove everything of one thread, in every namespace."""
        raise self._lacks("delete_thread")

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints whose metadata name one of these runs as `run_id`."""
        raise self._lacks("delete_for_runs")

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Give a new thread the whole history of another one."""
        raise self._lacks("copy_thread")

    def prune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Keep the head of each namespace ("keep_latest"), or nothing ("delete")."""
        raise self._lacks("prune")

    def _lacks(self, method: str) -> NotImplementedError:
        name = type(self).__name__
        has_twin = getattr(type(self), f"a{method}", None) is not getattr(
            BaseCheckpointSaver, f"a{method}", None
        )
        return NotImplementedError(
            f"the saver {name} has no {method}(); "
            + (
                f"it has a{method}(): call the graph's async methods (ainvoke, aget_state, ...)"
                if has_twin
                else f"define {name}.{method}() or use a saver that has it"
            )
        )

    def put_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Change attributes of a thread; None as a value removes one (RB.11).

        A saver in LangGraph's form that has this keeps attributes, and is given those of a step between
        its writes and its checkpoint; with a saver that has not, `set_attributes` raises RuntimeError.
        """
        raise self._lacks("put_attributes")

    def attributes_of(self, thread_id: str) -> dict[str, Any]:
        """The attributes of a thread, by name."""
        raise self._lacks("attributes_of")

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
        self.commit_in_parts(commit)

    def commit_in_parts(self, commit: Commit) -> None:
        """`commit` where `put` or `put_writes` are the author's own."""
        token = in_parts.set(commit)
        try:
            config = _parent_config(commit)
            for task in commit.writes:
                self.put_writes(config, *self._arguments(self.put_writes, task))
            if commit.attributes:
                self.put_attributes(commit.thread_id, commit.attributes)
            if commit.checkpoint is not None:
                self.put(config, *_put_arguments(commit, commit.checkpoint))
        finally:
            in_parts.reset(token)

    def _arguments(self, method: Any, task: TaskWrites) -> tuple[Any, ...]:
        given = (list(task.writes), task.task_id, task.path)
        return given if takes_path(getattr(method, "__func__", method)) else given[:2]

    def head(self, thread_id: str) -> str | None:
        """The id of the newest checkpoint of the root namespace, or None."""
        found = self.get_tuple(checkpoint_config(thread_id, "", None))
        return found.checkpoint["id"] if found else None

    @never_cancels
    def open(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Take the thread for one run (RA.1); `expected_head` None means any.

        Raises ThreadBusyError while another run holds it, StaleResumeError when the head
        has moved. The default guards within this process.
        """
        place = self._take(thread_id, owner)
        if expected_head is not None:
            with self._given_back_where_it_fails(place):
                check_head(place, expected_head, self.head(thread_id))
        return place

    def _take(self, thread_id: str, owner: Any) -> Place:
        with _guard:
            live: dict[str, Place] = self.__dict__.setdefault("_live", {})
            holder = live.get(thread_id)
            if holder is not None and not is_given_up(holder):
                raise ThreadBusyError(holder.run_id, holder.since, thread_id=thread_id)
            run_id = f"local-{next(_numbers)}"
            place = Place(thread_id, run_id, owner=owner, since=ids.now())
            live[thread_id] = place
            return place

    @contextmanager
    def _given_back_where_it_fails(self, place: Place) -> Iterator[None]:
        try:
            yield
        except BaseException:
            BaseCheckpointSaver.close(self, place)
            raise

    def close(self, place: Place, outcome: str = "success") -> None:
        """Give the thread back; `outcome` is a run status word."""
        with _guard:
            live: dict[str, Place] = self.__dict__.setdefault("_live", {})
            if live.get(place.thread_id) is place:
                del live[place.thread_id]
            if outcome == "success":
                self.__dict__.get("_heartbeats", {}).pop(place.thread_id, None)

    def keep_heartbeat(
        self, thread_id: str, task_id: str, node: str, details: Any
    ) -> None:
        """Keep what a task said last of its progress (RA.16); the default: in this process."""
        with _guard:
            kept: dict[str, dict[str, Any]] = self.__dict__.setdefault(
                "_heartbeats", {}
            )
            kept.setdefault(thread_id, {})[task_id] = details

    def last_heartbeat(self, thread_id: str, task_id: str) -> Any:
        """What `keep_heartbeat` was given last for the task, or None."""
        with _guard:
            return self.__dict__.get("_heartbeats", {}).get(thread_id, {}).get(task_id)

    # async twins: one body, the blocking one

    async def aget(self, config: Config) -> Checkpoint | None:
        """Async twin of `get`."""
        found = await self.aget_tuple(config)
        return found.checkpoint if found else None

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

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Async twin of `prune`."""
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)

    async def aput_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Async twin of `put_attributes`."""
        await asyncio.to_thread(self.put_attributes, thread_id, change)

    async def acommit(self, commit: Commit) -> None:
        """Async twin of `commit`."""
        await asyncio.to_thread(self.commit, commit)

    async def acommit_in_parts(self, commit: Commit) -> None:
        """`acommit` where `aput` or `aput_writes` are the author's own."""
        token = in_parts.set(commit)
        try:
            config = _parent_config(commit)
            for task in commit.writes:
                await self.aput_writes(config, *self._arguments(self.aput_writes, task))
            if commit.attributes:
                await self.aput_attributes(commit.thread_id, commit.attributes)
            if commit.checkpoint is not None:
                await self.aput(config, *_put_arguments(commit, commit.checkpoint))
        finally:
            in_parts.reset(token)

    async def ahead(self, thread_id: str) -> str | None:
        """Async twin of `head`."""
        return await asyncio.to_thread(self.head, thread_id)

    async def aopen(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Async twin of `open`."""
        opening = asyncio.to_thread(self.open, thread_id, expected_head, owner)
        return await taken(opening, self.aclose)

    async def aopen_in_parts(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """`aopen` where `aget_tuple` is the author's own."""
        place = self._take(thread_id, owner)
        if expected_head is not None:
            with self._given_back_where_it_fails(place):
                found = await self.aget_tuple(checkpoint_config(thread_id, "", None))
                head = found.checkpoint["id"] if found else None
                check_head(place, expected_head, head)
        return place

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        await asyncio.to_thread(self.close, place, outcome)


def _parent_config(commit: Commit) -> Config:
    return checkpoint_config(commit.thread_id, commit.namespace, commit.parent_id)


def _put_arguments(
    commit: Commit, checkpoint: Checkpoint
) -> tuple[Checkpoint, Any, dict[str, Any]]:
    return checkpoint, dict(commit.metadata), dict(commit.changed)
