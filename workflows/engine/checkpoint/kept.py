"""Channel values as the in-memory saver keeps them: encoded once, lists that grow as deltas.

A value is a `Node`; checkpoints that share a value share its node. A list that begins with the very objects of the list that was
saved before it is kept as its tail on top of that node, until the tails outweigh the last full
value: so a run of appends costs what was appended, and a read at most twice the state.
"""

from __future__ import annotations

from operator import is_
from typing import Any

from workflows.engine.serde import Serde
from workflows.engine.serde.plain import SAFE

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


class _Grown:
    """The list that was saved last, item by item, and where it was saved."""

    __slots__ = ("full_bytes", "items", "node", "tail_bytes")

    def __init__(self, items: list[Any], node: Node, full_bytes: int) -> None:
        self.items = items
        self.node = node
        self.full_bytes = full_bytes
        self.tail_bytes = 0


class Keeper:
    """Makes nodes. Remembers the last list of the channels that were saved most recently."""

    def __init__(self, codec: Serde, remembered: int = 256) -> None:
        self.codec = codec
        self.remembered = remembered
        self._grown: dict[Key, _Grown] = {}

    def keep(self, key: Key, value: Any) -> Node:
        """A node that holds `value` as it is now.

        Raises SerializationError, with a path that begins at the channel.
        """
        kind = type(value)
        if kind in SAFE:
            return Node(value)  # cannot change, so it needs no text
        if kind is list and value:
            return self._keep_list(key, value)
        return Node(self.codec.encode(value, f"$.{key[2]}"))

    def forget(self, thread_id: str) -> None:
        """Drop what is remembered of a thread."""
        for key in [key for key in self._grown if key[0] == thread_id]:
            del self._grown[key]

    def _keep_list(self, key: Key, value: list[Any]) -> Node:
        # The copy of the items is compared, not the list object: an author may have changed that in place.
        last = self._grown.pop(key, None)
        if last is not None:
            length = len(last.items)
            if len(value) >= length and all(map(is_, last.items, value)):
                tail = value[length:]
                if not tail:
                    self._grown[key] = last
                    return last.node
                data = self.codec.encode(tail, f"$.{key[2]}")
                last.tail_bytes += len(data)
                if last.tail_bytes <= last.full_bytes:
                    last.items += tail
                    last.node = Node(data, last.node)
                    self._grown[key] = last
                    return last.node
        data = self.codec.encode(value, f"$.{key[2]}")
        node = Node(data)
        self._grown[key] = _Grown(value[:], node, len(data))
        if len(self._grown) > self.remembered:
            del self._grown[next(iter(self._grown))]
        return node
