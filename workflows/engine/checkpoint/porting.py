"""Small things that savers written for the field import: ids of writes, metadata, bare checkpoints."""

from __future__ import annotations

from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.shapes import Checkpoint, CheckpointMetadata, Config
from workflows.engine.constants import CALL, ERROR, INTERRUPT, RESUME, RETURN

ChannelVersions = dict[str, Any]
"""Channel -> its version, of the channels that a checkpoint changes."""

WRITES_IDX_MAP = {ERROR: -1, INTERRUPT: -3, RESUME: -4, RETURN: -5, CALL: -6}
"""Writes that a later call of `put_writes` replaces; others are kept by their index."""

_NOT_METADATA = frozenset({"thread_id", "checkpoint_id", "checkpoint_ns"})


def get_checkpoint_id(config: Config) -> str | None:
    """The checkpoint that `config` names, or None."""
    found: str | None = config["configurable"].get("checkpoint_id")
    return found


def get_checkpoint_metadata(
    config: Config, metadata: CheckpointMetadata
) -> CheckpointMetadata:
    """`metadata` with the caller's own: of `config["metadata"]` and of its configurable keys.

    Only plain values are taken over, and no key that begins with two underscores.
    """
    found: dict[str, Any] = {**metadata}
    for source in (config.get("metadata"), config.get("configurable")):
        for key, value in (source or {}).items():
            if (
                key not in found
                and key not in _NOT_METADATA
                and not key.startswith(("__", "checkpoint_", "langgraph_"))
                and isinstance(value, str | int | float | bool)
            ):
                found[key] = value
    return found  # type: ignore[return-value]


def empty_checkpoint() -> Checkpoint:
    """A checkpoint of a thread where nothing has been written."""
    return {
        "v": 1,
        "id": ids.new_checkpoint_id(),
        "ts": ids.now_text(),
        "channel_values": {},
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
        "due": [],
    }


def copy_checkpoint(checkpoint: Checkpoint) -> Checkpoint:
    """A copy whose maps are its own; values are shared."""
    twin: dict[str, Any] = {
        name: dict(part) if isinstance(part, dict) else part
        for name, part in checkpoint.items()
    }
    return twin  # type: ignore[return-value]
