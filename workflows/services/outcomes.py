"""From how a run ended, error or not, to what its row says about it."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass

from workflows.engine.errors import (
    DamagedValueError,
    DecryptionError,
    EmptyInputError,
    GraphChangedError,
    GraphRecursionError,
    NodeTimeoutError,
    NonDeterminismError,
    SerializationError,
    StaleResumeError,
    UnknownInterruptError,
    UnknownTypeError,
)
from workflows.models import Run

MAX_ERROR = 20_000
MAX_TRACEBACK = 100_000

_NOTE = re.compile(r"During task with name ['\"](?P<node>.+)['\"] and id ")

# Reason codes that people filter by; an error of a node has none.
_REASONS: dict[type[BaseException], str] = {
    GraphChangedError: "graph_changed",
    UnknownTypeError: "unknown_type",
    DamagedValueError: "damaged_value",
    DecryptionError: "not_decrypted",
    SerializationError: "not_storable",
    NonDeterminismError: "non_determinism",
    GraphRecursionError: "recursion_limit",
    UnknownInterruptError: "not_pending",
    StaleResumeError: "stale",
    EmptyInputError: "empty_input",
    NodeTimeoutError: "node_timeout",
}


@dataclass(frozen=True)
class Outcome:
    """What is written on the run's row when it ends."""

    status: str
    reason: str = ""
    error: str = ""
    error_node: str = ""
    error_attempt: int | None = None
    traceback: str = ""


def outcome_of(error: BaseException) -> Outcome:
    """The outcome of a run that raised `error`: text, node, attempt and traceback."""
    text = f"{type(error).__name__}: {error}".strip().rstrip(":")
    trace = "".join(traceback.format_exception(error))
    return Outcome(
        Run.Status.ERROR,
        reason=next(
            (code for cls, code in _REASONS.items() if isinstance(error, cls)), ""
        ),
        error=text[:MAX_ERROR],
        error_node=node_of(error),
        error_attempt=_attempt_of(error),
        traceback=trace[-MAX_TRACEBACK:],
    )


def node_of(error: BaseException) -> str:
    """The node that raised, as the engine notes it on the error; "" where none did."""
    for note in getattr(error, "__notes__", ()):
        found = _NOTE.match(note)
        if found:
            return found["node"]
    return str(getattr(error, "node", ""))


def _attempt_of(error: BaseException) -> int | None:
    attempt = getattr(error, "__durableweb_attempt__", None)
    return attempt if isinstance(attempt, int) else None
