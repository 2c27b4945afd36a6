"""What processes left undone that died at that moment: looked for once a minute, by each process that sweeps."""

from __future__ import annotations

import time
from threading import Lock

from django.db import DEFAULT_DB_ALIAS

from workflows.services.cancel_run import cancel_thread
from workflows.services.emitting import tell_again
from workflows.services.ends import look_at_ends
from workflows.storage.mailbox import wake_all_for_signals

LOOK_SECONDS = 60.0


def look_for_forgotten() -> int:
    """Look now; returns how many threads were made due."""
    found = wake_all_for_signals(DEFAULT_DB_ALIAS) + tell_again()
    return found + look_at_ends(cancel_thread)


class _Forgotten:
    """Sees to threads that nobody told of their signal, event or child, and to children of threads that ended."""

    def __init__(self) -> None:
        self.looks_at = 0.0  # on the monotonic clock
        self._guard = Lock()

    def __call__(self) -> int:
        """Returns how many were made due, for the sweep that follows."""
        with self._guard:
            if time.monotonic() < self.looks_at:
                return 0
            self.looks_at = time.monotonic() + LOOK_SECONDS
        return look_for_forgotten()


tell_of_forgotten = _Forgotten()
