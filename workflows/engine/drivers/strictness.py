"""What is an error where the caller asks for strictness, and a logged line otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine.errors import (
    InvalidUpdateError,
    SerializationError,
    StateMutationError,
)
from workflows.engine.loop.run import Run
from workflows.engine.serde import encode
from workflows.engine.types import Command

WHOLE = "the state"


def check_keys(result: Any, name: str, run: Run) -> None:
    """With the setting `strict_updates`, refuse keys that are no channel (R1.11)."""
    if run.program.subscribers:  # a result is a value there, not an update
        return
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


def picture(state: Any) -> dict[str, bytes]:
    """What a task was given, encoded key by key; what cannot be stored is left out."""
    found = {}
    for key, value in _parts(state).items():
        try:
            found[key] = encode(value)
        except SerializationError:
            continue
    return found


def check_state(before: Mapping[str, bytes], state: Any, name: str, run: Run) -> None:
    """With the setting `strict_state`, refuse a change of the state in place (R2.17)."""
    after = picture(state)
    changed = [key for key in before if after.get(key) != before[key]]
    if changed:
        thread = f" of thread {run.thread_id!r}" if run.thread_id else ""
        raise StateMutationError(
            f"node {name!r}{thread} changed {', '.join(map(repr, changed))} in place, which "
            "no checkpoint notices; return the new value as an update instead, or leave "
            "out the setting strict_state"
        )


def _parts(state: Any) -> Mapping[str, Any]:
    if isinstance(state, Mapping):
        return {str(key): value for key, value in state.items()}
    if isinstance(getattr(state, "__dict__", None), dict):
        return dict(vars(state))
    return {WHOLE: state}
