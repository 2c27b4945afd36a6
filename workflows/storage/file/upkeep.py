"""What a `SqliteSaver` does with whole threads: removing, copying, labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import Config, Place, checkpoint_config
from workflows.engine.checkpoint.labels import Label, label_text
from workflows.engine.checkpoint.shapes import several_ids, thread_named_by
from workflows.engine.errors import CheckpointNotFoundError, ThreadBusyError
from workflows.storage.channels import refs_of
from workflows.storage.checkpoints import check_place
from workflows.storage.file.reader import FileReader
from workflows.storage.file.tables import ended_rows

_STEP = "thread_id = ? AND namespace = ? AND id = ?"
_OF_STEP = "thread_id = ? AND namespace = ? AND checkpoint = ?"
_STRATEGIES = ("keep_latest", "delete")
_COPIED = {
    "checkpoint": "namespace, id, parent, step, source, format, channels, due, metadata, rest, digest, ended",
    "value": "namespace, channel, checkpoint, kind, base, digest, payload",
    "write": "namespace, checkpoint, task, slot, path, digest, payload, values_at",
    "label": "namespace, checkpoint, text, set_by, set_at",
    "attribute": "name, value",
}
Execute = Callable[..., Any]
Step = tuple[str, str, str]  # thread, namespace, checkpoint


class Upkeep(FileReader):
    """The part of the saver that removes, copies and labels."""

    _live_place: Callable[[str], Place | None]

    def delete_thread(self, thread_id: str) -> None:
        """Remove everything of one thread, in every namespace."""
        with self._writing() as execute:
            _delete(execute, str(thread_id))
        self._memory.forget(str(thread_id))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Give a new thread the whole history of another one."""
        source, target = str(source_thread_id), str(target_thread_id)
        check_place(target)
        with self._writing() as execute:
            if _exists(execute, target):
                raise ValueError(
                    f"thread {target!r} exists already; copy to a new thread id"
                )
            if not _exists(execute, source):
                raise ValueError(
                    f"thread {source!r} does not exist; nothing was copied"
                )
            for table, columns in _COPIED.items():
                execute(
                    f"INSERT INTO durableweb_{table} (thread_id, {columns})"  # noqa: S608
                    f" SELECT ?, {columns} FROM durableweb_{table} WHERE thread_id = ?",
                    (target, source),
                )
        self._memory.forget(target)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints whose metadata name one of these runs as `run_id`."""
        wanted = set(several_ids(run_ids, "run_ids"))
        touched: dict[str, list[tuple[str, str]]] = defaultdict(list)
        with self._writing() as execute:
            rows = execute(
                "SELECT thread_id, namespace, id, metadata FROM durableweb_checkpoint"
                " WHERE metadata LIKE '%\"run_id\"%'"
            ).fetchall()
            for thread_id, namespace, id, metadata in rows:
                if str(self.serde.loads(metadata).get("run_id")) in wanted:
                    touched[thread_id].append((namespace, id))
            for thread_id, gone in touched.items():
                _remove(execute, thread_id, gone)
        for thread_id in touched:
            self._memory.forget(thread_id)

    def prune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Keep only the head of each namespace and what is labelled, or with "delete" nothing.

        Raises ThreadBusyError, before anything is removed, while a run of this process holds a thread.
        """
        if strategy not in _STRATEGIES:
            raise ValueError(
                f"prune strategy {strategy!r} is neither 'keep_latest' nor 'delete'"
            )
        named = several_ids(thread_ids, "thread_ids")
        for thread_id in named:
            holder = self._live_place(thread_id)
            if holder is not None:
                raise ThreadBusyError(holder.run_id, holder.since, thread_id=thread_id)
        with self._writing() as execute:
            for thread_id in named:
                if strategy == "delete":
                    _delete(execute, thread_id)
                else:
                    _remove(execute, thread_id, _superseded(execute, thread_id))
        for thread_id in named:
            self._memory.forget(thread_id)

    # labels

    def set_label(self, config: Config, text: str, by: str = "") -> Label:
        """Label the checkpoint at `config` (its `checkpoint_id`, else the head)."""
        text = label_text(text)
        with self._writing() as execute:
            step = _step_at(execute, config)
            now = ids.now().isoformat()
            execute(
                "INSERT OR IGNORE INTO durableweb_label VALUES (?, ?, ?, ?, ?, ?)",
                (*step, text, by, now),
            )
            by, at = execute(
                f"SELECT set_by, set_at FROM durableweb_label WHERE {_OF_STEP} AND text = ?",  # noqa: S608
                (*step, text),
            ).fetchone()
        return Label(text, checkpoint_config(*step), by, datetime.fromisoformat(at))

    def remove_label(
        self, config: Config, text: str | None = None, by: str = ""
    ) -> int:
        """Take one label, or with None all, off a checkpoint; returns how many went."""
        text = None if text is None else label_text(text)
        with self._writing() as execute:
            step = _step_at(execute, config)
            found: int = execute(
                f"DELETE FROM durableweb_label WHERE {_OF_STEP} AND text = COALESCE(?, text)",  # noqa: S608
                (*step, text),
            ).rowcount
        return found

    def labels(self, thread_id: str) -> Sequence[Label]:
        """The labels of a thread in all namespaces, the newest checkpoint first."""
        with self._held() as connection:
            rows = connection.execute(
                "SELECT namespace, checkpoint, text, set_by, set_at FROM durableweb_label"
                " WHERE thread_id = ? ORDER BY checkpoint DESC, rowid",
                (str(thread_id),),
            ).fetchall()
        return [
            Label(
                text,
                checkpoint_config(str(thread_id), namespace, id),
                by,
                datetime.fromisoformat(at),
            )
            for namespace, id, text, by, at in rows
        ]

    @contextmanager
    def _writing(self) -> Iterator[Execute]:
        """A transaction: all of it, or nothing where the block raises."""
        with self._held() as connection:
            execute = connection.execute
            execute("BEGIN IMMEDIATE")
            try:
                yield execute
                execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    execute("ROLLBACK")
                raise


