"""Writing a bundle on PostgreSQL: one prepared data-modifying statement, one commit.

The part `held` locks the run's row where the fencing number is still ours. It waits for a
takeover that is not committed yet and then finds nothing; a mere `WHERE EXISTS` would read
the row as it was before. All other parts select from it, so without it nothing is written.

Locks are taken in the order thread, run, interrupts, as by all who write for a thread, so
no two ever wait for each other. The text depends only on which parts a bundle has, so a
handful of statements is prepared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from django.db import Error, IntegrityError, transaction

from workflows.storage.attributes import AttributeRow
from workflows.storage.awaited import AwaitedRow
from workflows.storage.checkpoints import CheckpointRow
from workflows.storage.connections import (
    NOT_IDLE_SQL,
    execute,
    inside_transaction,
    prepared,
    ready,
    replace_dead,
)
from workflows.storage.interrupts import AskedRow, close_sql, upsert_sql
from workflows.storage.rows import Bundle
from workflows.storage.savings import Saving
from workflows.storage.sent_updates import answered
from workflows.storage.turns import Wish, each_alone
from workflows.storage.values import ValueRow
from workflows.storage.writes import WriteRow

_NOW = "clock_timestamp()"
_TYPES = {
    "position": "smallint",
    "number": "float8",
    "since": "timestamptz",
    "after": "bigint",
}
_CHECKPOINT_NAMES = [f"checkpoint_{name}" for name in CheckpointRow._fields]
_json = msgspec.json.Encoder().encode

# Set for the implicit transaction of this one statement: no BEGIN, no SET, no round trip.
_RELAXED = (
    "relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
)
_THREAD = """thread AS MATERIALIZED (
  SELECT id, seq, head, graph FROM workflows_thread{relaxed}
  WHERE id = %(thread)s::text FOR NO KEY UPDATE OF workflows_thread)"""
_HELD = """held AS MATERIALIZED (
  SELECT run.id AS run FROM thread, workflows_run AS run
  WHERE run.id = %(run)s AND run.fence = %(fence)s AND run.status = 'running'
  FOR SHARE OF run)"""
# Ends the run and holds it by that. Whether a question is open is read as it was when the
# statement began: where the thread's row has moved since, while it waited, nothing is written.
_ENDED = """held AS (
  UPDATE workflows_run AS run SET status = %(ending)s, reason = '', lease_until = NULL,
    finished_at = clock_timestamp()
  FROM thread
  WHERE run.id = %(run)s AND run.fence = %(fence)s AND run.status = 'running'
    AND thread.seq = (SELECT seq FROM workflows_thread WHERE id = %(thread)s::text)
  RETURNING run.id AS run)"""
_STATUS = """, updated_at = clock_timestamp(), status = CASE WHEN %(ending)s = 'success'
    AND NOT EXISTS (SELECT 1 FROM workflows_interrupt AS open
      WHERE open.thread_id = %(thread)s::text AND open.status IN ('pending', 'decided'){but})
    THEN 'idle' ELSE 'interrupted' END"""
_BUT_CLOSED = "\n      AND open.interrupt_id <> ALL (%(closed_id)s::text[])"
_FREE = """held AS MATERIALIZED (
  SELECT NULL::bigint AS run FROM thread WHERE NOT EXISTS (
    SELECT 1 FROM workflows_run
    WHERE thread_id = %(thread)s::text AND status = 'running'))"""
_CLOSED = "closed AS ({sql})"
_ASKED = "asked AS ({sql})"
_RAISED = """raised AS (
  UPDATE workflows_thread AS row SET seq = row.seq + %(count)s{more}{head}{status}{wakes}
  FROM held WHERE row.id = %(thread)s::text RETURNING row.seq)"""
_HEAD = (
    ", head = CASE WHEN row.head < %(checkpoint_id)s::text THEN %(checkpoint_id)s::text"
    " ELSE row.head END"
)
_WAKES = ", wake_at = LEAST(row.wake_at, %(wake_at)s::timestamptz)"
_CHECKPOINT = """checkpoint AS (
  INSERT INTO workflows_checkpoint (thread_id, namespace, run_id, id, parent, step, source,
    format, channels, due, metadata, rest, digest)
  SELECT %(thread)s::text, %(namespace)s::text, held.run, %(checkpoint_id)s::text, %(checkpoint_parent)s,
    %(checkpoint_step)s, %(checkpoint_source)s, %(checkpoint_format)s,
    %(checkpoint_channels)s, %(checkpoint_due)s, %(checkpoint_metadata)s,
    %(checkpoint_rest)s, %(checkpoint_digest)s
  FROM held{replace})"""
_CHECKPOINT_REPLACE = """
  ON CONFLICT (thread_id, namespace, id) DO UPDATE SET parent = excluded.parent,
    step = excluded.step, source = excluded.source, channels = excluded.channels,
    due = excluded.due, metadata = excluded.metadata, rest = excluded.rest,
    digest = excluded.digest"""
_VALUES = """value AS (
  INSERT INTO workflows_channelvalue (thread_id, namespace, checkpoint, channel, kind, base,
    digest, payload)
  SELECT %(thread)s::text, %(namespace)s::text, %(checkpoint_id)s::text, given.*
  FROM held, unnest({columns}) AS given{replace})"""
_VALUES_REPLACE = """
  ON CONFLICT (thread_id, namespace, channel, checkpoint) DO UPDATE SET
    kind = excluded.kind, base = excluded.base,
    digest = excluded.digest, payload = excluded.payload"""
_WRITES = """write AS (
  INSERT INTO workflows_pendingwrite (thread_id, namespace, checkpoint, task, slot, path,
    digest, payload, values_at)
  SELECT %(thread)s::text, %(namespace)s::text, %(parent)s, given.*
  FROM held, unnest({columns}) AS given
  ON CONFLICT (thread_id, namespace, checkpoint, task, slot) DO UPDATE SET
    path = excluded.path, digest = excluded.digest, payload = excluded.payload,
    values_at = excluded.values_at)"""
# What was there goes first: the count is known when all of it is gone.
_FORGOTTEN = """forgotten AS (
  DELETE FROM workflows_threadattribute AS old USING held
  WHERE old.thread_id = %(thread)s::text AND old.name = ANY (%(touched)s::text[])
  RETURNING 1)"""
_ATTRIBUTES = """attribute AS (
  INSERT INTO workflows_threadattribute (thread_id, name, position, kind, text, key, number)
  SELECT %(thread)s::text, given.*
  FROM held, (SELECT count(*) FROM forgotten) AS gone, unnest({columns}) AS given)"""
_AWAITED = """awaited AS (
  INSERT INTO workflows_awaited (thread_id, wait, kind, topic, key, since, after, matching)
  SELECT %(thread)s::text, given.* FROM held, unnest({columns}) AS given
  ON CONFLICT DO NOTHING)"""
_HANDED = """handed AS (
  UPDATE workflows_signal SET handed = true FROM held
  WHERE thread_id = %(thread)s::text AND taken_for = ANY (%(handed)s::text[]))"""
_EVENTS = """event AS (
  INSERT INTO workflows_event (thread_id, run_id, seq, kind, data)
  SELECT %(thread)s::text, held.run, raised.seq - %(count)s + given.number, given.kind, given.data
  FROM raised, held, unnest(%(event_kind)s::text[], %(event_data)s::text[])
    WITH ORDINALITY AS given (kind, data, number))"""
_QUESTION_EVENTS = """question_event AS (
  INSERT INTO workflows_event (thread_id, run_id, seq, kind, data)
  SELECT %(thread)s::text, held.run, raised.seq - %(count)s - ({more}) + row_number() OVER (),
    'interrupt', json_build_object('interrupt', question.id, 'node', question.node,
    'title', question.title, 'status', question.status, 'round', question.round)::text
  FROM raised, held, ({questions}) AS question)"""


def saving(bundle: Bundle, run_id: int | None, fence: int) -> Saving[int | None]:
    """Ask to have `bundle` written if the fence holds; returns the last event's seq, None if refused."""

    def rows(wrapper: Any) -> int | None:
        if bundle.answers:
            write_it = partial(_write, wrapper, bundle, run_id, fence)
            return answered(wrapper, bundle, write_it)
        return _write(wrapper, bundle, run_id, fence)

    return (yield Wish(rows, relaxed=bundle.relaxed))


