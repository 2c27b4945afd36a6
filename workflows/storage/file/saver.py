"""A saver over a SQLite file of its own: for scripts, notebooks and tests, without Django.

It keeps the same rows as the dashboard's saver (`checkpoints.py`) and none of what only the dashboard needs. The
usual step is one statement that changes one row, and waits for the disk once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any, Self

from workflows.engine.attributes import Attributes, check_number
from workflows.engine.checkpoint.base import (
    Commit,
    Place,
)
from workflows.engine.checkpoint.taking import never_cancels
from workflows.engine.errors import LeaseLostError
from workflows.engine.kinds import check_offers
from workflows.engine.serde import Serde
from workflows.engine.serde import default as default_serde
from workflows.storage.channels import Ref, refs_of
from workflows.storage.checkpoints import Made, check_place, made_of
from workflows.storage.file.tables import connect, ended_text, prepare
from workflows.storage.file.upkeep import Upkeep
from workflows.storage.log_room import LogRoom
from workflows.storage.row_saver import RowSaver
from workflows.storage.savings import Saving
from workflows.storage.turns import Turns, Wish
from workflows.storage.values import Memory
from workflows.storage.writes import WriteRow, Written, write_rows

_MOVED = "SELECT 1 FROM durableweb_checkpoint WHERE thread_id = ? AND namespace = '' AND id > ?"
_CHECKPOINT = (
    "INSERT{replace} INTO durableweb_checkpoint SELECT "
    + ", ".join("?" * 13)
    + f" WHERE NOT EXISTS ({_MOVED})"
)
_CHECKPOINT_NEW = _CHECKPOINT.format(replace="")
_CHECKPOINT_AGAIN = _CHECKPOINT.format(replace=" OR REPLACE")
_WRITE = (
    "INSERT OR REPLACE INTO durableweb_write SELECT "
    + ", ".join("?" * 9)
    + f" WHERE NOT EXISTS ({_MOVED})"
)
_VALUE = "INSERT OR REPLACE INTO durableweb_value VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PARENT = "SELECT channels FROM durableweb_checkpoint WHERE thread_id = ? AND namespace = ? AND id = ?"
_NAMES = "SELECT name FROM durableweb_attribute WHERE thread_id = ?"
_SET = "INSERT OR REPLACE INTO durableweb_attribute VALUES (?, ?, ?)"
_UNSET = "DELETE FROM durableweb_attribute WHERE thread_id = ? AND name = ?"
_ANY = "\U0010ffff"  # sorts after every id: whoever has no place may write at any


class SqliteSaver(RowSaver, Upkeep):
    """Keeps checkpoints in a SQLite file; `conn` is a connection of the `sqlite3` module.

    Every thread and event loop of the process may use it. Threads that save at the same time wait for the disk
    together. The connection needs `check_same_thread=False` where more than one thread uses the saver; it is put into WAL
    mode, waits for the disk at each commit, and is not closed by the saver.

    Another process may read the file at any time. A thread is held by one run of one process: a second process that
    saves on it meanwhile is not kept from it, but one of the two is refused with LeaseLostError, and nothing of that
    saving is kept.
    """

    def __init__(self, conn: sqlite3.Connection, *, serde: Serde | None = None) -> None:
        wanted = "a durableweb Serde"
        check_offers(serde, "SqliteSaver", "serde", (("dumps", "loads"),), wanted)
        super().__init__(serde=serde or default_serde)
        prepare(conn)
        self.conn = conn
        self.looked_at: dict[Any, Any] = {}
        self._turns = Turns(LogRoom())
        self._memory = Memory()
        self._floors: dict[str, str] = {}

    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string: str | PathLike[str]) -> Iterator[Self]:
        """A saver over the file of that path (":memory:": none), which is closed at the end."""
        connection = connect(conn_string)
        try:
            yield cls(connection)
        finally:
            connection.close()

    def setup(self) -> None:
        """Nothing is left to do: the tables are made with the saver."""

    # writing

    def attributes_of(self, thread_id: str) -> dict[str, Any]:
        """The attributes of a thread, by name."""
        sql = "SELECT name, value FROM durableweb_attribute WHERE thread_id = ? ORDER BY name"
        with self._held() as connection:
            rows = connection.execute(sql, (str(thread_id),)).fetchall()
        return {name: self.serde.loads(value) for name, value in rows}

    def _saving(self, commit: Commit, *, replace: bool = False) -> Saving[None]:
        thread_id = commit.thread_id
        check_place(thread_id, commit.namespace)
        memory = self._memory.of(thread_id)
        try:
            made = None
            written = None
            if commit.checkpoint is not None:
                written = Written(commit.checkpoint["id"])
                made = made_of(
                    self.serde,
                    commit,
                    commit.checkpoint,
                    self._map_before(commit, memory),
                    memory.lists,
                    written,
                    replace=replace,
                )
            writes = [
                row
                for task in commit.writes
                for row in write_rows(self.serde, task, written)
            ]
            wish = self._wish(commit, made, writes, replace=replace)
            if (yield wish) is None:
                raise LeaseLostError(self._run_of(thread_id), 0)
        except BaseException:
            self._memory.forget(thread_id)  # what it says may not be in the file
            raise
        if made is not None:
            memory.note(commit.namespace, made.row.id, made.refs, made.lists)
            if not commit.namespace and thread_id in self._floors:
                self._floors[thread_id] = max(self._floors[thread_id], made.row.id)

    def _write(self, wish: Wish) -> int | None:
        return self._turns.write(self.conn, wish)

    def _write_all(self, wishes: Sequence[Wish]) -> None:
        try:
            self._turns.write_all(self.conn, wishes)
        except BaseException as error:  # noqa: BLE001 - each saving raises it
            for wish in wishes:
                wish.error = wish.error or error

    def _wish(
        self,
        commit: Commit,
        made: Made | None,
        writes: Sequence[WriteRow],
        *,
        replace: bool,
    ) -> Wish:
        place = commit.thread_id, commit.namespace
        fence = commit.thread_id, self._floors.get(commit.thread_id, _ANY)
        parent = commit.parent_id or ""
        first: list[tuple[str, tuple[Any, ...]]] = []  # refused where the fence is
        more: list[tuple[str, tuple[Any, ...]]] = []
        if made is not None:
            sql = _CHECKPOINT_AGAIN if replace else _CHECKPOINT_NEW
            first.append((sql, (*place, *made.row, ended_text(writes), *fence)))
            own = made.row.id
            for channel, *value in made.values:
                more.append((_VALUE, (*place, channel, own, *value)))
        else:
            first += [(_WRITE, (*place, parent, *row, *fence)) for row in writes]
        change = commit.attributes
        texts = self._attribute_texts(change) if change else {}
        relaxed = commit.durability == "async" and not commit.last
        alone = len(first) == 1 and not more and not change

        def rows(connection: sqlite3.Connection) -> int | None:
            execute = connection.execute
            for sql, params in first:
                if not execute(sql, params).rowcount:
                    return None
            for sql, params in more:
                execute(sql, params)
            if change:
                self._set_attributes(execute, commit.thread_id, change, texts)
            return 1

        return Wish(rows, relaxed=relaxed or commit.is_followed, is_one_statement=alone)

    def _attribute_texts(self, change: Attributes) -> dict[str, str]:
        return {
            name: self.serde.dumps(value, f"$.{name}")
            for name, value in change.items()
            if value is not None
        }

    def _set_attributes(
        self,
        execute: Callable[..., Any],
        thread_id: str,
        change: Attributes,
        texts: Mapping[str, str],
    ) -> None:
        known = [name for (name,) in execute(_NAMES, (thread_id,))]
        check_number(change, known, f"thread {thread_id!r}")
        for name in change:
            if name in texts:
                execute(_SET, (thread_id, name, texts[name]))
            else:
                execute(_UNSET, (thread_id, name))

    def _map_at(
        self, thread_id: str, namespace: str, checkpoint_id: str
    ) -> Mapping[str, Ref]:
        with self._held() as connection:
            row = connection.execute(
                _PARENT, (thread_id, namespace, checkpoint_id)
            ).fetchone()
        return refs_of(row[0], checkpoint_id) if row else {}

    # holding a thread

    @never_cancels
    def open(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Take the thread for one run of this process (RA.1)."""
        check_place(thread_id)
        place = super().open(thread_id, expected_head, owner)
        try:
            self._memory.forget(thread_id)  # another process may have gone on with it
            self._floors[thread_id] = self.head(thread_id) or ""
        except BaseException:
            super().close(place)
            raise
        return place

    def close(self, place: Place, outcome: str = "success") -> None:
        """Give the thread back."""
        if self._live_place(place.thread_id) is place:
            self._floors.pop(place.thread_id, None)
        super().close(place, outcome)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`, which touches no file."""
        self.close(place, outcome)

    def _live_place(self, thread_id: str) -> Place | None:
        live: dict[str, Place] = self.__dict__.get("_live", {})
        return live.get(thread_id)

    def _run_of(self, thread_id: str) -> str:
        place = self._live_place(thread_id)
        return place.run_id if place is not None else "local"


class AsyncSqliteSaver(SqliteSaver):
    """The same saver, opened by `async with AsyncSqliteSaver.from_conn_string(path)`."""

    @classmethod
    def from_conn_string(cls, conn_string: str | PathLike[str]) -> Any:
        """A saver over the file of that path, for an `async with` (or a `with`)."""
        return _Opened(cls, conn_string)

    async def setup(self) -> None:  # type: ignore[override]
        """Nothing is left to do: the tables are made with the saver."""


class _Opened:
    """Opens a saver in a `with` of either kind."""

    def __init__(
        self, saver: type[SqliteSaver], conn_string: str | PathLike[str]
    ) -> None:
        self._saver = saver
        self._path = conn_string
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> SqliteSaver:
        self._connection = connect(self._path)
        return self._saver(self._connection)

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    async def __aenter__(self) -> SqliteSaver:
        return self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__(*error)
