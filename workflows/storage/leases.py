"""The beat that keeps this process's leases alive.

One daemon thread a process renews every lease it holds, on a connection of its own, so a
node that blocks does not lose its run. A renewal names the fencing number: it never revives
a lease that somebody else has taken.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connections

from workflows.storage.connections import LATER_SQL, execute

log = logging.getLogger(__name__)

_BEATS_PER_LEASE = 3


def lease_seconds() -> float:
    """How long a lease lasts without a beat."""
    return float(getattr(settings, "LEASE_SECONDS", 10.0))


def seconds_param(vendor: str, seconds: float) -> float | str:
    """`seconds` as the parameter of LATER_SQL."""
    return seconds if vendor == "postgresql" else f"{seconds:+.3f}"


def renew_lease(using: str, run_id: int, fence: int, seconds: float) -> bool:
    """Move the end of a lease; False when it is no longer ours."""
    wrapper = connections[using]
    cursor = execute(
        wrapper,
        f"UPDATE workflows_run SET lease_until = {LATER_SQL[wrapper.vendor]}"  # noqa: S608
        " WHERE id = %s AND fence = %s AND status = 'running'",
        (seconds_param(wrapper.vendor, seconds), run_id, fence),
    )
    return bool(cursor.rowcount)


class LeaseKeeper:
    """Renews the leases it is told to hold, until told to drop them."""

    def __init__(self) -> None:
        self._leases: dict[tuple[str, int], tuple[int, float]] = {}
        self._changed = threading.Condition()
        self._pid = 0
        self._last_beat = 0.0

    def hold(self, using: str, run_id: int, fence: int, seconds: float) -> None:
        """Renew this lease from now on."""
        with self._changed:
            if self._pid != os.getpid():  # first use, or a fork took no thread along
                self._pid = os.getpid()
                self._leases.clear()
                threading.Thread(
                    target=self._beat, name="durableweb-leases", daemon=True
                ).start()
            if not self._leases:
                self._last_beat = time.monotonic()
            self._leases[using, run_id] = (fence, seconds)
            self._changed.notify_all()

    def drop(self, using: str, run_id: int) -> None:
        """Renew this lease no more."""
        with self._changed:
            self._leases.pop((using, run_id), None)

    def holds(self, using: str, run_id: int, fence: int) -> bool:
        """Whether this process still works under that lease."""
        found = self._leases.get((using, run_id))
        return found is not None and found[0] == fence and self._pid == os.getpid()

    def clear(self) -> None:
        """Renew nothing more."""
        with self._changed:
            self._leases.clear()

    def _beat(self) -> None:
        while True:
            with self._changed:
                while (pause := self._pause()) is None or pause > 0:
                    self._changed.wait(pause)
                self._last_beat = time.monotonic()
                held = dict(self._leases)
            self.renew_all(held)

    def _pause(self) -> float | None:
        """Seconds to the next beat; None while there is nothing to renew."""
        if not self._leases:
            return None
        shortest = min(seconds for _, seconds in self._leases.values())
        return self._last_beat + shortest / _BEATS_PER_LEASE - time.monotonic()

    def renew_all(self, held: dict[tuple[str, int], tuple[int, float]]) -> None:
        """Renew every lease in `held` once; a database that is away is tried next beat."""
        used = {using for using, _ in held}
        try:
            for (using, run_id), (fence, seconds) in held.items():
                if not renew_lease(using, run_id, fence, seconds):
                    log.info("lease of run %s (fence %s) not renewed", run_id, fence)
        except DatabaseError as error:
            log.warning("leases not renewed, trying again at the next beat: %s", error)
        except Exception:  # whatever it is, a beat that dies would cost every lease
            log.exception("leases not renewed, trying again at the next beat")
        finally:
            # Opened anew at each beat: a restarted database or a test's end is no trouble.
            for using in used:
                connections[using].close()


keeper = LeaseKeeper()
