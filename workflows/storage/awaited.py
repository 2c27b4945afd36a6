"""What the tasks of a thread wait for besides people, as written down beside it (RB.2 to RB.5)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from workflows.engine import serde
from workflows.engine.checkpoint.base import Commit
from workflows.engine.waits import EventWait, Wait, waits_among
from workflows.storage.connections import connection_of, execute

_MAY_WAIT = """
SELECT 1 FROM workflows_thread WHERE id = %s AND wake_at IS NOT NULL
UNION ALL SELECT 1 FROM workflows_awaited WHERE thread_id = %s LIMIT 1"""


class AwaitedRow(NamedTuple):
    """A row of `Awaited` without its thread."""

    wait: str
    kind: str
    topic: str
    key: str = ""
    since: datetime | None = None
    after: int = 0
    matching: str = ""

    @classmethod
    def of(cls, wait: Wait) -> AwaitedRow:
        """The row of what a task waits for."""
        if not isinstance(wait, EventWait):
            return cls(wait.id, wait.kind, wait.topic)
        matching = serde.dumps(wait.where) if wait.where else ""
        return cls(
            wait.id, wait.kind, wait.topic, wait.key, wait.since, wait.after, matching
        )


def is_waited_on(using: str, thread_id: str) -> bool:
    """Whether a task of the thread waits for something that may come, as far as known."""
    wrapper = connection_of(using)
    sql = "SELECT 1 FROM workflows_awaited WHERE thread_id = %s LIMIT 1"
    return execute(wrapper, sql, (thread_id,)).fetchone() is not None


def may_wait(using: str, thread_id: str) -> bool:
    """Whether anything is written down that the thread waits for besides people, an instant or what may come."""
    wrapper = connection_of(using)
    return execute(wrapper, _MAY_WAIT, (thread_id, thread_id)).fetchone() is not None


def awaited_by(commit: Commit) -> list[AwaitedRow]:
    """What the tasks of `commit` begin to wait for."""
    asked = [item.interrupt for task in commit.writes for item in task.asked]
    return [AwaitedRow.of(each) for each in waits_among(asked)]
