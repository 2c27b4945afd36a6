"""What the savers over rows have in common: one way to save, whatever is to be saved.

The field's `put` and `put_writes` say with a part of a commit what `commit` says whole. Which
rows that makes, and how they get into a table, is each saver's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.engine.attributes import Attributes, checked
from workflows.engine.checkpoint.base import (
    Checkpoint,
    CheckpointMetadata,
    Commit,
    Config,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.checkpoint.porting import get_checkpoint_metadata
from workflows.engine.checkpoint.shapes import in_parts, thread_named_by
from workflows.storage.async_twins import AsyncTwins
from workflows.storage.channels import Ref
from workflows.storage.savings import Saving, alone
from workflows.storage.turns import Wish
from workflows.storage.values import ThreadMemory


class RowSaver(AsyncTwins):
    """Saves all there is by `_saving`; a subclass has that, `_write` and `_map_at`."""

    def commit(self, commit: Commit) -> None:
        """Save `commit` whole, or nothing of it.

        Raises LeaseLostError where the thread is held and another has saved on it since;
        with a DjangoSaver that does not hold the thread, ThreadBusyError while a run does.
        """
        self._save(commit)

    def _committing(self, commit: Commit) -> Saving[None]:
        if type(self).commit is not RowSaver.commit:  # somebody's own
            return super()._committing(commit)
        return self._saving(commit)

    def put(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Save a checkpoint whose parent is named by `config`; returns its own config.

        Its metadata are `metadata` and the plain values of the config's metadata and configurable keys.
        """
        thread_id, namespace, parent = address(config)
        part = Commit(
            thread_id,
            namespace,
            parent,
            checkpoint=checkpoint,
            metadata=get_checkpoint_metadata(config, metadata),
            changed=new_versions,
            **_manner(),
        )
        self._save(part, replace=True)
        return checkpoint_config(thread_id, namespace, checkpoint["id"])

    def put_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task of the step after `config`'s checkpoint wrote."""
        thread_id, namespace, parent = address(config)
        task = TaskWrites(task_id, task_path, "", list(writes))
        part = Commit(thread_id, namespace, parent, [task], **_manner())
        self._complete(part)
        self._save(part, replace=True)

    def put_attributes(self, thread_id: str, change: Attributes) -> None:
        """Change attributes of a thread; None as a value removes one."""
        self._save(Commit(str(thread_id), "", None, attributes=checked(change)))

    def _save(self, commit: Commit, *, replace: bool = False) -> None:
        """Save `commit` whole; a row that is there already is an error, or replaced."""
        alone(self._saving(commit, replace=replace), self._write)

    def _saving(self, commit: Commit, *, replace: bool = False) -> Saving[None]:
        """What saves `commit`, asking for what is to be written."""
        raise NotImplementedError

    def _write(self, wish: Wish) -> int | None:
        """Write what a saving asks for; returns what became of it."""
        raise NotImplementedError

    def _complete(self, part: Commit) -> None:
        """Add to a task's writes what only the whole commit knows of the task."""

    def _map_at(
        self, thread_id: str, namespace: str, checkpoint_id: str
    ) -> Mapping[str, Ref]:
        """Where the values of a checkpoint stand, read from its row."""
        raise NotImplementedError

    def _map_before(self, commit: Commit, memory: ThreadMemory) -> Mapping[str, Ref]:
        """Where the values of the checkpoint before that of `commit` stand."""
        parent = commit.parent_id
        if commit.checkpoint is None or not parent:
            return {}
        known = memory.maps.get(commit.namespace)
        if known is not None and known[0] == parent:
            return known[1]
        return self._map_at(commit.thread_id, commit.namespace, parent)


def address(config: Config) -> tuple[str, str, str | None]:
    """(thread id, namespace, checkpoint id or None) of a config."""
    configurable = thread_named_by(config)
    thread_id = str(configurable["thread_id"])
    namespace = configurable.get("checkpoint_ns") or ""
    return thread_id, namespace, configurable.get("checkpoint_id") or None


def _manner() -> dict[str, Any]:
    """How durable a part of a commit has to be: as the whole."""
    whole = in_parts.get()
    return {} if whole is None else {"durability": whole.durability, "last": whole.last}
