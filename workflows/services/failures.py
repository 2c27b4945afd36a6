"""What kind of failure a run ended with, in a word that holds nothing of its data."""

from __future__ import annotations

import re

from workflows.models import Run

UNKNOWN = "unknown error"
# The name of an exception, as `outcomes.py` puts it before its text.
_KIND = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,99})(?::|\Z)")


def kind_of(run: Run) -> str:
    """The exception's name, else the reason's word: "ValueError", "crash_loop"."""
    found = _KIND.match(run.error)
    if found:
        return found[1]
    return run.reason or (
        "out of time" if run.status == Run.Status.TIMEOUT else UNKNOWN
    )
