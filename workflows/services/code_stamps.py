"""Which code of a workflow is here, and which has saved a checkpoint."""

from __future__ import annotations

import json

from workflows.engine.loop.identity import STAMP, Stamp
from workflows.services import registry


def stamp_of(graph: str) -> Stamp | None:
    """Which code of the workflow is here; None where that cannot be told."""
    item = registry.find(graph)
    program = getattr(item.graph if item else None, "program", None)
    identity = getattr(program, "identity", None)
    return identity.stamp(program) if program is not None and identity else None


def stamp_in(metadata: str) -> Stamp | None:
    """Which code has saved a checkpoint with this metadata; None where that is not told."""
    try:
        found = json.loads(metadata or "{}")
    except ValueError:
        return None
    return Stamp.read(found.get(STAMP)) if isinstance(found, dict) else None


def code_here() -> dict[str, str]:
    """By workflow, the code of it that this process runs: what its checkpoints are stamped with, and its module's source."""
    return {item.name: _code_of(item) for item in registry.all()}


def _code_of(item: registry.Registered) -> str:
    source = registry.sources.get(item.module, "")
    return f"{stamp_of(item.name) or ''} {source}".strip()