def _exists(execute: Execute, thread_id: str) -> bool:
    return any(
        execute(
            f"SELECT 1 FROM durableweb_{table} WHERE thread_id = ? LIMIT 1",  # noqa: S608
            (thread_id,),
        ).fetchone()
        for table in ("checkpoint", "write")
    )


def _delete(execute: Execute, thread_id: str) -> None:
    for table in _COPIED:
        execute(f"DELETE FROM durableweb_{table} WHERE thread_id = ?", (thread_id,))  # noqa: S608


def _step_at(execute: Execute, config: Config) -> Step:
    conf = thread_named_by(config)
    thread_id, namespace = str(conf["thread_id"]), conf.get("checkpoint_ns") or ""
    named = str(conf.get("checkpoint_id") or "")
    (found,) = execute(
        "SELECT max(id) FROM durableweb_checkpoint"
        " WHERE thread_id = ? AND namespace = ? AND ? IN ('', id)",
        (thread_id, namespace, named),
    ).fetchone()
    if found is None:
        raise CheckpointNotFoundError(thread_id, named)
    return thread_id, namespace, found


def _superseded(execute: Execute, thread_id: str) -> Sequence[tuple[str, str]]:
    """Namespace and id of the checkpoints that are neither a head nor labelled."""
    found: list[tuple[str, str]] = execute(
        "SELECT namespace, id FROM durableweb_checkpoint AS c WHERE thread_id = ?"
        " AND id < (SELECT max(id) FROM durableweb_checkpoint"
        " WHERE thread_id = c.thread_id AND namespace = c.namespace)"
        " AND NOT EXISTS (SELECT 1 FROM durableweb_label AS l WHERE l.thread_id = c.thread_id"
        " AND l.namespace = c.namespace AND l.checkpoint = c.id)",
        (thread_id,),
    ).fetchall()
    return found


def _remove(execute: Execute, thread_id: str, gone: Sequence[tuple[str, str]]) -> None:
    """Remove checkpoints; what ended with them stays known of those they were made from."""
    unwanted = set(gone)
    for namespace, id in gone:
        place = thread_id, namespace, id
        parent, ended = execute(
            f"SELECT parent, ended FROM durableweb_checkpoint WHERE {_STEP}",  # noqa: S608
            place,
        ).fetchone()
        if ended and (namespace, parent) not in unwanted:
            for row in ended_rows(ended):
                execute(
                    "INSERT OR REPLACE INTO durableweb_write VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (thread_id, namespace, parent, *row),
                )
    for namespace, id in gone:
        place = thread_id, namespace, id
        execute(f"DELETE FROM durableweb_checkpoint WHERE {_STEP}", place)  # noqa: S608
        execute(f"DELETE FROM durableweb_write WHERE {_OF_STEP}", place)  # noqa: S608
        execute(f"DELETE FROM durableweb_label WHERE {_OF_STEP}", place)  # noqa: S608
    _remove_unused_values(execute, thread_id)


def _remove_unused_values(execute: Execute, thread_id: str) -> None:
    """Remove the values that no checkpoint and no write reaches, deltas' bases included."""
    wanted = {
        (namespace, channel, ref.writer)
        for namespace, id, channels in execute(
            "SELECT namespace, id, channels FROM durableweb_checkpoint WHERE thread_id = ?",
            (thread_id,),
        )
        for channel, ref in refs_of(channels, id).items()
        if ref.writer
    }
    shared = set(
        execute(
            "SELECT DISTINCT namespace, values_at FROM durableweb_write"
            " WHERE thread_id = ? AND values_at <> ''",
            (thread_id,),
        )
    )
    rows = execute(
        "SELECT namespace, channel, checkpoint, base FROM durableweb_value"
        " WHERE thread_id = ? ORDER BY checkpoint DESC",
        (thread_id,),
    ).fetchall()
    for namespace, channel, checkpoint, base in rows:
        # Newest first: a base is older than its delta, so it is marked before it is met.
        if (namespace, channel, checkpoint) in wanted or (
            namespace,
            checkpoint,
        ) in shared:
            if base:
                wanted.add((namespace, channel, base))
            continue
        execute(
            "DELETE FROM durableweb_value WHERE thread_id = ? AND namespace = ?"
            " AND channel = ? AND checkpoint = ?",
            (thread_id, namespace, channel, checkpoint),
        )
