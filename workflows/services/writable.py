"""Whether this site can write its database: what its last refusals said, and a look that costs little.

Nothing is written to find out: a probe that comes each second would wear the disk, and wait for
whoever is writing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections

from workflows.storage.connections import POSTGRESQL
from workflows.storage.outage import (
    BROKEN,
    FULL,
    LOCKED,
    READ_ONLY,
    why_unwritable,
)

# For so long the last refusal is believed: whoever might show that it is over may stay away.
BELIEVED_SECONDS = 30.0
# What SQLite's log takes before it is written over.
LEAST_FREE_BYTES = 4 * 1024 * 1024

WHAT_TO_DO = {
    "": "see that its server runs, and that DATABASE_URL leads to it",
    FULL: "make room on the disk of the database",
    READ_ONLY: "see who may write the file or its folder, or whether the server is a standby",
    BROKEN: "see what the system's log says of that disk",
    LOCKED: "see which other process has the file open; SQLite is for one",
}


class LastRefusal:
    """The last write of this process that was refused, by whatever it was."""

    def __init__(self) -> None:
        self._why = ""
        self._at = float("-inf")

    def note(self, error: BaseException) -> None:
        """Take up what `error` says of the disk; a lock is over soon, and tells nothing."""
        why = why_unwritable(error)
        if why and why != LOCKED:
            self._why, self._at = why, time.monotonic()

    def why(self) -> str:
        """What it said, where that was a moment ago; else ""."""
        is_fresh = time.monotonic() - self._at < BELIEVED_SECONDS
        return self._why if is_fresh else ""

    def forget(self) -> None:
        """Act as if every write had been taken."""
        self._at = float("-inf")


last_refusal = LastRefusal()


def why_not_writable(using: str = DEFAULT_DB_ALIAS) -> str:
    """Why nothing can be written just now, as a sentence; "" where nothing speaks against it.

    Raises what the driver raises where the database does not answer.
    """
    wrapper = connections[using]
    if wrapper.vendor == POSTGRESQL:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            is_read_only = cursor.fetchone()[0] == "on"
        return READ_ONLY if is_read_only else last_refusal.why()
    with wrapper.cursor() as cursor:
        cursor.execute(
            "PRAGMA schema_version"
        )  # reads the file, and waits for no writer
        cursor.execute("PRAGMA database_list")
        files = {name: path for _, name, path in cursor.fetchall()}
    return _why_not(files.get("main") or "") or last_refusal.why()


def _why_not(name: str) -> str:
    """Why that file of SQLite cannot grow; "" also for a database in memory."""
    file = Path(name)
    if not name or not file.exists():
        return ""
    # The log stands beside the file.
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return READ_ONLY
    disk = os.statvfs(file.parent)
    return FULL if disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES else ""
