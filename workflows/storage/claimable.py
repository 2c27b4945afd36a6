"""Which runs a worker could claim: pending and due, first on a thread where nothing runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from workflows.storage.connections import (
    NOW_SQL,
    POSTGRESQL,
    SQLITE,
    connection_of,
    execute,
)

# The ORM made these texts anew each time: 8 ms of processor time a run, where its ten steps took 5.
_CLAIMABLE = """
FROM workflows_run AS run JOIN workflows_thread AS thread ON thread.id = run.thread_id
WHERE run.status = 'pending' AND run.due_at <= {now} AND {which}
  AND (run.start_by IS NULL OR run.start_by > {now})
  AND NOT EXISTS (
    SELECT 1 FROM workflows_run AS other
    WHERE other.thread_id = run.thread_id AND other.status = 'running')
  AND NOT EXISTS (
    SELECT 1 FROM workflows_run AS other
    WHERE other.thread_id = run.thread_id AND {status} = 'pending'
      AND other.due_at <= {now} AND other.id < run.id)"""
# SQLite, which counts no rows, would look for a thread's older runs among all that wait. So it is not shown that an index
# has these; of a thread with 20,000 runs PostgreSQL finds them in a tenth of the time where it is.
_STATUS = {POSTGRESQL: "other.status", SQLITE: "other.status || ''"}
URGENT = "\nORDER BY run.priority, run.due_at, run.id LIMIT %s"


class Which(NamedTuple):
    """Which runs are asked for: an SQL condition and its values."""

    sql: str = "1 = 1"
    values: tuple[Any, ...] = ()

    def of(self, graphs: Collection[str] | None) -> Which:
        """Those of them that belong to these workflows; None stands for all."""
        if graphs is None:
            return self
        names = tuple(graphs)
        places = ", ".join(["%s"] * len(names))
        sql = f"run.graph IN ({places})" if names else "1 = 0"
        return self.but(sql, *names)

    def but(self, sql: str, *values: Any) -> Which:
        """Those of them that meet this condition too."""
        return Which(f"{self.sql} AND {sql}", (*self.values, *values))


class Waiting(NamedTuple):
    """A run that could be claimed, and its place among others."""

    run_id: int
    priority: int
    since: Any
    """An instant, as the driver gives it."""

    @property
    def place(self) -> tuple[int, Any, int]:
        """What runs are ordered by: priority, since when, number."""
        return self.priority, self.since, self.run_id


def claimable_sql(vendor: str, which: Which) -> str:
    """What follows the columns in a SELECT of those of these runs that could be claimed now; its values are those of `which`."""
    return _CLAIMABLE.format(
        now=NOW_SQL[vendor], status=_STATUS[vendor], which=which.sql
    )


def claimable(
    using: str, which: Which, limit: int, *, since: str = "due_at"
) -> list[Waiting]:
    """Those of the runs that could be claimed now, by priority, the column `since`, and number."""
    wrapper = connection_of(using)
    sql = claimable_sql(wrapper.vendor, which)
    found = execute(
        wrapper,
        f"SELECT run.id, run.priority, run.{since} {sql}"
        f"\nORDER BY run.priority, run.{since}, run.id LIMIT %s",
        (*which.values, limit),
    )
    return [Waiting(*row) for row in found.fetchall()]
