"""The reading half of the saver: one checkpoint, or a history page by page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from sys import getsizeof
from typing import Any, NamedTuple

from asgiref.sync import SyncToAsync, sync_to_async

from workflows.engine.checkpoint.base import CheckpointTuple, Config
from workflows.engine.checkpoint.shapes import (
    Looked,
    check_listing,
)
from workflows.engine.serde.vault import Vault
from workflows.storage import reading, sealing
from workflows.storage.async_twins import AsyncTwins
from workflows.storage.channels import Ref
from workflows.storage.checkpoints import (
    CheckpointRow,
    checkpoint_tuple,
    conditions,
    matches,
    named_in,
    verified_refs,
)
from workflows.storage.connections import SQLITE, connection_of
from workflows.storage.row_saver import address
from workflows.storage.unchanged import Mark, Sign, mark_of
from workflows.storage.values import Memory, ThreadMemory
from workflows.storage.writes import Read, Values, WriteRow, places_of, read_rows

_PAGE = 50
_SIGN_BYTES = 16 * 1024


class Reader(AsyncTwins):
    """Reads checkpoints from the database `using`; `_codec` decodes them."""

    tells_sameness = True
    using: str
    _codec: Any
    _memory: Memory
    _vault: Vault | None

    async def _hop(self, function: Callable[[], Any]) -> Any:
        return await sync_to_async(function)()

    def _line(self) -> Hashable:
        # What `sync_to_async` chooses a thread by, beside the loop.
        return self.using, SyncToAsync.thread_sensitive_context.get(None)

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the newest), or None."""
        return self._seen(config, None, None).found

    def get_if_changed(self, config: Config, known: Any) -> Looked:
        """What `get_tuple` gives, with the rows it was made of as its sign.

        Nothing is put together where they are `known`: whoever has written meanwhile, has
        changed them. On SQLite they are not even read where nothing in the file has changed.
        """
        wrapper = connection_of(self.using)
        mark = mark_of(wrapper) if wrapper.vendor == SQLITE else None
        if mark is not None and known is not None and known.mark == mark:
            return Looked(known, None, True)
        return self._seen(config, known, mark)

    def _seen(self, config: Config, known: Sign | None, mark: Mark | None) -> Looked:
        thread_id, namespace, checkpoint_id = address(config)
        wrapper = connection_of(self.using)
        memory = self._memory.of(thread_id)
        if memory.is_new and not namespace and not checkpoint_id:
            return Looked(None, None)
        place = (wrapper, thread_id, namespace, checkpoint_id)
        opened = None
        if wrapper.vendor == SQLITE and namespace not in memory.with_rows:
            rows = reading.short(*place)
            if known is not None and rows == known.rows:
                known.mark = mark
                return Looked(known, None, True)
            found = reading.from_short(rows)
            if found is None:
                return Looked(None, None)
            opened = self._open(thread_id, found.row, found.writes)
            if opened.needs_rows():
                memory.with_rows.add(namespace)
                opened = None
        if opened is None:
            rows = reading.whole_rows(*place)
            if known is not None and rows == known.rows:
                known.mark = mark
                return Looked(known, None, True)
            found = reading.whole(rows)
            if found is None:
                return Looked(None, None)
            opened = self._open(thread_id, found.row, found.writes)
        assert found is not None  # noqa: S101
        values = found.values
        single = places_of(opened.read)
        if single:
            values = reading.values_of(
                wrapper, thread_id, namespace, [opened.refs], single
            )
        if self._vault is not None:
            values = sealing.Opener(self._vault, thread_id).values(values)
        built = self._built(
            thread_id, namespace, opened, values, is_lone=found.is_lone, memory=memory
        )
        if single or _is_large(rows):
            return Looked(None, built)
        return Looked(Sign(rows, mark), built)

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
        check_listing(filter, limit)
        where, older_than = conditions(config, before)
        wrapper = connection_of(self.using)
        named = named_in(self._codec, filter)
        last: tuple[str, ...] = ()
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None or filter else min(left, _PAGE)
            found = reading.page(wrapper, where, older_than, size, last, named)
            for item in self._page_tuples(found):
                if filter and not matches(item.metadata, filter):
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
        wrapper = connection_of(self.using)
        writes = reading.writes_of(
            wrapper, thread_id, namespace, [row.id for row in rows]
        )
        # Asked only where something is unfinished: nobody else looks below.
        is_lone = bool(writes) and not reading.has_below(wrapper, thread_id, namespace)
        opened = [self._open(thread_id, row, writes.get(row.id, ())) for row in rows]
        values = reading.values_of(
            wrapper,
            thread_id,
            namespace,
            [each.refs for each in opened],
            places_of(read for each in opened for read in each.read),
        )
        if self._vault is not None:
            values = sealing.Opener(self._vault, thread_id).values(values)
        return [
            self._built(thread_id, namespace, each, values, is_lone=is_lone)
            for each in opened
        ]

    def _open(
        self, thread_id: str, row: CheckpointRow, writes: Sequence[WriteRow]
    ) -> _Opened:
        """Check a row and its writes, decrypt them, and say which values they refer to."""
        refs = verified_refs(row, thread_id)
        if self._vault is not None:
            opener = sealing.Opener(self._vault, thread_id)
            row = opener.checkpoint(row)
            refs = opener.refs(refs)
            writes = opener.writes(writes)
        read: Sequence[Read] = ()
        if writes:
            read = read_rows(self._codec, writes, thread_id, row.id)
        return _Opened(row, refs, read)

    def _built(
        self,
        thread_id: str,
        namespace: str,
        opened: _Opened,
        values: Values,
        *,
        is_lone: bool,
        memory: ThreadMemory | None = None,
    ) -> CheckpointTuple:
        row, refs, read = opened
        found, lists = checkpoint_tuple(
            self._codec,
            thread_id,
            namespace,
            row,
            refs,
            values,
            read,
            is_lone=is_lone,
        )
        if memory is not None:
            memory.note(namespace, row.id, refs, lists)
        return found


class _Opened(NamedTuple):
    """A checkpoint row whose digest is right, its channel map and its writes, in plain text."""

    row: CheckpointRow
    refs: dict[str, Ref]
    read: Sequence[Read]

    def needs_rows(self) -> bool:
        """Whether something of it stands in value rows."""
        for _, writer, _, text in self.refs.values():
            if writer and not text:
                return True
        return any(each.row.values_at for each in self.read)


def _is_large(rows: Iterable[Sequence[Any]]) -> bool:
    """Whether rows are too much to be kept for being known again."""
    return sum([sum(map(getsizeof, row)) for row in rows]) > _SIGN_BYTES
