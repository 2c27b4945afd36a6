"""What has come that a task waits for: signals in the thread's mailbox, and events told to all (RB.2, RB.3).

A signal lies in the mailbox until the answer that carries it is saved; an event is there for whoever waits. What
tasks wait for is written with their waits. A thread is due when both are there: whoever brings the
second of them says so on the thread's row.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from workflows.engine import serde
from workflows.engine.checkpoint.base import Commit
from workflows.engine.constants import RESUME
from workflows.engine.loop.resume import SIGNALLED
from workflows.engine.waits import EventWait, Wait, waits_among
from workflows.storage.connections import NOW_SQL, connection_of, execute

_MET = """
  FROM workflows_awaited AS awaited JOIN workflows_signal AS signal
    ON signal.thread_id = awaited.thread_id AND signal.topic = awaited.topic
  WHERE awaited.kind = 'signal' AND NOT signal.handed"""
_WAKE = """
UPDATE workflows_thread SET wake_at = {now}
WHERE id = %s AND EXISTS (SELECT 1{met} AND awaited.thread_id = %s)"""
_WAKE_ALL = """
UPDATE workflows_thread SET wake_at = {now}
WHERE status IN ('waiting', 'interrupted') AND (wake_at IS NULL OR wake_at > {now})
  AND id IN (SELECT awaited.thread_id{met})"""

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


def wake_for_signals(using: str, thread_id: str) -> bool:
    """Make a thread due now where a signal lies in its mailbox that a task waits for; whether one does.

    Called by who holds the thread's row.
    """
    wrapper = connection_of(using)
    sql = _WAKE.format(now=NOW_SQL[wrapper.vendor], met=_MET)
    return bool(execute(wrapper, sql, (thread_id, thread_id)).rowcount)


def wake_all_for_signals(using: str) -> int:
    """The same for all threads, one by one; returns how many were not due."""
    wrapper = connection_of(using)
    sql = _WAKE_ALL.format(now=NOW_SQL[wrapper.vendor], met=_MET)
    return int(execute(wrapper, sql).rowcount)


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


def handed_by(commit: Commit) -> list[str]:
    """The ids of the waits whose signals are handed over with `commit`."""
    given = [
        value
        for task in commit.writes
        for channel, value in task.writes
        if channel == RESUME and isinstance(value, dict)
    ]
    return [
        wait_id
        for answers in given
        for wait_id, answer in answers.items()
        if isinstance(answer, list) and answer[1:] == [SIGNALLED]
    ]
