"""A saver that is read and never written to: what is committed to it is dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import (
    BaseCheckpointSaver,
    CheckpointTuple,
    Commit,
    Config,
)
from workflows.engine.checkpoint.labels import Label, label_text


class ReadingSaver(BaseCheckpointSaver):
    """Hands on what `inner` reads, through LangGraph's form alone, so that any saver will do."""

    def __init__(self, inner: BaseCheckpointSaver) -> None:
        super().__init__(serde=inner.serde)
        self.inner = inner
        self.keeps_attributes = inner.keeps_attributes  # dropped with their commits

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """As the saver behind it."""
        return self.inner.get_tuple(config)

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """As the saver behind it."""
        return self.inner.list(config, filter=filter, before=before, limit=limit)

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return await self.inner.aget_tuple(config)

    async def alist(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async twin of `list`."""
        found = self.inner.alist(config, filter=filter, before=before, limit=limit)
        async for each in found:
            yield each

    def get_next_version(self, current: Any, channel: Any) -> Any:
        """As the saver behind it."""
        return self.inner.get_next_version(current, channel)

    def commit(self, commit: Commit) -> None:
        """Drop it."""

    async def acommit(self, commit: Commit) -> None:
        """Drop it."""

    def set_label(self, config: Config, text: str, by: str = "") -> Label:
        """The label as it would be; nothing is kept of it."""
        return Label(label_text(text), config, by, ids.now())

    def remove_label(
        self, config: Config, text: str | None = None, by: str = ""
    ) -> int:
        """Take nothing off."""
        return 0

    def attributes_of(self, thread_id: str) -> dict[str, Any]:
        """As the saver behind it."""
        return self.inner.attributes_of(thread_id)

    def labels(self, thread_id: str) -> Sequence[Label]:
        """As the saver behind it."""
        return self.inner.labels(thread_id)

    def keep_heartbeat(
        self, thread_id: str, task_id: str, node: str, details: Any
    ) -> None:
        """Drop it."""

    def last_heartbeat(self, thread_id: str, task_id: str) -> Any:
        """As the saver behind it."""
        return self.inner.last_heartbeat(thread_id, task_id)
