"""The async face of a saver that blocks: hops to the thread that reads and writes for the event loop.

What runs ask for goes in a line (`gathering.py`), with what others ask for at the same time. What is rarer, or
may take long, hops by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

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
from workflows.storage.gathering import line_at
from workflows.storage.savings import Saving, asking
from workflows.storage.turns import Wish


class AsyncTwins(BaseCheckpointSaver):
    """Async twins of everything that the blocking saver below it can do."""

    only_hops = True

    # what the saver has

    get_if_changed: Callable[[Config, Any], Looked]

    async def _hop(self, function: Callable[[], Any]) -> Any:
        """What `function` returns, called in the thread that reads and writes for the running loop."""
        raise NotImplementedError

    def _line(self) -> Hashable:
        """Equal where `_hop` and `_write_all` of two savers do the same."""
        raise NotImplementedError

    def _write_all(self, wishes: Sequence[Wish]) -> None:
        """Write what savings of several threads ask for; what became of each stands at its wish."""
        raise NotImplementedError

    # in a line with others

    async def _in_line(self, thread_id: str, saving: Saving[Any]) -> Any:
        line = line_at(self._line(), self._hop, self._write_all)
        return await line.carry_out(thread_id, saving)

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        reading = asking(self.get_tuple, config)
        found: CheckpointTuple | None = await self._in_line(_thread(config), reading)
        return found

    async def aget_if_changed(self, config: Config, known: Any) -> Looked:
        """Async twin of `get_if_changed`."""
        reading = asking(self.get_if_changed, config, known)
        found: Looked = await self._in_line(_thread(config), reading)
        return found

    async def acommit(self, commit: Commit) -> None:
        """Async twin of `commit`."""
        await self._in_line(commit.thread_id, self._committing(commit))

    def _committing(self, commit: Commit) -> Saving[None]:
        return asking(self.commit, commit)

    async def ahead(self, thread_id: str) -> str | None:
        """Async twin of `head`."""
        found: str | None = await self._in_line(thread_id, asking(self.head, thread_id))
        return found

    async def aopen(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Async twin of `open`."""
        opening = self._opening(thread_id, expected_head, owner)
        return await taken(self._in_line(thread_id, opening), self.aclose)

    def _opening(
        self, thread_id: str, expected_head: str | None, owner: Any
    ) -> Saving[Place]:
        return asking(self.open, thread_id, expected_head, owner)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        await self._in_line(place.thread_id, asking(self.close, place, outcome))

    # by itself

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

        for item in await self._hop(read):
            yield item

    async def aput(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Async twin of `put`."""
        saved: Config = await self._hop(
            partial(self.put, config, checkpoint, metadata, new_versions)
        )
        return saved

    async def aput_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async twin of `put_writes`."""
        await self._hop(partial(self.put_writes, config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        await self._hop(partial(self.delete_thread, thread_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        await self._hop(partial(self.copy_thread, source_thread_id, target_thread_id))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        await self._hop(partial(self.delete_for_runs, run_ids))

    async def aprune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Async twin of `prune`."""
        await self._hop(partial(self.prune, thread_ids, strategy=strategy))

    async def aput_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Async twin of `put_attributes`."""
        await self._hop(partial(self.put_attributes, thread_id, change))


def _thread(config: Config) -> str:
    """The thread that `config` names; "" where it names none, which whoever reads by it will say."""
    try:
        return str(config["configurable"]["thread_id"])
    except (KeyError, TypeError):
        return ""
