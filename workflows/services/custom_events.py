"""What a node says through its stream writer, as events: grouped, at most ten writes a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction

from workflows.services.display import show_value
from workflows.services.queueing import hold_run, hold_thread
from workflows.storage.claims import Claim
from workflows.storage.events import append_events

PAUSE_SECONDS = 0.1
MAX_GROUP = 100


class CustomEvents:
    """Collects chunks of one claimed run and writes them in groups, under its fence."""

    def __init__(
        self, claim: Claim, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._claim = claim
        self._clock = clock
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._written_at = float("-inf")

    def add(self, chunk: Any) -> None:
        """Take one chunk; writes when the last group is old enough or this one full."""
        self._waiting.append(("custom", {"data": show_value(chunk).tree}))
        old_enough = self._clock() - self._written_at >= PAUSE_SECONDS
        if old_enough or len(self._waiting) >= MAX_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what waits; raises LeaseLostError when the run is no longer ours."""
        if not self._waiting:
            return
        claim = self._claim
        with transaction.atomic(using=claim.using):
            hold_thread(claim.thread_id)
            hold_run(claim)
            append_events(claim.using, claim.thread_id, claim.run_id, self._waiting)
        self._waiting = []
        self._written_at = self._clock()
