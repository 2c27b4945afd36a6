"""What a `SqliteSaver` reads: one checkpoint, or a history page by page."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from workflows.engine.checkpoint.base import (
    CheckpointTuple,
    Config,
)
from workflows.engine.checkpoint.shapes import (
    Looked,
    check_listing,
)
from workflows.engine.drivers.threads import hop
from workflows.storage.async_twins import AsyncTwins
from workflows.storage.channels import Ref, spans_of
from workflows.storage.checkpoints import (
    CheckpointRow,
    checkpoint_tuple,
    conditions,
    matches,
    named_in,
    verified_refs,
)
from workflows.storage.file.tables import ended_rows
from workflows.storage.row_saver import address
from workflows.storage.turns import LOCKED, Turns
from workflows.storage.values import Memory
from workflows.storage.writes import Values, WriteRow, in_order, places_of, read_rows

_PAGE = 100
_COLUMNS = ", ".join(CheckpointRow._fields)
# Rows of three kinds, told apart by the last column: the checkpoint (whether a namespace below has any), what
# tasks saved by themselves (-1), and what ended with the steps made from it (-2).
_ONE = f"""
SELECT {_COLUMNS}, EXISTS (
  SELECT 1 FROM durableweb_checkpoint WHERE thread_id = ? AND namespace > ?)
