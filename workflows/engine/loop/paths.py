"""The path of a task as text, in which savers keep and sort it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def path_text(path: Sequence[Any]) -> str:
    """`~node~x`, `~send~000003`, `~node~x~call~t~000001`: sorts as R3.9 asks."""
    if len(path) == 2 and path[0] == "node":
        return f"~node~{path[1]}"
    return "".join(
        f"~{part:06d}" if isinstance(part, int) else f"~{part}" for part in path
    )