def write(wrapper: Any, wish: Wish) -> int | None:
    """Write what one saving asks for; returns what became of it."""
    return wish.rows(wrapper)


def write_all(wrapper: Any, wishes: Sequence[Wish]) -> None:
    """Write what savings of several threads ask for; what became of each stands at its wish.

    In one transaction, which waits for the disk once. Where that fails, each is tried alone, unless nobody can
    tell whether it was committed. Those that need not wait are written by themselves.
    """
    ready(wrapper)
    waits = [wish for wish in wishes if not wish.relaxed]
    if len(waits) > 1 and not inside_transaction(wrapper):
        is_sent = False
        try:
            with transaction.atomic(wrapper.alias):
                execute(wrapper, f"SELECT {NOT_IDLE_SQL}")
                for wish in waits:
                    wish.seq = wish.rows(wrapper)
                is_sent = True
            wishes = [wish for wish in wishes if wish.relaxed]
        except Error as error:
            if is_sent and not isinstance(error, IntegrityError):
                for wish in waits:
                    wish.error = error
                wishes = [wish for wish in wishes if wish.relaxed]

    def write_one(wish: Wish) -> int | None:
        replace_dead(wrapper)  # one before it may have met its end
        return write(wrapper, wish)

    each_alone(wishes, write_one)


