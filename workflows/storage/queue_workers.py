"""The workers of the outside queue, as its own table tells of them (PostgreSQL)."""

from __future__ import annotations

from datetime import datetime

from django.db import connections

from workflows.storage.connections import POSTGRESQL, read

# Those that have gone without a word are removed by the others.
_WORKERS = (
    "SELECT last_heartbeat FROM procrastinate_workers"
    " WHERE last_heartbeat > clock_timestamp() - interval '10 seconds'"
    " ORDER BY last_heartbeat"
)
_THERE = "SELECT to_regclass('procrastinate_workers') IS NOT NULL"


def last_heartbeats(using: str) -> list[datetime]:
    """When each worker that is alive gave a sign of life last, the longest ago first."""
    wrapper = connections[using]
    if wrapper.vendor != POSTGRESQL or not read(wrapper, _THERE)[0][0]:
        return []
    return [moment for (moment,) in read(wrapper, _WORKERS)]
