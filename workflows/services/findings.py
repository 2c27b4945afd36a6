"""What a look for what is stuck finds, and how it tells the time (`doctor.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from workflows.models import Run
from workflows.services import ports, registry
from workflows.storage.clock import database_now
from workflows.storage.connections import POSTGRESQL

# What is younger may be on its way.
WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Finding:
    """One thing that is stuck: its kind, what it is, where it is seen, what to do, and its ids."""

    kind: str
    what: str
    do: str
    url: str
    ids: dict[str, Any]


class Look:
    """One look, by one clock: that of the database; at everything, or at one thread only."""

    def __init__(self, only: str = "") -> None:
        self.only = only
        self.now = database_now()
        self.known = registry.names()

    def _ago(self, seconds: float = WAIT_SECONDS) -> datetime:
        return self.now - timedelta(seconds=seconds)

    def _since(self, moment: datetime | None) -> str:
        return length(self.now - (moment or self.now))

    def _do_for_worker(self) -> str:
        if connections[DEFAULT_DB_ALIAS].vendor != POSTGRESQL:
            return "see that manage.py serve runs, and read its log"
        has_worker = getattr(ports.run_queue(), "has_worker", None)
        if has_worker is not None and not has_worker():
            return "start a worker: manage.py worker"
        at_work = Run.objects.filter(
            status=Run.Status.RUNNING, lease_until__gte=self.now
        )
        return (
            f"a worker lives and {at_work.count()} runs are at work: where its hands are full "
            "start one more, or raise --concurrency; else read its log"
        )


def length(passed: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
