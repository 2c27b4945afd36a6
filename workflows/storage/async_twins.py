"""The async face of a saver that blocks: one hop to the thread that owns the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async

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
from workflows.engine.checkpoint.taking import taken


def _hop(function: Callable[..., Any]) -> Callable[..., Any]:
    return sync_to_async(function, thread_sensitive=True)


class AsyncTwins(BaseCheckpointSaver):
    """Async twins of everything that the blocking saver below it can do."""

    only_hops = True

    def get_if_changed(self, config: Config, known: Any) -> Looked:
        """What `get_tuple` gives, with a sign; nothing where the sign would be `known`."""
        raise NotImplementedError

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return await _hop(self.get_tuple)(config)

    async def aget_if_changed(self, config: Config, known: Any) -> Looked:
        """Async twin of `get_if_changed`."""
        found: Looked = await _hop(self.get_if_changed)(config, known)
        return found

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

        for item in await _hop(read)():
            yield item

    async def aput(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Async twin of `put`."""
        return await _hop(self.put)(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async twin of `put_writes`."""
        await _hop(self.put_writes)(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        await _hop(self.delete_thread)(thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        await _hop(self.copy_thread)(source_thread_id, target_thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        await _hop(self.delete_for_runs)(run_ids)

    async def aprune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Async twin of `prune`."""
        await _hop(self.prune)(thread_ids, strategy=strategy)

    async def aput_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Async twin of `put_attributes`."""
        await _hop(self.put_attributes)(thread_id, change)

    async def acommit(self, commit: Commit) -> None:
        """Async twin of `commit`."""
        await _hop(self.commit)(commit)

    async def ahead(self, thread_id: str) -> str | None:
        """Async twin of `head`."""
        return await _hop(self.head)(thread_id)

    async def aopen(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Async twin of `open`."""
        opening = _hop(self.open)(thread_id, expected_head, owner)
        return await taken(opening, self.aclose)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        await _hop(self.close)(place, outcome)
