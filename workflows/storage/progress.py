"""What a task says of its progress, kept for its next attempt in whatever process (RA.16)."""

from __future__ import annotations

from typing import Any

from workflows.storage.connections import connection_of, execute
from workflows.storage.heartbeats import MAX_DETAILS, read
from workflows.storage.leases import keeper

_RUNS_BACK = 20


def keep(
    using: str, codec: Any, run_id: int, task_id: str, node: str, details: Any
) -> None:
    """Hand `details` to the beat, which writes them to the run's row within a second.

    Raises SerializationError for what cannot be stored, ValueError for too much of it.
    """
    text = codec.dumps(details, f"heartbeat of {node}")
    if len(text) > MAX_DETAILS:
        raise ValueError(
            f"the heartbeat details of {node!r} are {len(text)} characters long; keep at "
            f"most {MAX_DETAILS}: a place to go on from, not the data"
        )
    keeper.say(using, run_id, task_id, node, text)


def last(
    using: str, codec: Any, run_id: int | None, thread_id: str, task_id: str
) -> Any:
    """What the task said last, in this run or in one of the runs before it; or None."""
    here = None if run_id is None else keeper.said(using, run_id, task_id)
    if here is not None:
        return codec.loads(here)
    columns = execute(
        connection_of(using),
        "SELECT heartbeat FROM workflows_run WHERE thread_id = %s"
        " AND heartbeat <> '' ORDER BY id DESC LIMIT %s",
        (thread_id, _RUNS_BACK),
    ).fetchall()
    for (column,) in columns:
        for said in read(column):
            if said.task == task_id:
                return codec.loads(said.details)
    return None
