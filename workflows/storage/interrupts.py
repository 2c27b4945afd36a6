"""Questions -> rows of `Interrupt`: one row a place, however often it is asked there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections

from workflows.engine.checkpoint.base import Asked, Commit, TaskWrites
from workflows.engine.waits import Wait
from workflows.storage.connections import NOW_SQL, execute
from workflows.storage.events import append_events
from workflows.storage.texts import clean

TITLE_LENGTH = 120
_TITLE_KEYS = ("title", "question", "message", "description", "action")


class AskedRow(NamedTuple):
    """What a commit says of one question.

    `round` is that of a new row; more than 1 makes an old row start its next round even if
    it is pending (the same commit closed the round before).
    """

    interrupt_id: str
    namespace: str
    checkpoint: str
    task: str
    task_path: str
    node: str
    ordinal: int
    key: str
    title: str
    value: str
    response_schema: str
    digest: str
    policy: str
    round: int


def asked_rows(serde: Any, commit: Commit) -> list[AskedRow]:
    """The questions of `commit`, as rows."""
    closed = {item.interrupt_id for item in commit.closed}
    return [
        _asked_row(serde, commit, task, asked, asked.interrupt.id in closed)
        for task in commit.writes
        for asked in task.asked
        if not isinstance(asked.interrupt, Wait)
    ]


def wakes_at(commit: Commit) -> datetime | None:
    """When the first wait is over by itself that begins with `commit`; None where none is."""
    asked = [item.interrupt for task in commit.writes for item in task.asked]
    ends = [each.until for each in asked if isinstance(each, Wait)]
    return min((until for until in ends if until is not None), default=None)


def _asked_row(
    serde: Any, commit: Commit, task: TaskWrites, asked: Asked, again: bool
) -> AskedRow:
    question = asked.interrupt
    schema = question.response_schema
    return AskedRow(
        interrupt_id=question.id,
        namespace=commit.namespace,
        checkpoint=commit.parent_id or "",
        task=task.task_id,
        task_path=clean(task.path)[:600],
        node=clean(task.name)[:200],
        ordinal=asked.ordinal,
        key=clean(asked.key or "")[:200],
        title=title_of(question.value),
        value=serde.dumps(question.value, f"interrupt of {task.name}"),
        response_schema="" if schema is None else serde.dumps(schema),
        digest=asked.digest,
        policy=json.dumps(dict(asked.policy)) if asked.policy else "",
        round=2 if again else 1,
    )


def closed_pairs(commit: Commit) -> list[tuple[str, str]]:
    """(interrupt id, status) of what `commit` closes and does not ask again at once."""
    asked = {item.interrupt.id for task in commit.writes for item in task.asked}
    return [
        (item.interrupt_id, item.status)
        for item in commit.closed
        if item.interrupt_id not in asked
    ]


# Descriptions are often Markdown, and begin with a heading.
_HEADING = re.compile(r"^#{1,6}\s+")


def title_of(value: Any) -> str:
    """One short line that says what is asked; "" where nothing is said."""
    if value is None or (isinstance(value, dict | list | tuple) and not value):
        return ""
    text = _said(value)
    if text is None:
        try:
            text = json.dumps(value, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):
            text = type(value).__name__
    lines = clean(text).strip().splitlines()
    line = _HEADING.sub("", lines[0].strip(), 1) if lines else ""
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def _said(value: Any) -> str | None:
    """The part of a question that is made for reading, where it has one."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and len(value) == 1:
        return _said(value[0])
    if isinstance(value, list) and value and all(map(_is_inbox, value)):
        return ", ".join(_said(each["action_request"]) or "?" for each in value)
    if not isinstance(value, dict):
        return None
    for name in _TITLE_KEYS:
        found = value.get(name)
        if isinstance(found, str) and found.strip():
            return found
    request = value.get("action_request") or value.get("action")
    if isinstance(request, dict):
        value = request
    for name in ("action", "name", "tool"):
        found = value.get(name)
        if isinstance(found, str) and found.strip():
            return found
    requests = value.get("action_requests") or value.get("tool_calls")
    if isinstance(requests, list) and requests:
        return ", ".join(_said(each) or "?" for each in requests)
    return None


