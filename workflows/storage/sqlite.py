"""Writing a bundle on SQLite: in an IMMEDIATE transaction, straight on the driver.

SQLite has no data-modifying CTE, and needs none: an IMMEDIATE transaction holds the only
write lock, so what it reads of the run row cannot change before it commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from workflows.storage import one_statement
from workflows.storage.connections import (
    NOW_SQL,
    SQLITE,
    for_sqlite,
    inside_transaction,
    ready,
)
from workflows.storage.interrupts import close_sql, upsert_sql
from workflows.storage.prune import as_text
from workflows.storage.rows import Bundle
from workflows.storage.savings import Saving
from workflows.storage.sent_updates import ANSWER_SQL
from workflows.storage.texts import json_text
from workflows.storage.turns import (
    Wish,
    each_alone,
    write_all_in_turn,
    write_in_turn,
)

_NOW = for_sqlite(NOW_SQL[SQLITE])
_HELD = "SELECT 1 FROM workflows_run WHERE id = ? AND fence = ? AND status = 'running'"
_FREE = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM workflows_run WHERE thread_id = ? AND status = 'running')"
_RAISE = (
    "UPDATE workflows_thread SET seq = seq + ?,"
    " head = CASE WHEN head < ? THEN ? ELSE head END"
    " WHERE id = ? AND EXISTS ({guard}) RETURNING seq"
)
_RAISE_HELD = _RAISE.format(guard=_HELD)
_RAISE_FREE = _RAISE.format(guard=_FREE)
_CHECKPOINT = (
    "INSERT{replace} INTO workflows_checkpoint (thread_id, namespace, run_id, id, parent,"
    " step, source, format, channels, due, metadata, rest, digest)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHECKPOINT_NEW = _CHECKPOINT.format(replace="")
_CHECKPOINT_AGAIN = _CHECKPOINT.format(replace=" OR REPLACE")
_VALUE = (
    "INSERT{replace} INTO workflows_channelvalue (thread_id, namespace, checkpoint,"
    " channel, kind, base, digest, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_VALUE_NEW = _VALUE.format(replace="")
_VALUE_AGAIN = _VALUE.format(replace=" OR REPLACE")
_WRITE = (
    "INSERT OR REPLACE INTO workflows_pendingwrite (thread_id, namespace, checkpoint,"
    " task, slot, path, digest, payload, values_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_EVENT = (
    "INSERT INTO workflows_event (thread_id, run_id, seq, kind, data)"
    " VALUES (?, ?, ?, ?, ?)"
)
_FORGET = "DELETE FROM workflows_threadattribute WHERE thread_id = ? AND name = ?"
_ATTRIBUTE = (
    "INSERT INTO workflows_threadattribute (thread_id, name, position, kind, text, key,"
    " number) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ASK = upsert_sql(
    "SELECT t.id, ?, t.graph, 'pending', 1, '', 0,"  # noqa: S608
    f" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {_NOW} FROM workflows_thread AS t WHERE t.id = ?",
    _NOW,
)
_END = (
    "UPDATE workflows_run SET status = ?, reason = '', lease_until = NULL,"  # noqa: S608
    f" finished_at = {_NOW} WHERE id = ? AND fence = ? AND status = 'running'"
)
_RAISE_ENDED = (
    "UPDATE workflows_thread SET seq = seq + ?,"  # noqa: S608
    " head = CASE WHEN head < ? THEN ? ELSE head END, status = CASE WHEN EXISTS ("
    "SELECT 1 FROM workflows_interrupt WHERE thread_id = workflows_thread.id"
    " AND status IN ('pending', 'decided')) THEN 'interrupted' ELSE ? END,"
    f" updated_at = {_NOW} WHERE id = ? RETURNING seq"
)
_WAKES = (
    "UPDATE workflows_thread SET wake_at = ?"
    " WHERE id = ? AND (wake_at IS NULL OR wake_at > ?)"
)
_AWAIT = (
    "INSERT OR IGNORE INTO workflows_awaited"
    " (thread_id, wait, kind, topic, key, since, after, matching)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_HAND = "UPDATE workflows_signal SET handed = 1 WHERE thread_id = ? AND taken_for = ?"
_WAITS = (
    "SELECT 1 FROM workflows_sentupdate"
    " WHERE thread_id = ? AND token = ? AND status = 'waiting'"
)
_ANSWER = for_sqlite(ANSWER_SQL.format(now=NOW_SQL[SQLITE]))
_CLOSE = close_sql("?", "WHERE old.thread_id = ? AND old.interrupt_id = ?", _NOW)


def saving(bundle: Bundle, run_id: int | None, fence: int) -> Saving[int | None]:
    """Ask to have `bundle` written if the fence holds; returns the last event's seq, None if refused.

    It waits for the disk unless it is relaxed. Nor does one wait that says only what is on the disk
    already (the run's own row has it, and whoever goes on with the run says it again), nor one that
    another follows at once, which brings it along.
    """
    relaxed = bundle.relaxed or bundle.is_on_disk or bundle.is_followed
    if run_id is not None and one_statement.fits(bundle):
        held = run_id

        def at_once(connection: Any) -> int:
            return one_statement.write(connection, bundle, held, fence)

        with suppress(one_statement.NotAsKnownError):
            return (yield Wish(at_once, relaxed=relaxed, is_one_statement=True))

    def rows(connection: Any) -> int | None:
        return _write_rows(connection.execute, bundle, run_id, fence)

    return (yield Wish(rows, relaxed=relaxed))


def write(wrapper: Any, wish: Wish) -> int | None:
    """Write what one saving asks for; returns what became of it.

    Inside a transaction of the caller it is a savepoint; otherwise a transaction of its own or
    one with what other threads save (`turns.py`).
    """
    connection = ready(wrapper)
    with wrapper.wrap_database_errors:
        if not inside_transaction(wrapper):
            return write_in_turn(wrapper, connection, wish)
        connection.execute("SAVEPOINT durableweb_commit")
        try:
            seq = wish.rows(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO durableweb_commit")
                connection.execute("RELEASE durableweb_commit")
            raise
        connection.execute("RELEASE durableweb_commit")
    return seq


def write_all(wrapper: Any, wishes: Sequence[Wish]) -> None:
    """Write what savings of several threads ask for; what became of each stands at its wish."""
    connection = ready(wrapper)
    if inside_transaction(wrapper):
        each_alone(wishes, partial(write, wrapper))
        return
    write_all_in_turn(wrapper, connection, wishes)
    for wish in wishes:
        if wish.error is not None:
            try:
                with wrapper.wrap_database_errors:
                    raise wish.error
            except BaseException as error:  # noqa: BLE001 - as Django's, for its saving
                wish.error = error


def _write_rows(
    execute: Any, bundle: Bundle, run_id: int | None, fence: int
) -> int | None:
    thread_id, namespace = bundle.thread_id, bundle.namespace
    events = bundle.events
    guard = (thread_id,) if run_id is None else (run_id, fence)
    for answer in bundle.answers:
        if not execute(_WAITS, (thread_id, answer.token)).fetchone():
            bundle.is_withdrawn = True
            return None
    if bundle.ending and not execute(_END, (bundle.ending, *guard)).rowcount:
        return None
    if bundle.ending and (bundle.asked or bundle.closed):
        events = _interrupt_events(execute, bundle, run_id) + events
    elif bundle.asked or bundle.closed:
        if not execute(_FREE if run_id is None else _HELD, guard).fetchone():
            return None
        events = _interrupt_events(execute, bundle, run_id) + events
    row = bundle.checkpoint
    head = row.id if row is not None and not namespace else ""
    if bundle.ending:
        status = "idle" if bundle.ending == "success" else bundle.ending
        raised = execute(
            _RAISE_ENDED, (len(events), head, head, status, thread_id)
        ).fetchall()
    else:
        raised = execute(
            _RAISE_FREE if run_id is None else _RAISE_HELD,
            (len(events), head, head, thread_id, *guard),
        ).fetchall()
    if not raised:
        return None
    seq: int = raised[0][0]
    for answer in bundle.answers:
        execute(_ANSWER, answer)
    if row is not None:
        execute(
            _CHECKPOINT_AGAIN if bundle.replace else _CHECKPOINT_NEW,
            (thread_id, namespace, run_id, *row),
        )
        insert = _VALUE_AGAIN if bundle.replace else _VALUE_NEW
        for value in bundle.values:
            execute(insert, (thread_id, namespace, row.id, *value))
    if bundle.wake_at is not None:
        instant = as_text(bundle.wake_at)
        execute(_WAKES, (instant, thread_id, instant))
    for awaited in bundle.awaited:
        since = None if awaited.since is None else as_text(awaited.since)
        wait, kind, topic, key, _, after, matching = awaited
        execute(_AWAIT, (thread_id, wait, kind, topic, key, since, after, matching))
    for wait_id in bundle.handed:
        execute(_HAND, (thread_id, wait_id))
    for task in bundle.writes:
        execute(_WRITE, (thread_id, namespace, bundle.parent, *task))
    for name in bundle.touched:
        execute(_FORGET, (thread_id, name))
    for attribute in bundle.attributes:
        execute(_ATTRIBUTE, (thread_id, *attribute))
    number = seq - len(events)
    for kind, data in events:
        number += 1
        execute(_EVENT, (thread_id, run_id, number, kind, data))
    return seq


def _interrupt_events(
    execute: Any, bundle: Bundle, run_id: int | None
) -> list[tuple[str, str]]:
    changed = []
    for interrupt_id, status in bundle.closed:
        changed += execute(_CLOSE, (status, bundle.thread_id, interrupt_id)).fetchall()
    for asked in bundle.asked:
        changed += execute(_ASK, (run_id, *asked, bundle.thread_id)).fetchall()
    names = ("interrupt", "node", "title", "status", "round")
    return [
        ("interrupt", json_text(dict(zip(names, row, strict=True)))) for row in changed
    ]
