"""What is an error where the caller asks for strictness, and a logged line otherwise."""

from __future__ import annotations

from typing import Any

from workflows.engine.errors import InvalidUpdateError
from workflows.engine.loop.records import Run
from workflows.engine.types import Command


def check_keys(result: Any, name: str, run: Run) -> None:
    """With the setting `strict_updates`, refuse keys that are no channel (R1.11)."""
    parts = result if isinstance(result, list | tuple) else [result]
    for part in parts:
        update = part.update if isinstance(part, Command) else part
        if not isinstance(update, dict):
            continue
        unknown = [str(key) for key in update if key not in run.program.channels]
        if unknown:
            raise InvalidUpdateError(
                f"node {name!r} wrote {', '.join(map(repr, unknown))}, which the state of "
                f"graph {run.program.name!r} does not have; add the key to the state, or "
                "leave out the setting strict_updates"
            )
