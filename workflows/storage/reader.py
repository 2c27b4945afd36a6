"""The reading half of the saver: one checkpoint, or a history page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connections

from workflows.engine.checkpoint.base import CheckpointTuple, Config
from workflows.engine.checkpoint.shapes import LoneCheckpoint
from workflows.engine.serde.vault import Vault
from workflows.storage import reading, sealing
from workflows.storage.async_twins import AsyncTwins
from workflows.storage.rows import CheckpointRow, checkpoint_tuple, verified_refs
from workflows.storage.values import Memory, ThreadMemory
from workflows.storage.writes import Values, WriteRow, places_of, read_rows

_PAGE = 50


class Reader(AsyncTwins):
    """Reads checkpoints from the database `using`; `_codec` decodes them."""

    using: str
    _codec: Any
    _memory: Memory
    _vault: Vault | None

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the newest), or None."""
        thread_id, namespace, checkpoint_id = address(config)
        found = reading.whole(
            connections[self.using], thread_id, namespace, checkpoint_id
        )
        if found is None:
            return None
        row, values, writes, is_lone = found
        return self._built(
            thread_id,
            namespace,
            [row],
            {row.id: writes},
            values,
            is_lone=is_lone,
            memory=self._memory.of(thread_id),
        )[0]

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints newest first by id; every key of `filter` must equal the metadata's.

        Without `checkpoint_ns` in the config all namespaces of the thread are listed.
        """
        where, older_than = _conditions(config, before)
        wrapper = connections[self.using]
        last: tuple[str, ...] = ()
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None or filter else min(left, _PAGE)
            found = reading.page(wrapper, where, older_than, size, last)
            for item in self._page_tuples(found):
                if filter and not _matches(item.metadata, filter):
                    continue
                yield item
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
            if len(found) < size:
                return
            last = (found[-1][2].id, *found[-1][:2])

    def _page_tuples(
        self, found: Sequence[tuple[str, str, CheckpointRow]]
    ) -> Iterable[CheckpointTuple]:
        groups: dict[tuple[str, str], Any] = {}
        for thread_id, namespace, row in found:
            groups.setdefault((thread_id, namespace), []).append(row)
        built = {
            (*place, item.checkpoint["id"]): item
            for place, rows in groups.items()
            for item in self._group(*place, rows)
        }
        return [
            built[thread_id, namespace, row.id] for thread_id, namespace, row in found
        ]

    def _group(
        self, thread_id: str, namespace: str, rows: Sequence[CheckpointRow]
    ) -> Sequence[CheckpointTuple]:
        wrapper = connections[self.using]
        writes = reading.writes_of(
            wrapper, thread_id, namespace, [row.id for row in rows]
        )
        # Asked only where something is unfinished: nobody else looks below.
        is_lone = bool(writes) and not reading.has_below(wrapper, thread_id, namespace)
        return self._built(thread_id, namespace, rows, writes, is_lone=is_lone)

    def _built(
        self,
        thread_id: str,
        namespace: str,
        rows: Sequence[CheckpointRow],
        writes: Mapping[str, Sequence[WriteRow]],
        values: Values | None = None,
        *,
        is_lone: bool,
        memory: ThreadMemory | None = None,
    ) -> Sequence[CheckpointTuple]:
        """Put checkpoints of one namespace together; `values`, where they are fetched already."""
        wrapper = connections[self.using]
        maps = [verified_refs(row, thread_id) for row in rows]
        opener = None if self._vault is None else sealing.Opener(self._vault, thread_id)
        if opener is not None:
            rows = [opener.checkpoint(row) for row in rows]
            maps = [opener.refs(refs) for refs in maps]
            writes = {id: opener.writes(found) for id, found in writes.items()}
        read = {
            row.id: read_rows(
                self._codec,
                writes[row.id],
                f"thread {thread_id!r}, checkpoint {row.id}",
            )
            for row in rows
            if row.id in writes
        }
        single = places_of(each for found in read.values() for each in found)
        if values is None or single:
            values = reading.values_of(wrapper, thread_id, namespace, maps, single)
        if opener is not None:
            values = opener.values(values)
        built = []
        for row, refs in zip(rows, maps, strict=True):
            item, lists = checkpoint_tuple(
                self._codec,
                thread_id,
                namespace,
                row,
                refs,
                values,
                read.get(row.id, ()),
            )
            if memory is not None:
                memory.maps[namespace] = (row.id, refs)
                for channel, kept in lists.items():
                    if kept is not None:
                        memory.lists[namespace, channel] = kept
            built.append(LoneCheckpoint(*item) if is_lone else item)
        return built


def address(config: Config) -> tuple[str, str, str | None]:
    """(thread id, namespace, checkpoint id or None) of a config."""
    configurable = config["configurable"]
    thread_id = str(configurable["thread_id"])
    namespace = configurable.get("checkpoint_ns") or ""
    return thread_id, namespace, configurable.get("checkpoint_id") or None


def _conditions(
    config: Config | None, before: Config | None
) -> tuple[dict[str, str], str | None]:
    where: dict[str, str] = {}
    configurable = (config or {}).get("configurable", {})
    if configurable.get("thread_id") is not None:
        where["thread_id"] = str(configurable["thread_id"])
    if configurable.get("checkpoint_ns") is not None:
        where["namespace"] = configurable["checkpoint_ns"]
    if configurable.get("checkpoint_id"):
        where["id"] = configurable["checkpoint_id"]
    last = before["configurable"].get("checkpoint_id") if before else None
    return where, last


def _matches(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    missing = object()
    return all(metadata.get(key, missing) == value for key, value in wanted.items())