FROM durableweb_checkpoint WHERE thread_id = ? AND namespace = ? AND id {{which}}
UNION ALL SELECT task, slot, 0, path, 0, digest, payload, values_at, '', '', -1
FROM durableweb_write WHERE thread_id = ? AND namespace = ? AND checkpoint {{which}}"""  # noqa: S608
_NEWEST = _ONE.format(
    which="= (SELECT max(id) FROM durableweb_checkpoint WHERE thread_id = ? AND namespace = ?)"
)
_ENDED = """
UNION ALL SELECT ended, '', 0, '', 0, '', '', '', '', '', -2 FROM durableweb_checkpoint
WHERE thread_id = ? AND namespace = ? AND id > ? AND parent = ? AND ended <> ''"""
_NAMED = _ONE.format(which="= ?") + _ENDED


def _of_named(thread_id: str, namespace: str, id: str) -> tuple[str, ...]:
    """The parameters of `_NAMED`. Numbered ones are taken for names by Python 3.12.0 to 3.12.3."""
    place = thread_id, namespace
    return *place, *place, id, *place, id, *place, id, id


_VALUES = """
SELECT v.channel, v.checkpoint, v.kind, v.base, v.digest, v.payload
FROM json_each(?) AS w CROSS JOIN durableweb_value AS v
WHERE v.thread_id = ? AND v.namespace = ?
  AND v.channel = json_extract(w.value, '$[0]')
  AND v.checkpoint BETWEEN json_extract(w.value, '$[1]') AND json_extract(w.value, '$[2]')
  AND (v.checkpoint = json_extract(w.value, '$[1]') OR v.kind = 'delta')"""
_WRITES = """
SELECT w.checkpoint, w.task, w.slot, w.path, w.digest, w.payload, w.values_at
FROM json_each(?) AS given CROSS JOIN durableweb_write AS w
WHERE w.thread_id = ? AND w.namespace = ? AND w.checkpoint = given.value"""
_PAGES = f"SELECT thread_id, namespace, ended, {_COLUMNS} FROM durableweb_checkpoint"  # noqa: S608

Place = tuple[str, str]  # thread, namespace
Writes = dict[str, list[WriteRow]]  # by checkpoint


class FileReader(AsyncTwins):
    """Reads checkpoints over `conn`, which all threads share, one at a time."""

    tells_sameness = True
    conn: sqlite3.Connection
    _turns: Turns
    _memory: Memory

    async def _hop(self, function: Callable[[], Any]) -> Any:
        return await hop(function)

    def _line(self) -> Hashable:
        return self._turns

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the head), or None."""
        thread_id, namespace, checkpoint_id = address(config)
        place = thread_id, namespace
        with self._held() as connection:
            rows = connection.execute(
                _NAMED if checkpoint_id else _NEWEST,
                _of_named(*place, checkpoint_id) if checkpoint_id else place * 5,
            ).fetchall()
            head = None
            writes: dict[tuple[str, str], WriteRow] = {}
            is_lone = True
            for row in rows:
                if row[10] >= 0:
                    head, is_lone = CheckpointRow(*row[:10]), not row[10]
                elif row[10] == -1:
                    known = WriteRow(row[0], row[1], row[3], *row[5:8])
                    writes[known.task, known.slot] = known
                else:
                    _add(writes, ended_rows(row[0]))
            if head is None:
                return None
            return self._built(place, head, writes.values(), is_lone=is_lone)

    def get_if_changed(self, config: Config, known: Any) -> Looked:
        """What `get_tuple` gives, with a sign; nothing is read where nothing in the file has changed."""
        with self._held() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            sign = version, connection.total_changes
            if sign == known:
                return Looked(sign, None, True)
            return Looked(sign, self.get_tuple(config))

    def head(self, thread_id: str) -> str | None:
        """The id of the newest checkpoint of the root namespace, or None."""
        with self._held() as connection:
            sql = "SELECT max(id) FROM durableweb_checkpoint WHERE thread_id = ? AND namespace = ''"
            found: str | None = connection.execute(sql, (str(thread_id),)).fetchone()[0]
            return found

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first by id; without a namespace in `config`, of all of them."""
        check_listing(filter, limit)
        where, older_than = conditions(config, before)
        ended: dict[Place, Writes] = defaultdict(dict)
        with self._held() as connection:
            for *place, parent, text in _newer(connection, where, older_than):
                _note(ended[place[0], place[1]], parent, text)
        named = named_in(self.serde, filter)
        last: tuple[str, ...] = ()
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None or filter else min(left, _PAGE)
            with self._held() as connection:
                page = _page(connection, where, older_than, last, size)
                found = self._tuples(page, ended, named)
            for item in found:
                if filter and not matches(item.metadata, filter):
                    continue
                yield item
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
            if len(page) < size:
                return
            last = (page[-1].row.id, page[-1].thread_id, page[-1].namespace)

    def _tuples(
        self, page: Sequence[_Listed], ended: dict[Place, Writes], named: str
    ) -> Sequence[CheckpointTuple]:
        """The checkpoints of a page whose metadata have `named`. Children come before their parents, and leave them what has ended."""
        alone = self._alone(page)
        found = []
        for each in page:
            place = each.thread_id, each.namespace
            writes = {
                (row.task, row.slot): row for row in alone[place].get(each.row.id, ())
            }
            _add(writes, ended[place].pop(each.row.id, ()))
            if named in each.row.metadata:
                found.append(self._built(place, each.row, writes.values()))
            _note(ended[place], each.row.parent, each.ended)
        return found

    def _alone(self, page: Iterable[_Listed]) -> dict[Place, Writes]:
        """What tasks saved by themselves."""
        wanted: dict[Place, list[str]] = defaultdict(list)
        for each in page:
            wanted[each.thread_id, each.namespace].append(each.row.id)
        found: dict[Place, Writes] = defaultdict(dict)
        for place, ids in wanted.items():
            params = (json.dumps(ids), *place)
            for checkpoint, *row in self.conn.execute(_WRITES, params):
                found[place].setdefault(checkpoint, []).append(WriteRow(*row))
        return found

    def _built(
        self,
        place: Place,
        row: CheckpointRow,
        writes: Iterable[WriteRow],
        *,
        is_lone: bool = False,
    ) -> CheckpointTuple:
        thread_id, namespace = place
        refs = verified_refs(row, thread_id)
        ordered = sorted(writes, key=in_order)
        read = read_rows(self.serde, ordered, thread_id, row.id)
        values = self._values(place, refs, places_of(read))
        found, lists = checkpoint_tuple(
            self.serde, thread_id, namespace, row, refs, values, read, is_lone=is_lone
        )
        memory = self._memory.of(thread_id)
        known = memory.maps.get(namespace)
        if known is None or known[0] <= row.id:
            memory.note(namespace, row.id, refs, lists)
        return found

    def _values(
        self, place: Place, refs: Mapping[str, Ref], single: Iterable[tuple[str, str]]
    ) -> Values:
        wanted = spans_of([refs], single)
        if not wanted:
            return {}
        rows = self.conn.execute(_VALUES, (json.dumps(wanted), *place)).fetchall()
        return {(row[0], row[1]): row[2:] for row in rows}

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        """The connection, while no other thread uses it. Raises sqlite3.OperationalError."""
        if not self._turns.take():
            raise sqlite3.OperationalError(LOCKED)
        try:
            yield self.conn
        finally:
            self._turns.give_back()


class _Listed(NamedTuple):
    """A row of a listing, and where it stands."""

    thread_id: str
    namespace: str
    ended: str
    row: CheckpointRow


def _add(writes: dict[tuple[str, str], WriteRow], rows: Iterable[WriteRow]) -> None:
    for row in rows:
        writes[row.task, row.slot] = row


def _note(ended: Writes, parent: str, text: str) -> None:
    if text:
        ended.setdefault(parent, []).extend(ended_rows(text))


def _newer(
    connection: sqlite3.Connection, where: Mapping[str, str], older_than: str | None
) -> Iterable[tuple[Any, ...]]:
    """What ended with steps that a listing leaves out, of checkpoints that it may show."""
    cut = max(older_than or "", where.get("id", ""))
    if not cut:
        return ()
    terms = [f"{column} = ?" for column in where if column != "id"]
    params = [value for column, value in where.items() if column != "id"]
    sql = " AND ".join([*terms, "id >= ?", "parent <= ?", "ended <> ''"])
    return connection.execute(
        f"SELECT thread_id, namespace, parent, ended FROM durableweb_checkpoint WHERE {sql}",  # noqa: S608
        (*params, cut, cut),
    ).fetchall()


def _page(
    connection: sqlite3.Connection,
    where: Mapping[str, str],
    older_than: str | None,
    after: Sequence[str],
    size: int,
) -> Sequence[_Listed]:
    terms = [f"{column} = ?" for column in where]
    params: list[Any] = [*where.values()]
    if older_than:
        terms.append("id < ?")
        params.append(older_than)
    if (
        after
    ):  # ids alone do not tell rows apart: a copied thread has those of its source
        terms.append("(id < ? OR (id = ? AND (thread_id, namespace) > (?, ?)))")
        params += [after[0], *after]
    sql = _PAGES + (" WHERE " + " AND ".join(terms) if terms else "")
    sql += " ORDER BY id DESC, thread_id, namespace LIMIT ?"
    rows = connection.execute(sql, (*params, size)).fetchall()
    return [_Listed(row[0], row[1], row[2], CheckpointRow(*row[3:])) for row in rows]
