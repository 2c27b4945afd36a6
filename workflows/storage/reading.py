"""Fetching checkpoints: one with all that belongs to it in one statement, a page in three."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import DataError

from workflows.engine.errors import DamagedValueError
from workflows.storage.channels import Ref, spans_of
from workflows.storage.checkpoints import CheckpointRow
from workflows.storage.connections import POSTGRESQL, SQLITE, execute, ready
from workflows.storage.writes import Values, WriteRow, in_order

_CHECKPOINTS = (
    "SELECT namespace, id, parent, step, source, format, channels, due, metadata, rest,"
    " digest, thread_id FROM workflows_checkpoint"
)
_VALUES = {
    SQLITE: """
SELECT v.channel, v.checkpoint, v.kind, v.base, v.digest, v.payload
FROM json_each(%s) AS w CROSS JOIN workflows_channelvalue AS v
WHERE v.thread_id = %s AND v.namespace = %s
  AND v.channel = json_extract(w.value, '$[0]')
  AND v.checkpoint BETWEEN json_extract(w.value, '$[1]') AND json_extract(w.value, '$[2]')
  AND (v.checkpoint = json_extract(w.value, '$[1]')
       OR v.kind = 'delta')
""",
    POSTGRESQL: """
SELECT v.channel, v.checkpoint, v.kind, v.base, v.digest, v.payload
FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (channel, low, high)
CROSS JOIN LATERAL (
  SELECT * FROM workflows_channelvalue AS v
  WHERE v.thread_id = %s AND v.namespace = %s AND v.channel = w.channel
    AND v.checkpoint BETWEEN w.low AND w.high
    AND (v.checkpoint = w.low OR v.kind = 'delta') OFFSET 0) AS v
""",
}
_WRITES = {
    SQLITE: """
SELECT w.checkpoint, w.task, w.slot, w.path, w.digest, w.payload, w.values_at
FROM json_each(%s) AS given CROSS JOIN workflows_pendingwrite AS w
WHERE w.thread_id = %s AND w.namespace = %s AND w.checkpoint = given.value
""",
    POSTGRESQL: """
SELECT w.checkpoint, w.task, w.slot, w.path, w.digest, w.payload, w.values_at
FROM unnest(%s::text[]) AS given (id)
CROSS JOIN LATERAL (
  SELECT * FROM workflows_pendingwrite
  WHERE thread_id = %s AND namespace = %s AND checkpoint = given.id OFFSET 0) AS w
""",
}
# About OFFSET 0, here and below: so PostgreSQL looks by key for each row that is asked for. Without it a thread that has
# much more than most is walked over, where the statistics say that a thread has little. For the same reason it is
# asked for the last namespace behind this one, not for any: the order makes it take the index.

# One checkpoint with its value rows, its writes, and whether a namespace below has any: rows
# of the kinds 0 to 3. The map that says which values these are is taken apart in SQL.
_WHOLE = """
WITH head AS MATERIALIZED (
  SELECT {columns} FROM workflows_checkpoint
  WHERE thread_id = %s AND namespace = %s{named} ORDER BY id DESC LIMIT 1),
place AS (
  SELECT entry.key AS channel, {snapshot} AS snapshot,
    CASE {writer} WHEN '=' THEN head.id ELSE {writer} END AS high
  FROM head, json_each({channels}) AS entry),
span AS (
  SELECT channel, high, COALESCE(NULLIF(snapshot, ''), high) AS low FROM place WHERE high <> '')
SELECT 0, {columns} FROM head
UNION ALL SELECT 1, v.channel, v.checkpoint, 0, v.kind, 0, v.base, v.digest, v.payload, '', ''
{values}
UNION ALL SELECT 2, w.task, w.slot, 0, w.path, 0, w.digest, w.payload, w.values_at, '', ''
FROM workflows_pendingwrite AS w
WHERE w.thread_id = %s AND w.namespace = %s AND w.checkpoint = (SELECT id FROM head)
UNION ALL SELECT * FROM (
  SELECT 3, '', '', 0, '', 0, '', '', '', '', '' FROM workflows_checkpoint
  WHERE thread_id = %s AND namespace > %s ORDER BY namespace DESC LIMIT 1) AS below
