"""Async twins for a saver that never waits: they call the blocking verb and hop to no thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

from workflows.engine.checkpoint.base import (
    BaseCheckpointSaver,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    Commit,
    Config,
    Place,
)
from workflows.engine.checkpoint.shapes import Looked


class PromptTwins(BaseCheckpointSaver):
    """A saver whose verbs are over at once."""

    only_hops = True

    # programs written for the reference may open it in a `with`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return self.get_tuple(config)

    def get_if_changed(self, config: Config, known: Any) -> Looked:
        """What `get_tuple` gives, with a sign; nothing where the sign would be `known`."""
        raise NotImplementedError

    async def aget_if_changed(self, config: Config, known: Any) -> Looked:
        """Async twin of `get_if_changed`."""
        return self.get_if_changed(config, known)

    async def alist(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async twin of `list`."""
        for found in self.list(config, filter=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Async twin of `put`."""
        return self.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async twin of `put_writes`."""
        self.put_writes(config, writes, task_id, task_path)

    async def aput_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Async twin of `put_attributes`."""
        self.put_attributes(thread_id, change)

    async def acommit(self, commit: Commit) -> None:
        """Async twin of `commit`."""
        self.commit(commit)

    async def ahead(self, thread_id: str) -> str | None:
        """Async twin of `head`."""
        return self.head(thread_id)

    async def aopen(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Async twin of `open`."""
        return self.open(thread_id, expected_head, owner)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        self.close(place, outcome)

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        self.delete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        self.delete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        self.copy_thread(source_thread_id, target_thread_id)

    async def aprune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Async twin of `prune`."""
        self.prune(thread_ids, strategy=strategy)
