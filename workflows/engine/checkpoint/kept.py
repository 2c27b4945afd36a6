"""Channel values as the in-memory saver keeps them: encoded once, lists that grow as deltas.

A value is a `Node`; checkpoints that share a value share its node. A list that begins as the one saved before it is
kept as its tail on top of that node, until the tails outweigh the last full value: a run of appends costs what was
appended, a read at most twice the state.
"""

from __future__ import annotations

from operator import is_
from typing import Any

from workflows.engine.errors import SerializationError
from workflows.engine.serde import Serde
from workflows.engine.serde.plain import SAFE

_SCALARS = SAFE | {float, bytes}
Key = tuple[str, str, str]  # thread, namespace, channel


class Node:
    """One saved value: an encoded text, a scalar as it is, or a tail on top of `base`."""

    __slots__ = ("base", "payload")

    def __init__(self, payload: Any, base: Node | None = None) -> None:
        self.payload = payload
        self.base = base

    def load(self, codec: Serde) -> Any:
        """The value, made anew."""
        if self.base is None:
            if type(self.payload) is bytes:
                return codec.decode(self.payload)
            return self.payload
        tails = []
        node = self
        while node.base is not None:
            tails.append(node.payload)
            node = node.base
        value = codec.decode(node.payload)
        for tail in reversed(tails):
            value += codec.decode(tail)
        return value

    def text(self) -> bytes:
        """The text of the whole value, where that is a list."""
        parts: list[bytes] = []
        node = self
        while node.base is not None:
            parts.append(node.payload[1:-1])
            node = node.base
        parts.append(node.payload[1:-1])
        return b"[" + b",".join(reversed(parts)) + b"]"


class _Grown:
    """The list that was saved last, item by item, and where it was saved."""

    __slots__ = ("full_bytes", "items", "node", "scalars", "tail_bytes")

    def __init__(self, items: list[Any], data: bytes) -> None:
        self.items = items
        self.node = Node(data)
        self.full_bytes = len(data)
        self.tail_bytes = 0
        self.scalars = _are_scalars(items)

    def is_begin_of(self, value: list[Any]) -> bool:
        """Say whether `value` begins with the very objects that were saved."""
        # Our own copy is compared, not the list: its author may have changed that in place.
        return len(value) >= len(self.items) and all(map(is_, self.items, value))

    def add_text(self, value: list[Any], data: bytes) -> bool:
        """Put on top what `data`, the text of `value`, has after the text that was saved."""
        before = self.node.text()
        if not data.startswith(before[:-1]):
            return False
        rest = data[len(before) - 1 :]
        tail = value[len(self.items) :]
        # What follows is the end or a comma: 12 begins like 1, and is not 1.
        if rest[:1] != (b"," if tail else b"]"):
            return False
        if tail and not self.add(tail, b"[" + rest[1:]):
            return False
        self.items = value[:]
        return True

    def add(self, tail: list[Any], data: bytes) -> bool:
        """Put a tail on top; False where it would outweigh the last full value."""
        if self.tail_bytes + len(data) > self.full_bytes:
            return False
        self.tail_bytes += len(data)
        self.items += tail
        self.node = Node(data, self.node)
        self.scalars = self.scalars and _are_scalars(tail)
        return True


class Keeper:
    """Makes nodes. Remembers the last list of the channels that were saved most recently."""

    def __init__(self, codec: Serde, remembered: int = 256) -> None:
        self.codec = codec
        self.remembered = remembered
        self._grown: dict[Key, _Grown] = {}

    def keep(self, key: Key, value: Any, *, appended: bool = False) -> Node:
        """A node that holds `value` as it is now.

        `appended` promises that a list was made from the one before by appending alone, so that what it
        begins with was not written again. Raises SerializationError, with a path that begins at
        the channel.
        """
        kind = type(value)
        if kind in SAFE:
            return Node(value)  # cannot change, so it needs no text
        if kind is list and value:
            return self._keep_list(key, value, appended)
        return Node(self.codec.encode(value, f"$.{key[2]}"))

    def forget(self, thread_id: str) -> None:
        """Drop what is remembered of a thread."""
        for key in [key for key in self._grown if key[0] == thread_id]:
            del self._grown[key]

    def _keep_list(self, key: Key, value: list[Any], appended: bool) -> Node:
        path = f"$.{key[2]}"
        data: bytes | None = None
        last = self._grown.pop(key, None)
        # The same objects are the same content only where they cannot change, or where nobody has
        # written them again: a node may well edit an item in place and return the list.
        if last is not None and (appended or last.scalars) and last.is_begin_of(value):
            tail = value[len(last.items) :]
            kept = not tail or last.add(tail, self._encode_tail(tail, value, path))
        else:
            data = self.codec.encode(value, path)
            kept = last is not None and last.add_text(value, data)
        if last is None or not kept:
            last = _Grown(value[:], data or self.codec.encode(value, path))
        self._grown[key] = last
        if len(self._grown) > self.remembered:
            del self._grown[next(iter(self._grown))]
        return last.node

    def _encode_tail(self, tail: list[Any], value: list[Any], path: str) -> bytes:
        try:
            return self.codec.encode(tail, path)
        except SerializationError:
            self.codec.encode(value, path)  # raises with the place in the whole list
            raise


def _are_scalars(items: list[Any]) -> bool:
    return set(map(type, items)) <= _SCALARS
