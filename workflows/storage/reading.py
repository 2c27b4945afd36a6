"""Fetching checkpoints with their values and writes: three statements at any number."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workflows.storage.connections import POSTGRESQL, SQLITE, execute
from workflows.storage.rows import CheckpointRow, WriteRow
from workflows.storage.values import Ref

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
       OR v.snapshot = json_extract(w.value, '$[1]'))
""",
    POSTGRESQL: """
SELECT v.channel, v.checkpoint, v.kind, v.base, v.digest, v.payload
FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (channel, low, high)
JOIN workflows_channelvalue AS v
  ON v.thread_id = %s AND v.namespace = %s AND v.channel = w.channel
 AND v.checkpoint BETWEEN w.low AND w.high
 AND (v.checkpoint = w.low OR v.snapshot = w.low)
""",
}

Values = Mapping[tuple[str, str], Sequence[str]]


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
) -> list[tuple[str, str, CheckpointRow]]:
    """Up to `limit` (thread id, namespace, row), newest first by id.

    `where` maps columns (thread_id, namespace, id) to what they must equal; `after` is
    (id, thread id, namespace) of the last row of the page before. Ids alone do not tell
    rows apart: a copied thread has those of its source.
    """
    terms = [f"{column} = %s" for column in where]
    params: list[Any] = [*where.values()]
    if before:
        terms.append("id < %s")
        params.append(before)
    if after:
        terms.append("(id < %s OR (id = %s AND (thread_id, namespace) > (%s, %s)))")
        params += [after[0], *after]
    sql = _CHECKPOINTS
    if terms:
        sql += " WHERE " + " AND ".join(terms)
    sql += " ORDER BY id DESC, thread_id, namespace LIMIT %s"
    rows = execute(wrapper, sql, [*params, limit]).fetchall()
    return [(row[11], row[0], CheckpointRow(*row[1:11])) for row in rows]


def values_of(
    wrapper: Any, thread_id: str, namespace: str, maps: Iterable[Mapping[str, Ref]]
) -> Values:
    """Every value row that the channel `maps` need: (channel, writer) -> the rest."""
    highest: dict[tuple[str, str], str] = {}
    for refs in maps:
        for channel, ref in refs.items():
            if ref.writer:
                key = (channel, ref.snapshot or ref.writer)
                if highest.get(key, "") < ref.writer:
                    highest[key] = ref.writer
    if not highest:
        return {}
    wanted = [(channel, low, high) for (channel, low), high in highest.items()]
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
    marks = ", ".join(["%s"] * len(checkpoints))
    rows = execute(
        wrapper,
        "SELECT checkpoint, task, slot, path, digest, payload FROM workflows_pendingwrite"  # noqa: S608
        f" WHERE thread_id = %s AND namespace = %s AND checkpoint IN ({marks})",
        [thread_id, namespace, *checkpoints],
    ).fetchall()
    found: dict[str, list[WriteRow]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(WriteRow(*row[1:]))
    for writes in found.values():
        # Sorted here: the two databases do not collate alike.
        writes.sort(key=lambda write: (write.path, write.task, write.slot))
    return found
