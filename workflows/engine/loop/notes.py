"""What the engine notes for itself in a checkpoint's metadata, beside what its caller gave (R3.4).

A caller may use any name. One that is the engine's own is kept under another, and shown as given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine.loop.identity import STAMP

KEY, INPUT = "start_key", "start_input"
"""Of work that was begun with a key: whose it is, and a digest of what it was given (`begun.py`)."""
_OWN = frozenset(
    {
        *("began", "calls_before", "inside", "left_behind"),
        *("origin", "over", "task", "wrote", KEY, INPUT, STAMP),
    }
)
_GIVEN = "given:"


def kept_name(name: Any) -> Any:
    """The name under which a caller's entry stands in a checkpoint."""
    if name in _OWN or (isinstance(name, str) and name.startswith(_GIVEN)):
        return f"{_GIVEN}{name}"
    return name


def shown_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint's metadata as its caller knows it."""
    return {
        name.removeprefix(_GIVEN) if isinstance(name, str) else name: value
        for name, value in metadata.items()
        if name not in _OWN
    }


def notes_of(metadata: Mapping[str, Any]) -> dict[str, str] | None:
    """What a checkpoint tells of the key that its work was begun with; None where there was none."""
    if INPUT not in metadata or KEY not in metadata:
        return None
    return {KEY: metadata[KEY], INPUT: metadata[INPUT]}