def _is_inbox(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("action_request"), dict)


# One statement for both databases; `{source}` gives the columns of AskedRow. The row keeps
# its number, assignee and first round while it is pending; it starts a round when it had
# been decided or closed. Two cases change nothing: a question seen again one level further
# out (a parent repeats what its subgraph asks), and one whose answer waits in a run that has
# not begun (another run asked again meanwhile: the answer must still find its question).
_UPSERT = """
INSERT INTO workflows_interrupt AS old (
  thread_id, run_id, graph, status, version, reason, priority, interrupt_id,
  namespace, checkpoint, task, task_path, node, ordinal, key, title, value,
  response_schema, digest, policy, round, asked_at)
{source}
ON CONFLICT (thread_id, interrupt_id) DO UPDATE SET
  run_id = excluded.run_id, namespace = excluded.namespace,
  checkpoint = excluded.checkpoint, task = excluded.task,
  task_path = excluded.task_path, node = excluded.node, ordinal = excluded.ordinal,
  key = excluded.key, title = excluded.title, value = excluded.value,
  response_schema = excluded.response_schema, digest = excluded.digest,
  policy = excluded.policy, status = 'pending', version = old.version + 1, closed_at = NULL, reason = '',
  round = old.round + CASE WHEN old.status = 'pending' AND excluded.round = 1 THEN 0 ELSE 1 END,
  asked_at = CASE WHEN old.status = 'pending' AND excluded.round = 1 THEN old.asked_at
             ELSE {now} END
WHERE (excluded.round > 1 OR old.status <> 'pending' OR old.checkpoint <> excluded.checkpoint
       OR old.task <> excluded.task OR NOT {same}
       OR old.response_schema <> excluded.response_schema)
  AND NOT (old.status IN ('pending', 'decided')
           AND length(excluded.namespace) < length(old.namespace))
  AND NOT (old.status = 'decided' AND {same}
           AND old.response_schema = excluded.response_schema AND EXISTS (
             SELECT 1 FROM workflows_decision AS decision
             JOIN workflows_run AS waiting ON waiting.id = decision.run_id
             WHERE decision.interrupt_id = old.id AND decision.round = old.round
               AND waiting.status = 'pending'))
RETURNING id, node, title, status, round
"""

# An encrypted text is another one each time it is written; then the digest tells.
_SAME = """(old.value = excluded.value OR (old.digest <> '' AND
           old.digest = excluded.digest AND substr(old.value, 1, 1) = '$'))"""

_CLOSE = """
UPDATE workflows_interrupt AS old
SET status = {status}, version = old.version + 1, closed_at = {now}
{matched} AND old.status IN ('pending', 'decided')
RETURNING id, node, title, status, round
"""


def withdraw(using: str, thread_id: str, run_id: int | None) -> int:
    """Close every open question of a thread whose work was cancelled; returns how many. Nothing wakes it.

    Part of the caller's transaction, which holds the thread's row. Where the thread goes on
    after all, a task that asks again opens its question again.
    """
    wrapper = connections[using]
    execute(
        wrapper,
        "UPDATE workflows_thread SET wake_at = NULL WHERE id = %s AND wake_at IS NOT NULL",
        (thread_id,),
    )
    execute(wrapper, "DELETE FROM workflows_awaited WHERE thread_id = %s", (thread_id,))
    closed = execute(
        wrapper,
        close_sql(
            "'withdrawn'",
            "WHERE old.thread_id = %s",
            NOW_SQL[wrapper.vendor],
        ),
        (thread_id,),
    ).fetchall()
    events = [
        (
            "interrupt",
            {
                "interrupt": number,
                "node": node,
                "title": title,
                "status": status,
                "round": round,
            },
        )
        for number, node, title, status, round in closed
    ]
    if events:
        append_events(using, thread_id, run_id, events)
    return len(events)


def upsert_sql(source: str, now: str) -> str:
    """The statement that asks; `source` selects the rows."""
    return _UPSERT.format(source=source, now=now, same=_SAME)


def close_sql(status: str, matched: str, now: str) -> str:
    """The statement that closes; `matched` is its FROM and WHERE."""
    return _CLOSE.format(status=status, matched=matched, now=now)
