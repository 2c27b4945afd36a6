"""The mailbox of a thread: a signal lies there until the answer that carries it is saved (RB.2).

What tasks wait for is written with their waits. A thread is due when both are there: whoever brings the
second of them says so on the thread's row.
"""

from __future__ import annotations

from workflows.engine.checkpoint.base import Commit
from workflows.engine.constants import RESUME
from workflows.engine.loop.resume import SIGNALLED
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
