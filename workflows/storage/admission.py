"""Who of a queue may begin: its limits, counted over the rows of its runs (RB.9).

Runs of one queue and partition stand in one line. A claim is let in while it holds the line, so
that two of them never count the same slot as free. Nothing is counted for runs without a queue.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from workflows.storage.claimable import Waiting, Which, claimable, claimable_sql
from workflows.storage.clock import database_now
from workflows.storage.connections import (
    LATER_SQL,
    NOT_IDLE_SQL,
    POSTGRESQL,
    connection_of,
    execute,
)
from workflows.storage.leases import seconds_param
from workflows.storage.places import instant

MOST = 100
"""So many runs of a queue are named at once, where no limit of its own says less."""

IN_LINE = "run.queue = %s AND run.partition = %s AND run.queued_at IS NOT NULL"
# A start that was not let in before. What goes on with one is no start for the rate.
NEW = "run.kind = 'start' AND run.admitted_at IS NULL"
_LIVE = """(
  SELECT count(*) FROM workflows_run AS live WHERE live.queue = {queue}
    AND live.partition = {partition} AND live.status = 'running' AND live.queued_at IS NOT NULL)"""
_BEGUN = """(
  SELECT count(*) FROM workflows_run AS begun WHERE begun.queue = {queue}
    AND begun.partition = {partition} AND begun.kind = 'start' AND begun.admitted_at > {ago})"""
# From one partition to the next by the index, however many runs wait in each. They come in the order of
# their first runs: by their names, one would go before all the others for as long as anything waits in it.
_LINES = """
WITH RECURSIVE line(part) AS (
  SELECT min(partition) FROM workflows_run
  WHERE status = 'pending' AND queue = %s AND queued_at IS NOT NULL
  UNION ALL
  SELECT (
    SELECT min(partition) FROM workflows_run
    WHERE status = 'pending' AND queue = %s AND queued_at IS NOT NULL AND partition > line.part)
  FROM line WHERE line.part IS NOT NULL),
-- Counted once for each line, not for each run of it.
room(part, slots, starts) AS MATERIALIZED (
  SELECT line.part, {slots}, {starts} FROM line WHERE line.part IS NOT NULL)
SELECT room.part, head.id, head.priority, head.queued_at
FROM room JOIN workflows_run AS head ON head.id = (
  SELECT run.id {claimable}
  ORDER BY run.priority, run.queued_at, run.id LIMIT 1)
WHERE room.slots > 0
ORDER BY head.priority, head.queued_at, head.id LIMIT %s"""
_OLDEST_COUNTED = """
SELECT admitted_at FROM workflows_run
WHERE queue = %s AND partition = %s AND kind = 'start' AND admitted_at IS NOT NULL
ORDER BY admitted_at DESC LIMIT 1 OFFSET %s"""


@dataclass(frozen=True)
class Limits:
    """What a queue allows: `concurrency` runs at work and `rate` (how many, seconds) starts in each partition, and
    `worker_concurrency` runs at work in one process. None stands for no limit."""

    concurrency: int | None = None
    worker_concurrency: int | None = None
    rate: tuple[int, float] | None = None


known: dict[str, Limits] = {}
"""The queues that the code declares (services/queues.py). A run of any other waits."""


class Line(NamedTuple):
    """The runs of one queue and partition."""

    queue: str
    partition: str = ""


NO_LINE = Line("")


class Room(NamedTuple):
    """How many runs of a line may begin now, and how many of these may be starts."""

    slots: int
    starts: int


class Hands:
    """Which queues the runs belong to that this process has at work."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._claims: dict[tuple[str, int, int], str] = {}
        self._counts: Counter[str] = Counter()

    def take(self, using: str, run_id: int, fence: int, queue: str) -> bool:
        """Count the run, claimed with this fencing number, unless the process has as many of its queue as it may.

        False too where another thread of the process is about to make this very claim, or has: the
        count is that thread's.
        """
        with self._guard:
            claim = using, run_id, fence
            if claim in self._claims or self._free(queue) <= 0:
                return False
            self._claims[claim] = queue
            self._counts[queue] += 1
            return True

    def drop(self, using: str, run_id: int, fence: int) -> None:
        """Count the run no more."""
        if not self._claims:  # as in most processes
            return
        with self._guard:
            queue = self._claims.pop((using, run_id, fence), None)
            if queue is not None:
                self._counts[queue] -= 1

    def free(self, queue: str) -> int:
        """How many more of the queue this process may have at work, at most MOST."""
        with self._guard:
            return max(0, self._free(queue))

    def clear(self) -> None:
        """Count nothing; for tests."""
        with self._guard:
            self._claims.clear()
            self._counts.clear()

    def _free(self, queue: str) -> int:
        most = known[queue].worker_concurrency if queue in known else None
        return MOST if most is None else min(MOST, most - self._counts[queue])


hands = Hands()


def admits(
    using: str, run_id: int, line: Line, is_new: bool, graphs: Collection[str] | None
) -> bool:
    """Whether the run, which could be claimed, may begin; part of the claim's transaction.

    `is_new`: it starts, and was not let in before. Where there is no room nothing is locked: to
    refuse a run costs one statement more.
    """
    limits = known.get(line.queue)
    if limits is None:
        return False
    if limits.concurrency is None and limits.rate is None:
        return True
    seen = room(using, line)
    if not (seen.starts if is_new else seen.slots):
        return False
    _hold(using, line)
    first = _first(using, line, graphs, room(using, line))
    return any(each.run_id == run_id for each in first)