def _write(wrapper: Any, bundle: Bundle, run_id: int | None, fence: int) -> int | None:
    """Write `bundle` with one statement.

    Inside a transaction of the caller the statement is a part of it, and `relaxed` is not
    heeded: it would let the whole transaction go before it is on the disk.
    """
    ready(wrapper)
    sql = _statement(
        run_id is not None,
        bundle.relaxed and not inside_transaction(wrapper),
        bundle.checkpoint is not None,
        not bundle.namespace,
        bundle.replace,
        bool(bundle.values),
        bool(bundle.writes),
        bool(bundle.events),
        bool(bundle.asked),
        bool(bundle.closed),
        bool(bundle.ending),
        bool(bundle.touched),
        bool(bundle.attributes),
        bundle.wake_at is not None,
        bool(bundle.awaited),
        bool(bundle.handed),
    )
    found = prepared(wrapper, sql, _params(bundle, run_id, fence)).fetchone()
    return found[0] if found else None


@lru_cache(maxsize=128)
def _statement(
    fenced: bool,
    relaxed: bool,
    checkpoint: bool,
    root: bool,
    replace: bool,
    values: bool,
    writes: bool,
    events: bool,
    asked: bool,
    closed: bool,
    ending: bool,
    forgets: bool,
    attributes: bool,
    wakes: bool,
    awaits: bool,
    hands: bool,
) -> str:
    parts = [_RELAXED] if relaxed else []
    parts.append(_THREAD.format(relaxed=", relaxed" if relaxed else ""))
    parts.append(_ENDED if ending else _HELD if fenced else _FREE)
    questions = []
    if closed:
        parts.append(_CLOSED.format(sql=_close_sql()))
        questions.append("closed")
    if asked:
        parts.append(_ASKED.format(sql=_ask_sql()))
        questions.append("asked")
    # The number of questions that changed is known only in here.
    counts = " + ".join(
        f"(SELECT count(*) FROM {name})"  # noqa: S608
        for name in questions
    )
    parts.append(
        _RAISED.format(
            more=f" + {counts}" if counts else "",
            head=_HEAD if checkpoint and root else "",
            status=_STATUS.format(but=_BUT_CLOSED if closed else "") if ending else "",
            wakes=_WAKES if wakes else "",
        )
    )
    if checkpoint:
        parts.append(_CHECKPOINT.format(replace=_CHECKPOINT_REPLACE if replace else ""))
    if values:
        parts.append(
            _VALUES.format(
                columns=_arrays("value", ValueRow),
                replace=_VALUES_REPLACE if replace else "",
            )
        )
    if writes:
        parts.append(_WRITES.format(columns=_arrays("write", WriteRow)))
    if forgets:
        parts.append(_FORGOTTEN)
    if attributes:
        parts.append(_ATTRIBUTES.format(columns=_lists("attribute", AttributeRow)))
    if awaits:
        parts.append(_AWAITED.format(columns=_lists("awaited", AwaitedRow)))
    if hands:
        parts.append(_HANDED)
    if questions:
        union = " UNION ALL ".join(
            f"SELECT * FROM {name}"  # noqa: S608
            for name in questions
        )
        parts.append(_QUESTION_EVENTS.format(more=counts, questions=union))
    if events:
        parts.append(_EVENTS)
    return "WITH " + ",\n".join(parts) + "\nSELECT seq FROM raised"


