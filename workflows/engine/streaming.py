"""What the loop emits -> the shapes of the public stream modes (R9.2, R9.5)."""

from __future__ import annotations

from typing import Any

MODES = frozenset(
    {"values", "updates", "custom", "messages", "tasks", "checkpoints", "debug"}
)


def wanted_modes(modes: Any) -> frozenset[str]:
    """The modes as a set. Raises ValueError for an unknown word (R9.1)."""
    listed = [modes] if isinstance(modes, str) else list(modes or ())
    for mode in listed:
        if mode not in MODES:
            raise ValueError(
                f"unknown stream mode {mode!r}; choose from {', '.join(sorted(MODES))}"
            )
    return frozenset(listed)


def shape(
    namespace: str, kind: str, chunk: Any, modes: Any, subgraphs: bool, version: str
) -> Any:
    """A chunk as the caller asked for it."""
    where = tuple(namespace.split("|")) if namespace else ()
    if version == "v2":
        part = {"type": kind, "ns": where, "data": chunk}
        if kind == "values":
            part["interrupts"] = ()
            if isinstance(chunk, dict) and "__interrupt__" in chunk:
                part["interrupts"] = chunk["__interrupt__"]
                part["data"] = {k: v for k, v in chunk.items() if k != "__interrupt__"}
        return part
    if isinstance(modes, str):
        return (where, chunk) if subgraphs else chunk
    return (where, kind, chunk) if subgraphs else (kind, chunk)