"""
_VALUE_OF_SPAN = """v.thread_id = %s AND v.namespace = %s AND v.channel = span.channel
 AND v.checkpoint BETWEEN span.low AND span.high
 AND (v.checkpoint = span.low OR v.kind = 'delta')"""
_DIALECTS = {
    SQLITE: {
        "writer": "json_extract(entry.value, '$[1]')",
        "snapshot": "json_extract(entry.value, '$[2]')",
        "channels": "CASE json_valid(head.channels) WHEN 1 THEN head.channels ELSE '{}' END",
        "values": "FROM span CROSS JOIN workflows_channelvalue AS v ON "
        + _VALUE_OF_SPAN,
    },
    POSTGRESQL: {
        "writer": "entry.value ->> 1",
        "snapshot": "entry.value ->> 2",
        "channels": "head.channels::json",
        "values": "FROM span CROSS JOIN LATERAL (SELECT * FROM workflows_channelvalue AS v WHERE "  # noqa: S608
        + _VALUE_OF_SPAN
        + " OFFSET 0) AS v",
    },
}
_COLUMNS = ", ".join(CheckpointRow._fields)

# The same without value rows, of which a small state has none: on SQLite, where a statement
# costs what it does and not a way to a server, two thirds of that. The last column is -1 for
# the row of a write, else whether a namespace below has any.
_SHORT = """
SELECT {columns},
  EXISTS (SELECT 1 FROM workflows_checkpoint WHERE thread_id = ? AND namespace > ?)
FROM (SELECT {columns} FROM workflows_checkpoint
  WHERE thread_id = ? AND namespace = ? AND id {which})
