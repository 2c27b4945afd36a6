"""The beat that keeps this process's leases alive.

One daemon thread a process renews every lease it holds, on a connection of its own, so a
node that blocks does not lose its run (RA.15). A renewal names the fencing number: it never
revives a lease that somebody else has taken. The same statement carries what tasks said of
their progress to the row, and brings back whether the run is to end (RA.16, RA.17).
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from django.conf import settings
from django.db import DatabaseError, connections

from workflows.storage.connections import LATER_SQL, NOW_SQL, execute
from workflows.storage.heartbeats import Heartbeats
from workflows.storage.outage import is_away, outage

log = logging.getLogger(__name__)

_BEATS_PER_LEASE = 3
# What a task says of its progress is on its row not later than this.
_NOTE_SECONDS = 0.5
# Whoever settles may hold what a beat waits for, so it does not wait for ever.
_ARRIVAL_SECONDS = 5.0


class Owner(Protocol):
    """Whoever drives a run of this process."""

    def cancel(self, mode: str, reason: str = "", limit: float | None = None) -> None:
        """The run is to end."""

    def give_up(self) -> bool:
        """End a run whose stream nobody reads on; False while it is at work (RA.2)."""


def lease_seconds() -> float:
    """How long a lease lasts without a beat."""
    return float(getattr(settings, "LEASE_SECONDS", 10.0))


def seconds_param(vendor: str, seconds: float) -> float | str:
    """`seconds` as the parameter of LATER_SQL."""
    return seconds if vendor == "postgresql" else f"{seconds:+.3f}"


class Renewed(NamedTuple):
    """What a renewal brings back: how the run is to end ("" where it may go on)."""

    mode: str
    reason: str
    limit: float | None


def renew_lease(
    using: str, run_id: int, fence: int, seconds: float, heartbeat: str | None = None
) -> Renewed | None:
    """Move the end of a lease; None when it is no longer ours.

    `heartbeat` is written along, where the tasks of the run have said something new.
    """
    wrapper = connections[using]
    later, now = LATER_SQL[wrapper.vendor], NOW_SQL[wrapper.vendor]
    said = "" if heartbeat is None else ", heartbeat = %s"
    found = execute(
        wrapper,
        f"UPDATE workflows_run SET lease_until = {later}{said}"  # noqa: S608
        " WHERE id = %s AND fence = %s AND status = 'running'"
        " RETURNING CASE WHEN cancel_requested_at IS NULL OR cancel_mode = 'undo' THEN ''"
        " ELSE cancel_mode END,"
        f" cancel_reason, CASE WHEN deadline < {now} THEN run_timeout END",
        (
            seconds_param(wrapper.vendor, seconds),
            *(() if heartbeat is None else (heartbeat,)),
            run_id,
            fence,
        ),
    ).fetchall()
    if not found:
        return None
    mode, reason, limit = found[0]
    if limit is not None and mode in ("", "step"):
        return Renewed("timeout", "", limit)
    return Renewed("now" if mode == "rollback" else mode, reason, None)


def heartbeat_of(using: str, run_id: int) -> str:
    """The column of a run that holds what its tasks said last."""
    found = execute(
        connections[using],
        "SELECT heartbeat FROM workflows_run WHERE id = %s",
        (run_id,),
    ).fetchone()
    return found[0] if found else ""


class LeaseKeeper:
    """Renews the leases it is told to hold, until told to drop them."""

    def __init__(self) -> None:
        self._leases: dict[tuple[str, int], tuple[int, float]] = {}
        self._owners: dict[tuple[str, int], Owner] = {}
        self._said = Heartbeats()
        self._hurry = False
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._pid = 0
        self._last_beat = 0.0
        self._wakes_at = 0.0  # when the thread looks again by itself

    def hold(self, using: str, run_id: int, fence: int, seconds: float) -> None:
        """Renew this lease from now on."""
        with self._changed:
            if self._pid != os.getpid():  # first use, or a fork took no thread along
                self._pid = os.getpid()
                self._forget_all()
                self._writing = threading.Lock()
                self._wakes_at = 0.0
                threading.Thread(
                    target=self._beat, name="durableweb-leases", daemon=True
                ).start()
            if not self._leases:
                self._last_beat = time.monotonic()
            self._leases[using, run_id] = (fence, seconds)
            # To wake a thread costs as much as two statements: mostly it sleeps no longer
            # than this lease allows, because a lease before has set the time.
            if self._last_beat + seconds / _BEATS_PER_LEASE < self._wakes_at:
                self._changed.notify_all()

    def listen(self, using: str, run_id: int, owner: Owner) -> None:
        """Tell `owner` when the held run is to end."""
        with self._changed:
            if (using, run_id) in self._leases:
                self._owners[using, run_id] = owner

    def owner_of(self, using: str, run_id: int) -> Owner | None:
        """Whoever drives the run, where that is this process."""
        return self._owners.get((using, run_id))

    def say(self, using: str, run_id: int, task_id: str, node: str, text: str) -> None:
        """Keep what a task of the held run says of its progress."""
        with self._changed:
            if (using, run_id) in self._leases:
                self._said.keep((using, run_id), task_id, node, text)
                self._changed.notify_all()

    def said(self, using: str, run_id: int, task_id: str) -> str | None:
        """What the task said last, where its run is held here and it said something."""
        return self._said.of((using, run_id), task_id)

    def look_now(self, using: str, run_id: int) -> None:
        """Beat at once where the run is held here: its row has changed."""
        with self._changed:
            if (using, run_id) in self._leases:
                self._hurry = True
                self._changed.notify_all()

    def drop(self, using: str, run_id: int) -> None:
        """Renew this lease no more."""
        key = (using, run_id)
        with self._changed:
            self._leases.pop(key, None)
            self._owners.pop(key, None)
            self._said.forget(key)

    def settle(self, using: str, run_id: int) -> None:
        """Renew no more, and write what tasks have said since the last beat."""
        key = (using, run_id)
        if not self._said.has_said(key):  # as most: their tasks say nothing
            self.drop(using, run_id)
            return
        with self._alone_with_news(key):
            fence, seconds = self._leases.get(key, (0, 0.0))
            text = self._news(key)
            self.drop(using, run_id)
            if text is not None:
                renew_lease(using, run_id, fence, seconds, text)

    @contextmanager
    def _alone_with_news(self, key: tuple[str, int]) -> Iterator[None]:
        """Let what a beat has taken along be on its row first: an ended run refuses it."""
        writing = self._writing
        is_alone = self._said.has_said(key) and writing.acquire(
            timeout=_ARRIVAL_SECONDS
        )
        try:
            yield
        finally:
            if is_alone:
                writing.release()

    def _news(self, key: tuple[str, int]) -> str | None:
        """What the row is to hold, where it differs from what it holds."""
        with self._changed:
            if not self._said.has_news_of(key):
                return None
            is_seeded = self._said.is_seeded(key)
        column = "" if is_seeded else heartbeat_of(*key)
        with self._changed:
            if not is_seeded:
                self._said.seed(key, column)
            return self._said.news(key)

    def holds(self, using: str, run_id: int, fence: int) -> bool:
        """Whether this process still works under that lease."""
        found = self._leases.get((using, run_id))
        return found is not None and found[0] == fence and self._pid == os.getpid()

    def clear(self) -> None:
        """Renew nothing more."""
        with self._changed:
            self._forget_all()

    def _forget_all(self) -> None:
        self._leases.clear()
        self._owners.clear()
        self._said = Heartbeats()

    def _beat(self) -> None:
        while True:
            with self._changed:
                while (pause := self._pause()) is None or pause > 0:
                    asleep = math.inf if pause is None else pause
                    self._wakes_at = time.monotonic() + asleep
                    self._changed.wait(pause)
                self._wakes_at = 0.0
                self._last_beat = time.monotonic()
                self._hurry = False
                held = dict(self._leases)
            self.renew_all(held)

    def _pause(self) -> float | None:
        """Seconds to the next beat; None while there is nothing to renew."""
        if not self._leases:
            return None
        if self._hurry:
            return 0.0
        pause = min(seconds for _, seconds in self._leases.values()) / _BEATS_PER_LEASE
        if self._said.has_news:
            pause = min(pause, _NOTE_SECONDS)
        return self._last_beat + pause - time.monotonic()

    def renew_all(self, held: dict[tuple[str, int], tuple[int, float]]) -> None:
        """Renew every lease in `held` once; a database that is away is tried next beat."""
        used = {using for using, _ in held}
        try:
            for key, (fence, seconds) in held.items():
                self._renew(key, fence, seconds)
        except DatabaseError as error:
            if is_away(error):
                outage.note()
            log.warning("leases not renewed, trying again at the next beat: %s", error)
        except Exception:  # whatever it is, a beat that dies would cost every lease
            log.exception("leases not renewed, trying again at the next beat")
        finally:
            # Opened anew at each beat: a restarted database or a test's end is no trouble.
            for using in used:
                connections[using].close()

    def _renew(self, key: tuple[str, int], fence: int, seconds: float) -> None:
        # Before the row is read: who undoes a cancelled run is not told of that cancel (RB.8).
        owner = self._owners.get(key)
        with self._alone_with_news(key):
            text = self._news(key)
            try:
                renewed = renew_lease(*key, fence, seconds, text)
            except BaseException:
                self._said.is_news(key)
                raise
        if renewed is None:
            log.info("lease of run %s (fence %s) not renewed", key[1], fence)
            renewed = Renewed("lost", "another worker has taken it over", None)
        if renewed.mode and owner is not None:
            owner.cancel(*renewed)


keeper = LeaseKeeper()
