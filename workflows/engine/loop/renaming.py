"""What was saved under the old names of nodes, read under their new ones (RB.12, aliases).

A due item keeps its old name as `was`: the ids of its task, and so all that is on record for it,
hang on the name under which it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workflows.engine.checkpoint.base import Checkpoint

if TYPE_CHECKING:
    from workflows.engine.loop.program import Program


def renamed(checkpoint: Checkpoint, program: Program) -> tuple[Checkpoint, set[str]]:
    """`checkpoint` with the new names, and the channels that are called otherwise now."""
    aliases = program.identity.aliases
    due = [_renamed_item(item, aliases) for item in checkpoint.get("due") or ()]
    values = dict(checkpoint.get("channel_values") or {})
    versions = dict(checkpoint.get("channel_versions") or {})
    moved = set()
    for key in [key for key in values if is_join(key) and key not in program.joins]:
        new = _renamed_join(key, aliases)
        if new in program.joins and new not in values:
            values[new] = [aliases.get(name, name) for name in values.pop(key)]
            versions[new] = versions.pop(key, None)
            moved.add(new)
    found: Checkpoint = {
        **checkpoint,
        "due": due,
        "channel_values": values,
        "channel_versions": versions,
    }
    return found, moved


def renamed_nodes(
    metadata: Mapping[str, Any], aliases: Mapping[str, str]
) -> dict[str, Any]:
    """Metadata whose lists of nodes have the new names."""
    lists = {key: metadata[key] for key in ("wrote", "over") if key in metadata}
    return {
        **metadata,
        **{key: [aliases.get(n, n) for n in names] for key, names in lists.items()},
    }


def is_join(key: str) -> bool:
    """Say whether a channel is the barrier of an edge from several nodes."""
    return key.startswith("join:")


def parts_of_join(key: str) -> tuple[list[str], str]:
    """The nodes that a barrier waits for, and its target."""
    starts, _, target = key.removeprefix("join:").rpartition(":")
    return starts.split("+"), target


def _renamed_item(item: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    name = item["node"]
    if name not in aliases:
        return item
    return {"was": name, **item, "node": aliases[name]}


def _renamed_join(key: str, aliases: Mapping[str, str]) -> str:
    starts, target = parts_of_join(key)
    names = "+".join(aliases.get(name, name) for name in starts)
    return f"join:{names}:{aliases.get(target, target)}"