UNION ALL SELECT w.task, w.slot, 0, w.path, 0, w.digest, w.payload, w.values_at, '', '', -1
FROM workflows_pendingwrite AS w
WHERE w.thread_id = ? AND w.namespace = ? AND w.checkpoint {which}"""
_NEWEST = (
    "= (SELECT max(id) FROM workflows_checkpoint WHERE thread_id = ? AND namespace = ?)"
)
_SHORT_NEWEST = _SHORT.format(columns=_COLUMNS, which=_NEWEST)
_SHORT_NAMED = _SHORT.format(columns=_COLUMNS, which="= ?")


@lru_cache(maxsize=8)
def _whole_sql(vendor: str, named: bool) -> str:
    return _WHOLE.format(
        columns=_COLUMNS, named=" AND id = %s" if named else "", **_DIALECTS[vendor]
    )


_BELOW = (
    "SELECT 1 FROM workflows_checkpoint WHERE thread_id = %s AND namespace > %s"
    " ORDER BY namespace DESC LIMIT 1"
)
_NO_VALUES: Values = MappingProxyType({})


class Whole(NamedTuple):
    """A checkpoint with all that belongs to it; `is_lone` where no namespace below has any."""

    row: CheckpointRow
    values: Values
    writes: list[WriteRow]
    is_lone: bool


Rows = list[tuple[Any, ...]]


def whole_rows(
    wrapper: Any, thread_id: str, namespace: str, checkpoint_id: str | None
) -> Rows:
    """The checkpoint of that id, or the newest of the namespace, raw, in one statement.

    Raises DamagedValueError where its channel map is no JSON.
    """
    place = (thread_id, namespace)
    named = (checkpoint_id,) if checkpoint_id else ()
    sql = _whole_sql(wrapper.vendor, bool(named))
    try:
        return execute(  # type: ignore[no-any-return]
            wrapper, sql, (*place, *named, *place, *place, *place)
        ).fetchall()
    except DataError as error:
        raise DamagedValueError(
            f"thread {thread_id!r}: the channel map of a checkpoint is damaged; restore the "
            "row from a backup or go back to an earlier checkpoint"
        ) from error


def whole(rows: Rows) -> Whole | None:
    """What the rows of `whole_rows` say."""
    head = None
    values: dict[tuple[str, str], Sequence[str]] = {}
    writes = []
    is_lone = True
    for row in rows:
        kind = row[0]
        if kind == 1:
            values[row[1], row[2]] = (row[4], row[6], row[7], row[8])
        elif kind == 2:
            writes.append(WriteRow(row[1], row[2], row[4], row[6], row[7], row[8]))
        elif kind == 0:
            head = CheckpointRow(*row[1:])
        else:
            is_lone = False
    if head is None:
        return None
    if len(writes) > 1:
        writes.sort(key=in_order)
    return Whole(head, values, writes, is_lone)


def short(
    wrapper: Any, thread_id: str, namespace: str, checkpoint_id: str | None
) -> Rows:
    """The checkpoint and its writes, raw, for `from_short`; on SQLite only."""
    connection = ready(wrapper)
    # Each place by itself: Python 3.12.0 to 3.12.3 take numbered parameters for named ones.
    place = (thread_id, namespace)
    with wrapper.wrap_database_errors:
        if checkpoint_id:
            named = (*place, *place, checkpoint_id, *place, checkpoint_id)
            return connection.execute(_SHORT_NAMED, named).fetchall()  # type: ignore[no-any-return]
        return connection.execute(_SHORT_NEWEST, place * 5).fetchall()  # type: ignore[no-any-return]


def from_short(rows: Rows) -> Whole | None:
    """What the rows of `short` say; its values are for the caller to fetch."""
    head = None
    writes = []
    is_lone = True
    for row in rows:
        if row[10] < 0:
            writes.append(WriteRow(row[0], row[1], row[3], row[5], row[6], row[7]))
        else:
            head = CheckpointRow(*row[:10])
            is_lone = not row[10]
    if head is None:
        return None
    if len(writes) > 1:
        writes.sort(key=in_order)
    return Whole(head, _NO_VALUES, writes, is_lone)


def has_below(wrapper: Any, thread_id: str, namespace: str) -> bool:
    """Whether a namespace that sorts after this one, as all below it do, has checkpoints."""
    return execute(wrapper, _BELOW, (thread_id, namespace)).fetchone() is not None


def newest(
    wrapper: Any, thread_id: str, namespace: str, checkpoint_id: str | None
) -> CheckpointRow | None:
    """The checkpoint of that id, or the newest of the namespace."""
    sql = f"{_CHECKPOINTS} WHERE thread_id = %s AND namespace = %s"
    params = [thread_id, namespace]
    if checkpoint_id:
        sql += " AND id = %s"
        params.append(checkpoint_id)
    sql += " ORDER BY id DESC LIMIT 1"
    found = execute(wrapper, sql, params).fetchone()
    return CheckpointRow(*found[1:11]) if found else None


def page(
    wrapper: Any,
    where: Mapping[str, str],
    before: str | None,
    limit: int,
    after: Sequence[str] = (),
    named: str = "",
) -> list[tuple[str, str, CheckpointRow]]:
    """Up to `limit` (thread id, namespace, row), newest first by id.

    `where` maps columns (thread_id, namespace, id) to what they must equal; `after` is
    (id, thread id, namespace) of the last row of the page before. Ids alone do not tell
    rows apart: a copied thread has those of its source. `named`, letters and digits, stands in their metadata.
    """
    terms = [f"{column} = %s" for column in where]
    params: list[Any] = [*where.values()]
    if before:
        terms.append("id < %s")
        params.append(before)
    if after:
        terms.append("(id < %s OR (id = %s AND (thread_id, namespace) > (%s, %s)))")
        params += [after[0], *after]
    if named:
        terms.append("metadata LIKE %s")
        params.append(f"%{named}%")
    sql = _CHECKPOINTS
    if terms:
        sql += " WHERE " + " AND ".join(terms)
    sql += " ORDER BY id DESC, thread_id, namespace LIMIT %s"
    rows = execute(wrapper, sql, [*params, limit]).fetchall()
    return [(row[11], row[0], CheckpointRow(*row[1:11])) for row in rows]


def values_of(
    wrapper: Any,
    thread_id: str,
    namespace: str,
    maps: Iterable[Mapping[str, Ref]],
    single: Iterable[tuple[str, str]] = (),
) -> Values:
    """Every value row that the channel `maps` need: (channel, writer) -> the rest.

    `single` names further rows by channel and writer.
    """
    wanted = spans_of(maps, single)
    if not wanted:
        return {}
    if wrapper.vendor == SQLITE:
        params: list[Any] = [json.dumps(wanted)]
    else:
        params = [list(column) for column in zip(*wanted, strict=True)]
    rows = execute(
        wrapper, _VALUES[wrapper.vendor], [*params, thread_id, namespace]
    ).fetchall()
    return {(row[0], row[1]): row[2:] for row in rows}


def writes_of(
    wrapper: Any, thread_id: str, namespace: str, checkpoints: Sequence[str]
) -> dict[str, list[WriteRow]]:
    """The pending writes by checkpoint id, in the order of R4.6."""
    named: Any = [*checkpoints]
    if wrapper.vendor == SQLITE:
        named = json.dumps(named)
    rows = execute(
        wrapper, _WRITES[wrapper.vendor], [named, thread_id, namespace]
    ).fetchall()
    found: dict[str, list[WriteRow]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(WriteRow(*row[1:]))
    for writes in found.values():
        writes.sort(key=in_order)
    return found
