"""What a node of a `NodeBuilder` writes where: entries for channels, and what they make of a result (R1.50)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

SKIP_WRITE = object()
"""What a mapper returns where its channel is not to be written to."""
PASSTHROUGH = object()
"""The value of an entry that writes what the node's functions returned."""


class ChannelWriteEntry(NamedTuple):
    """One channel that a node writes to; `mapper` makes the written value of what it is given."""

    channel: str
    value: Any = PASSTHROUGH
    skip_none: bool = False
    mapper: Callable[[Any], Any] | None = None


class ChannelWriteTupleEntry(NamedTuple):
    """Writes that a function makes: `mapper` returns pairs of channel and value, or None."""

    mapper: Callable[[Any], Sequence[tuple[str, Any]] | None]
    value: Any = PASSTHROUGH
    static: Sequence[tuple[str, Any, str | None]] | None = None


Entry = ChannelWriteEntry | ChannelWriteTupleEntry


def pairs_of(entry: Entry, returned: Any) -> Sequence[tuple[str, Any]]:
    """What one entry writes of what the node returned: pairs of channel and value."""
    value = returned if entry.value is PASSTHROUGH else entry.value
    if isinstance(entry, ChannelWriteTupleEntry):
        return entry.mapper(value) or ()
    if entry.mapper is not None:
        value = entry.mapper(value)
    if value is SKIP_WRITE or (entry.skip_none and value is None):
        return ()
    return [(entry.channel, value)]
