"""What the in-memory saver keeps where it was given a cipher: every text sealed for its place."""

from __future__ import annotations

from typing import Any

from workflows.engine.checkpoint.kept import Keeper, Key, Node
from workflows.engine.checkpoint.records import Saved, Space
from workflows.engine.serde import Serde
from workflows.engine.serde.vault import Vault

BODY = "checkpoint"
WRITES = "writes"


class SealedNode(Node):
    """A value that opens under its own thread and channel alone."""

    __slots__ = ("place", "thread_id", "vault")

    def __init__(self, vault: Vault, key: Key, text: str) -> None:
        self.vault = vault
        self.thread_id, _, channel = key
        self.place = f"channel {channel}"
        super().__init__(vault.seal(text, self.thread_id, self.place).encode())

    def load(self, codec: Serde) -> Any:
        """The value, made anew."""
        sealed = self.payload.decode()
        return codec.decode(self.vault.open(sealed, self.thread_id, self.place))

    def moved(self, thread_id: str) -> SealedNode:
        """The same value, sealed for another thread."""
        text = self.vault.open(self.payload.decode(), self.thread_id, self.place)
        channel = self.place.removeprefix("channel ")
        return SealedNode(self.vault, (thread_id, "", channel), text)


class SealedKeeper(Keeper):
    """Seals each value whole: what is encrypted cannot be continued."""

    def __init__(self, codec: Serde, vault: Vault) -> None:
        super().__init__(codec)
        self.vault = vault

    def keep(self, key: Key, value: Any, *, appended: bool = False) -> Node:
        """A node that holds `value` as it is now."""
        return SealedNode(self.vault, key, self.codec.dumps(value, f"$.{key[2]}"))


class Sealer:
    """Seals the other texts of a thread: bodies of checkpoints, writes of tasks."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def seal(self, data: bytes, thread_id: str, place: str) -> bytes:
        """`data` encrypted for this place."""
        return self.vault.seal(data.decode(), thread_id, place).encode()

    def open(self, data: bytes, thread_id: str, place: str) -> bytes:
        """What was sealed there."""
        return self.vault.open(data.decode(), thread_id, place).encode()

    def move(self, space: Space, source: str, target: str) -> None:
        """Seal all of a copied space for the thread it was copied to."""

        def again(data: bytes, place: str) -> bytes:
            return self.seal(self.open(data, source, place), target, place)

        for id, saved in space.saved.items():
            space.saved[id] = Saved(
                saved.id,
                saved.parent,
                again(saved.body, BODY),
                {
                    name: node.moved(target) if isinstance(node, SealedNode) else node
                    for name, node in saved.values.items()
                },
                saved.versions,
            )
        for id, entries in space.entered.items():
            space.entered[id] = [
                (task, path, {s: again(d, WRITES) for s, d in slots.items()})
                for task, path, slots in entries
                if isinstance(slots, dict)  # so are all that were sealed
            ]
