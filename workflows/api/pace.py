"""How often a program may ask: as often as API_RATE says, for each token and process.

A token saves up its requests: one that was quiet may ask as often as the rate says at once,
and then goes on at its pace. Nothing is kept of those that have all of them saved.
"""

from __future__ import annotations

import time
from threading import Lock

from workflows.rate import Rate

# Counting a token takes a few dozen bytes; those that have saved up all are let go above this.
MANY = 10_000
# Sums of fractions of a second are not exact.
_CLOSE_SECONDS = 1e-6


class TooOftenError(Exception):
    """A token asked more often than API_RATE allows; it may ask again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Pace:
    """When each token will have saved up all its requests, on the monotonic clock."""

    def __init__(self) -> None:
        self._saved_at: dict[int, float] = {}
        self._lock = Lock()

    def ask(self, token: int, rate: Rate) -> None:
        """Count one request of this token; raises TooOftenError, and counts none, where it must wait."""
        step = rate.seconds / rate.count
        now = time.monotonic()
        with self._lock:
            saved_at = max(self._saved_at.get(token, now), now) + step
            wait = saved_at - now - rate.seconds
            if wait > _CLOSE_SECONDS:
                raise TooOftenError(wait)
            self._saved_at[token] = saved_at
            if len(self._saved_at) > MANY:
                self._let_go(now)

    def forget(self) -> None:
        """Act as if nobody had asked."""
        with self._lock:
            self._saved_at.clear()

    def _let_go(self, now: float) -> None:
        self._saved_at = {
            token: saved_at
            for token, saved_at in self._saved_at.items()
            if saved_at > now
        }


pace = Pace()
