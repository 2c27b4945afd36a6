"""Channel values <-> rows, and what the saver remembers of them between two commits.

A list that only grew is written as a delta: the tail after what was saved before. Reading
adds up a snapshot and its deltas, which together are no longer than the list; what a chain of
them costs is its rows. A full value is written again when these weigh more than what they
hold, so nothing is written twice for the sake of reading where items are large.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any, NamedTuple

from msgspec import Struct, field

from workflows.engine.errors import DamagedValueError
from workflows.engine.ids import digest
from workflows.storage.channels import INLINE, Ref

FULL = "full"
DELTA = "delta"
# What a row of a chain costs beside its payload, in bytes of payload: about 130 are stored,
# and fetching a row takes as long as decoding some 200.
_ROW_BYTES = 200
_THREADS = 256
_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


class ValueRow(NamedTuple):
    """A row of `ChannelValue` without its place."""

    channel: str
    kind: str
    base: str
    digest: str
    payload: str


class Kept(Struct):
    """The list last saved in a channel; `items` is our own copy of its object pointers.

    `size` is that of all payloads from the snapshot on, `rows` the number of deltas.
    """

    writer: str
    snapshot: str
    items: list[Any]
    size: int
    rows: int = 0
    scalars: bool = False


class ThreadMemory(Struct):
    """What is known of one thread: newest map of each namespace, and its lists.

    `with_rows` are the namespaces whose values, when last read, did not all stand in the map; `attributes` the names of
    the thread's, where they were asked for; `seq` the number of its last event, 0 where nobody has told; `is_new` says that
    it had no checkpoint when this saver took it, and has not been written to since.
    """

    maps: dict[str, tuple[str, dict[str, Ref]]] = field(default_factory=dict)
    lists: dict[tuple[str, str], Kept] = field(default_factory=dict)
    with_rows: set[str] = field(default_factory=set)
    attributes: set[str] | None = None
    seq: int = 0
    is_new: bool = False

    def note(
        self,
        namespace: str,
        checkpoint_id: str,
        refs: dict[str, Ref],
        lists: Mapping[str, Kept | None],
    ) -> None:
        """Remember the newest checkpoint of a namespace, and which lists it has and has no more."""
        self.maps[namespace] = (checkpoint_id, refs)
        for channel, kept in lists.items():
            if kept is None:
                self.lists.pop((namespace, channel), None)
            else:
                self.lists[namespace, channel] = kept


class Memory:
    """The threads a saver has lately touched; only ever a short cut, never the truth."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, ThreadMemory] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, thread_id: str) -> ThreadMemory:
        """What is remembered of `thread_id` (made empty when new)."""
        with self._lock:
            found = self._threads.get(thread_id)
            if found is None:
                found = self._threads[thread_id] = ThreadMemory()
                while len(self._threads) > _THREADS:
                    self._threads.popitem(last=False)
            else:
                self._threads.move_to_end(thread_id)
            return found

    def forget(self, thread_id: str) -> None:
        """Drop what is remembered of `thread_id`."""
        with self._lock:
            self._threads.pop(thread_id, None)


class Encoded(NamedTuple):
    """What a value becomes: a row or none, the map's entry, what to remember.

    `holds` is the part of the value that the row holds.
    """

    row: ValueRow | None
    ref: Ref
    kept: Kept | None
    holds: Any = None


def encode_value(
    serde: Any,
    channel: str,
    value: Any,
    writer: str,
    version: Any,
    before: Ref | None,
    kept: Kept | None,
    appended: bool = False,
    inline: bool = True,
) -> Encoded:
    """Encode `value`, which the checkpoint `writer` saves; `before` is the parent's entry.

    There is no row when a list did not change (then the value stands where `before` says), or
    with `inline` when the text is so short that it stands in the map.
    """
    if type(value) is not list:
        text = serde.dumps(value, f"$.{channel}")
        if inline and len(text) <= INLINE:
            return Encoded(None, Ref(version, "", "", text), None)
        row = ValueRow(channel, FULL, "", digest(text), text)
        return Encoded(row, Ref(version, writer), None, value)
    # The same objects are the same content only where they cannot change, or where nobody has written
    # them again: a node may well edit an item in place and return the list.
    # Deltas are read as a range of writers, so ids must rise along the chain.
    if (
        kept is not None
        and before is not None
        and kept.writer == before.writer < writer
        and (appended or kept.scalars)
    ):
        known = len(kept.items)
        if known and len(value) >= known and all(map(is_, kept.items, value)):
            tail = value[known:]
            if not tail:
                return Encoded(None, before._replace(version=version), kept)
            text = serde.dumps(tail, f"$.{channel}[{known}:]")
            size, rows = kept.size + len(text), kept.rows + 1
            if rows * _ROW_BYTES <= size:
                row = ValueRow(channel, DELTA, kept.writer, digest(text), text)
                kept.items.extend(tail)
                scalars = kept.scalars and are_scalars(tail)
                grown = Kept(writer, kept.snapshot, kept.items, size, rows, scalars)
                return Encoded(row, Ref(version, writer, kept.snapshot), grown, tail)
    text = serde.dumps(value, f"$.{channel}")
    if inline and len(text) <= INLINE:
        return Encoded(None, Ref(version, "", "", text), None)
    row = ValueRow(channel, FULL, "", digest(text), text)
    scalars = are_scalars(value)
    whole = Kept(writer, writer, [*value], len(text), scalars=scalars)
    return Encoded(row, Ref(version, writer), whole, value)


def decode_value(
    serde: Any,
    ref: Ref,
    channel: str,
    rows: Mapping[tuple[str, str], Sequence[str]],
    where: str,
) -> tuple[Any, Kept | None]:
    """The value `ref` points at, put together from `rows`, and what to remember of it.

    `rows` maps (channel, writer) to (kind, base, digest, payload).
    """
    if ref.text:
        return serde.loads(ref.text), None
    chain: list[Any] = []
    writer = ref.writer
    size = 0
    while True:
        row = rows.get((channel, writer))
        if row is None:
            raise DamagedValueError(
                f"{where}: channel {channel!r} has no value row written by {writer}"
            )
        kind, base, checksum, payload = row
        verify(payload, checksum, f"{where}: channel {channel!r} written by {writer}")
        chain.append(serde.loads(payload))
        size += len(payload)
        if kind != DELTA:
            break
        writer = base
    if len(chain) == 1:
        value = chain[0]
    else:
        value = []
        for part in reversed(chain):
            value.extend(part)
    if type(value) is not list:
        return value, None
    return value, Kept(
        ref.writer, writer, [*value], size, len(chain) - 1, are_scalars(value)
    )


def are_scalars(items: list[Any]) -> bool:
    """Say whether none of `items` can be changed in place."""
    return set(map(type, items)) <= _SCALARS


def verify(text: str, checksum: str, where: str) -> None:
    """Raise DamagedValueError unless `checksum` is the digest of `text` (R10.7)."""
    if digest(text) != checksum:
        raise DamagedValueError(
            f"{where}: the stored text does not match its digest; "
            "restore the row from a backup or go back to an earlier checkpoint"
        )
