"""Words for the log that are said once a minute, however often there is reason to say them."""

from __future__ import annotations

import time
from threading import Lock

PAUSE_SECONDS = 60.0


class Seldom:
    """Keeps one line of each kind, and counts those that were left out."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._pause_seconds = pause_seconds
        self._said: dict[str, tuple[float, int]] = {}
        self._lock = Lock()

    def ask(self, kind: str) -> int | None:
        """How many lines of this kind were left out since the last; None to leave this one out."""
        now = time.monotonic()
        with self._lock:
            at, left_out = self._said.get(kind, (float("-inf"), 0))
            if now - at < self._pause_seconds:
                self._said[kind] = (at, left_out + 1)
                return None
            self._said[kind] = (now, 0)
            return left_out

    def forget(self) -> None:
        """Say the next of each kind."""
        with self._lock:
            self._said.clear()


def and_more(left_out: int) -> str:
    """Words for the end of a line; "" where it stands for itself."""
    return f" (and {left_out} more since it was last said)" if left_out else ""