def _arrays(prefix: str, row: Any) -> str:
    return ", ".join(f"%({prefix}_{name})s::text[]" for name in row._fields)


def _lists(prefix: str, row: Any) -> str:
    return ", ".join(
        f"%({prefix}_{name})s::{_TYPES.get(name, 'text')}[]" for name in row._fields
    )


def _ask_sql() -> str:
    numbers = {"ordinal", "round"}
    columns = ", ".join(
        f"%(asked_{name})s::{'int' if name in numbers else 'text'}[]"
        for name in AskedRow._fields
    )
    return upsert_sql(
        f"SELECT thread.id, held.run, thread.graph, 'pending', 1, '', 0, given.*, {_NOW}"  # noqa: S608
        f" FROM thread, held, unnest({columns}) AS given",
        _NOW,
    )


def _close_sql() -> str:
    # OFFSET 0 keeps it a look by key for each question: never a walk over all that the thread has asked.
    return close_sql(
        "given.new_status",
        "FROM held, unnest(%(closed_id)s::text[], %(closed_status)s::text[])"
        " AS given (question, new_status)"
        " CROSS JOIN LATERAL (SELECT id AS number FROM workflows_interrupt"
        " WHERE thread_id = %(thread)s::text AND interrupt_id = given.question OFFSET 0) AS named"
        " WHERE old.id = named.number",
        _NOW,
    )


def _params(bundle: Bundle, run_id: int | None, fence: int) -> dict[str, Any]:
    params: dict[str, Any] = {
        "thread": bundle.thread_id,
        "namespace": bundle.namespace,
        "parent": bundle.parent,
        "run": run_id,
        "fence": fence,
        "count": len(bundle.events),
    }
    if bundle.ending:
        params["ending"] = bundle.ending
    if bundle.wake_at is not None:
        params["wake_at"] = bundle.wake_at
    if bundle.awaited:
        _add_lists(params, "awaited", AwaitedRow, bundle.awaited)
    if bundle.handed:
        params["handed"] = _array(bundle.handed)
    if bundle.checkpoint is not None:
        params.update(zip(_CHECKPOINT_NAMES, bundle.checkpoint, strict=True))
    if bundle.values:
        _add_arrays(params, "value", ValueRow, bundle.values)
    if bundle.writes:
        _add_arrays(params, "write", WriteRow, bundle.writes)
    if bundle.asked:
        _add_arrays(params, "asked", AskedRow, bundle.asked)
    if bundle.closed:
        params["closed_id"] = _array([pair[0] for pair in bundle.closed])
        params["closed_status"] = _array([pair[1] for pair in bundle.closed])
    if bundle.touched:
        params["touched"] = _array(bundle.touched)
    if bundle.attributes:
        _add_lists(params, "attribute", AttributeRow, bundle.attributes)
    if bundle.events:
        params["event_kind"] = _array([kind for kind, _ in bundle.events])
        params["event_data"] = _array([data for _, data in bundle.events])
    return params


def _add_arrays(params: dict[str, Any], prefix: str, row: Any, rows: Any) -> None:
    for name, column in zip(row._fields, zip(*rows, strict=True), strict=True):
        params[f"{prefix}_{name}"] = _array(column)


def _add_lists(params: dict[str, Any], prefix: str, row: Any, rows: Any) -> None:
    # Few rows with empty places: psycopg may walk these.
    for name, column in zip(row._fields, zip(*rows, strict=True), strict=True):
        params[f"{prefix}_{name}"] = list(column)


def _array(column: Sequence[str | int]) -> str:
    """`column` as the text of an array.

    Given lists, psycopg 3.3 walks them in Python: 165 us a commit. JSON writes quotes and
    backslashes as the text of an array does; other escapes it has for what does not print.
    """
    if type(column[0]) is int or all(map(str.isprintable, column)):  # type: ignore[arg-type]
        return "{" + _json(column).decode()[1:-1] + "}"
    return (
        '{"'
        + '","'.join(
            [str(item).replace("\\", "\\\\").replace('"', '\\"') for item in column]
        )
        + '"}'
    )
