"""The channel map of a checkpoint: where the value of each channel stands.

An entry names the checkpoint that wrote the value, or holds the value itself where that is
short: a row of its own would weigh several times as much, and one more look to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from workflows.storage.texts import json_text

INLINE = 64
"""Values of so many characters at most stand in the map; so do they in each one that follows."""
_HERE = "="  # stands for the checkpoint's own id, which no entry has to repeat


class Ref(NamedTuple):
    """Where a channel's value stands: its version, the row's writer, its snapshot if delta.

    With `text`, the value itself, there is no row and no writer; with neither there is no value.
    """

    version: Any
    writer: str
    snapshot: str = ""
    text: str = ""

    @property
    def has_value(self) -> bool:
        """Whether the channel holds anything."""
        return bool(self.writer or self.text)


_decode = msgspec.json.Decoder(dict[str, Ref]).decode


def channels_text(refs: Mapping[str, Ref], rows: Sequence[Sequence[str]]) -> str:
    """The map as it is stored; `rows` are those of this checkpoint, each begins with its channel."""
    shown = refs
    if rows:
        shown = dict(refs)
        for row in rows:
            shown[row[0]] = shown[row[0]]._replace(writer=_HERE)
    return json_text(shown)


def refs_of(channels: str, checkpoint_id: str) -> dict[str, Ref]:
    """The map that the stored checkpoint of this id has."""
    found = _decode(channels)
    for channel, ref in found.items() if f'"{_HERE}"' in channels else ():
        if ref.writer == _HERE:
            found[channel] = ref._replace(writer=checkpoint_id)
    return found


def spans_of(
    maps: Iterable[Mapping[str, Ref]], single: Iterable[tuple[str, str]] = ()
) -> list[tuple[str, str, str]]:
    """The value rows that `maps` need: channel, first and last writer. Between them deltas alone are needed.

    `single` names further rows by channel and writer.
    """
    highest = {place: place[1] for place in single}
    for refs in maps:
        for channel, ref in refs.items():
            if ref.writer:
                key = (channel, ref.snapshot or ref.writer)
                if highest.get(key, "") < ref.writer:
                    highest[key] = ref.writer
    return [(channel, low, high) for (channel, low), high in highest.items()]
