"""What the services need from the outside world: a queue that wakes workers, a bell.

`apps.py` installs the adapters; until then both do nothing. The run row and the event rows
are the truth, so a lost call here costs time and never work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class RunQueue(Protocol):
    """Delivers the ids of due runs to workers."""

    def enqueue(
        self, run_id: int, due_at: datetime | None = None, priority: int = 0
    ) -> None:
        """Called inside the transaction that made the run due."""


class Announcer(Protocol):
    """Tells whoever is watching that a thread has news."""

    def announce(self, thread_id: str, seq: int) -> None:
        """Called after the commit of the event numbered `seq`."""


class _NoQueue:
    def enqueue(
        self, run_id: int, due_at: datetime | None = None, priority: int = 0
    ) -> None:
        """Leave it to the sweep of a worker."""


class _NoAnnouncer:
    def announce(self, thread_id: str, seq: int) -> None:
        """Leave it to the poll of a watcher."""


@dataclass
class _Installed:
    run_queue: RunQueue
    announcer: Announcer


_installed = _Installed(_NoQueue(), _NoAnnouncer())


def install(
    *, run_queue: RunQueue | None = None, announcer: Announcer | None = None
) -> None:
    """Put adapters in place; what is left out stays as it is."""
    if run_queue is not None:
        _installed.run_queue = run_queue
    if announcer is not None:
        _installed.announcer = announcer


def run_queue() -> RunQueue:
    """The queue in use."""
    return _installed.run_queue


def announcer() -> Announcer:
    """The bell in use."""
    return _installed.announcer