def admissible(
    using: str, line: Line, graphs: Collection[str] | None = None
) -> list[Waiting]:
    """The runs of a line that a worker of this process could claim now, in their order."""
    if line.queue not in known:
        return []
    free = hands.free(line.queue)
    return _first(using, line, graphs, room(using, line))[:free] if free else []


def admissible_anywhere(
    using: str, graphs: Collection[str] | None, limit: int
) -> list[Waiting]:
    """The same for all queues, the first `limit` of each."""
    return [
        each
        for queue in list(known)
        for each in admissible_of(using, queue, graphs, limit)
    ]


def admissible_of(
    using: str, queue: str, graphs: Collection[str] | None, limit: int
) -> list[Waiting]:
    """The same for all lines of one queue: the first `limit`, in their order."""
    free = min(hands.free(queue), limit)
    found: list[Waiting] = []
    for line, head in _lines_with_room(using, queue, graphs, free):
        if len(found) == free and head.place > found[-1].place:
            break  # and so are the heads of all further lines
        found += admissible(using, line, graphs)[:free]
        found = sorted(found, key=lambda each: each.place)[:free]
    return found


def room(using: str, line: Line) -> Room:
    """How many more runs of the line may begin now, each number at most MOST."""
    limits = known[line.queue]
    if limits.concurrency is None and limits.rate is None:
        return Room(MOST, MOST)
    asked, values = _counts(using, limits, ("%s", "%s"), line)
    counts = execute(connection_of(using), f"SELECT {', '.join(asked)}", values)
    left = [min(MOST, max(0, int(each))) for each in counts.fetchone()]
    slots = left.pop(0) if limits.concurrency is not None else MOST
    return Room(slots, min([slots, *left]))


def live_runs(using: str, line: Line) -> int:
    """How many runs of the line are at work; one whose worker has died is until its lease is broken."""
    sql = _LIVE.format(queue="%s", partition="%s")
    found = execute(connection_of(using), f"SELECT {sql}", line).fetchone()
    return int(found[0])


def next_start(using: str, line: Line) -> datetime | None:
    """When the rate of the line lets a run start again; None where it lets one now, or there is no rate."""
    limits = known.get(line.queue)
    if limits is None or limits.rate is None:
        return None
    count, seconds = limits.rate
    values = (*line, count - 1)
    oldest = execute(connection_of(using), _OLDEST_COUNTED, values).fetchone()
    begun = instant(oldest[0]) if oldest else None
    if begun is None:
        return None
    at = begun + timedelta(seconds=seconds)
    return at if at > database_now(using) else None


def _counts(
    using: str, limits: Limits, place: tuple[str, str], values: Sequence[Any]
) -> tuple[list[str], list[Any]]:
    """Expressions that tell what is left of each limit, with their values; `place` are the queue and the partition in SQL."""
    vendor = connection_of(using).vendor
    words = {"queue": place[0], "partition": place[1], "ago": LATER_SQL[vendor]}
    asked, given = [], []
    if limits.concurrency is not None:
        asked.append(f"%s - {_LIVE.format(**words)}")
        given += [limits.concurrency, *values]
    if limits.rate is not None:
        count, seconds = limits.rate
        asked.append(f"%s - {_BEGUN.format(**words)}")
        given += [count, *values, seconds_param(vendor, -seconds)]
    return asked, given


def _lines_with_room(
    using: str, queue: str, graphs: Collection[str] | None, limit: int
) -> list[tuple[Line, Waiting]]:
    """The first lines of a queue in which a run could begin now, each with the first of these runs, in their order."""
    if limit <= 0:
        return []
    wrapper = connection_of(using)
    limits, place = known[queue], ("%s", "line.part")
    slots, slot_values = _counts(using, replace(limits, rate=None), place, [queue])
    starts, values = _counts(using, replace(limits, concurrency=None), place, [queue])
    sql = "run.queue = %s AND run.partition = room.part AND run.queued_at IS NOT NULL"
    which = Which(sql, (queue,)).of(graphs).but(f"(room.starts > 0 OR NOT ({NEW}))")
    found = execute(
        wrapper,
        _LINES.format(
            slots=slots[0] if slots else "1",
            starts=starts[0] if starts else "1",
            claimable=claimable_sql(wrapper.vendor, which),
        ),
        (queue, queue, *slot_values, *values, *which.values, limit),
    )
    return [(Line(queue, part), Waiting(*head)) for part, *head in found.fetchall()]


def _first(
    using: str, line: Line, graphs: Collection[str] | None, left: Room
) -> list[Waiting]:
    """The first runs of the line that there is room for."""
    if not left.slots:
        return []
    which = Which(IN_LINE, tuple(line)).of(graphs)
    if left.starts == left.slots:
        return claimable(using, which, left.slots, since="queued_at")
    others = which.but(f"NOT ({NEW})")
    rows = claimable(using, others, left.slots, since="queued_at")
    if left.starts:
        rows += claimable(using, which.but(NEW), left.starts, since="queued_at")
    return sorted(rows, key=lambda row: row.place)[: left.slots]


def _hold(using: str, line: Line) -> None:
    """Hold the line until the transaction ends. On SQLite nobody else writes meanwhile.

    Taken after the thread's row, and nothing is waited for after it.
    """
    wrapper = connection_of(using)
    if wrapper.vendor == POSTGRESQL:
        sql = (
            f"SELECT {NOT_IDLE_SQL}, pg_advisory_xact_lock(hashtext(%s), hashtext(%s))"
        )
        execute(wrapper, sql, (f"durableweb queue {line.queue}", line.partition))
