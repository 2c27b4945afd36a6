"""The form in which the in-memory saver keeps checkpoints, values and writes, and back from it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from workflows.engine.checkpoint.kept import Keeper, Node
from workflows.engine.checkpoint.records import (
    SLOTS,
    Bare,
    Saved,
    Slots,
    Space,
    TaskRecord,
)
from workflows.engine.checkpoint.sealed import BODY, WRITES, SealedKeeper, Sealer
from workflows.engine.checkpoint.shapes import (
    Checkpoint,
    CheckpointTuple,
    LoneCheckpoint,
    PendingWrite,
    checkpoint_config,
)
from workflows.engine.errors import SerializationError
from workflows.engine.serde import Serde
from workflows.engine.serde.plain import SAFE, encode_plain
from workflows.engine.serde.vault import AnyCipher, Vault


def _unmoved(
    before: Saved | None, given: Any, changed: Any, versions: dict[str, Any]
) -> dict[str, Node | Any]:
    """The channels that did not move, as the checkpoint before has them."""
    if before is None or len(changed) >= len(given):
        return {}
    known = before.versions
    if {**known, **changed} == versions:  # a wide state is copied, not walked
        kept = before.values.copy()
        for channel in changed:
            kept.pop(channel, None)
        if kept.keys() <= given.keys():
            return kept
    return {
        channel: node
        for channel, node in before.values.items()
        if channel in given
        and channel not in changed
        and known.get(channel) == versions.get(channel)
    }


class Forms:
    """Makes what is kept of what is given, and back; with a `cipher` all that is kept is sealed."""

    def __init__(self, serde: Serde, cipher: AnyCipher | None = None) -> None:
        self.serde = serde
        self.keeper = Keeper(serde)
        self.sealer: Sealer | None = None
        self._bare = SAFE  # types that are kept as they are
        if cipher is not None:
            self._bare = frozenset()
            self.sealer = Sealer(vault := Vault(cipher))
            self.keeper = SealedKeeper(serde, vault)

    def tuple_of(
        self,
        thread_id: str,
        namespace: str,
        space: Space,
        saved: Saved,
        *,
        is_lone: bool = False,
    ) -> CheckpointTuple:
        """A checkpoint with its pending writes, made anew."""
        checkpoint, metadata = self.body_of(saved, thread_id)
        checkpoint["channel_versions"] = dict(saved.versions)
        checkpoint["channel_values"] = {
            channel: kept.load(self.serde) if isinstance(kept, Node) else kept
            for channel, kept in saved.values.items()
        }
        parent = None
        if saved.parent:
            parent = checkpoint_config(thread_id, namespace, saved.parent)
        return (LoneCheckpoint if is_lone else CheckpointTuple)(
            checkpoint_config(thread_id, namespace, saved.id),
            checkpoint,
            metadata,
            parent,
            self._pending(space.tasks_of(saved.id), thread_id),
        )

    def body_of(self, saved: Saved, thread_id: str) -> Any:
        """[checkpoint without values, metadata], made anew."""
        return self._read(saved.body, thread_id, BODY)

    def _read(self, data: bytes, thread_id: str, place: str) -> Any:
        if self.sealer is not None:
            data = self.sealer.open(data, thread_id, place)
        return self.serde.decode(data)

    def _pending(
        self, tasks: dict[str, TaskRecord], thread_id: str
    ) -> list[PendingWrite]:
        in_order = sorted(tasks.items(), key=lambda pair: (pair[1].path, pair[0]))
        return [
            (task_id, channel, value)
            for task_id, record in in_order
            for slot in sorted(record.slots)
            for channel, value in self._pairs(record.slots[slot], thread_id)
        ]

    def _pairs(self, kept: bytes | Bare, thread_id: str) -> Sequence[tuple[str, Any]]:
        if isinstance(kept, bytes):
            found: list[tuple[str, Any]] = self._read(kept, thread_id, WRITES)
            return found
        return kept

    def saved(
        self,
        thread_id: str,
        namespace: str,
        before: Saved | None,
        parent: str | None,
        checkpoint: Checkpoint,
        metadata: Any,
        changed: Any,
        appended: Container[str] = (),
        *,
        own: bool = False,
        plain: bool = False,
    ) -> Saved:
        """What is kept of a checkpoint; `before` is the one that it was made from.

        `own`: the engine has made it and changes nothing of it any more. `plain` is a commit's `is_plain`.
        """
        given = checkpoint.get("channel_values", {})
        versions = checkpoint.get("channel_versions", {})
        if not own:
            versions = dict(versions)
        values = _unmoved(before, given, changed, versions)
        bare = self._bare
        for channel, value in given.items():
            if channel in values:
                continue
            if type(value) in bare:
                values[channel] = value  # cannot change, so it needs no text
            else:
                key = (thread_id, namespace, channel)
                values[channel] = self.keeper.keep(
                    key, value, appended=channel in appended
                )
        rest: dict[str, Any] = checkpoint.copy()  # type: ignore[assignment]
        rest.pop("channel_values", None)
        rest.pop("channel_versions", None)
        body = self._body(rest, metadata, plain)
        if self.sealer is not None:
            body = self.sealer.seal(body, thread_id, BODY)
        return Saved(checkpoint["id"], parent, body, values, versions)

    def _body(self, rest: dict[str, Any], metadata: Any, plain: bool) -> bytes:
        if plain:
            try:
                return encode_plain([rest, metadata])
            except (ValueError, TypeError):
                pass  # a name that JSON cannot hold: the careful way below
        try:
            return self.serde.encode([rest, metadata])
        except SerializationError:
            self.serde.encode(rest, "$")
            self.serde.encode(metadata, "$metadata")
            raise

    def slots(self, writes: Sequence[tuple[str, Any]], thread_id: str) -> Slots:
        """What is kept of a task's writes."""
        if self.sealer is not None:
            return {
                slot: self.sealer.seal(data, thread_id, WRITES)
                for slot, data in self._slot_texts(writes).items()
            }
        for channel, value in writes:
            if type(value) not in SAFE or channel in SLOTS:
                return self._slot_texts(writes)
        return tuple(writes)  # they cannot change, so they need no text

    def _slot_texts(self, writes: Sequence[tuple[str, Any]]) -> dict[str, bytes]:
        pairs: dict[str, list[list[Any]]] = {}
        for channel, value in writes:
            slot = SLOTS.get(channel, "writes")
            if slot in pairs:
                pairs[slot].append([channel, value])
            else:
                pairs[slot] = [[channel, value]]
        try:
            return {slot: self.serde.encode(given) for slot, given in pairs.items()}
        except SerializationError:
            for channel, value in writes:
                self.serde.encode(value, f"$.{channel}")
            raise
