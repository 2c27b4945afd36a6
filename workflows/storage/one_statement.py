"""The usual savings on SQLite as one statement each, and so as transactions by themselves.

Each statement is a call of the driver, which lets go of the interpreter's lock and waits for it again;
for a step these calls cost as much as the work. A row put into the view below is what a step, a task's
result or the end of a run saves: a trigger puts its parts where they belong. View and trigger are
temporary: each connection makes its own when it first misses them, and no migration meets them.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from workflows.storage.connections import NOW_SQL, SQLITE, for_sqlite
from workflows.storage.rows import Bundle

_VIEW = "durableweb_saving"
_COLUMNS = (
    *("thread_id", "known_seq", "seq", "run_id", "fence", "ending", "status"),
    *("namespace", "before"),
    *("id", "parent", "step", "source", "format"),
    *("channels", "due", "metadata", "rest", "digest"),
    *("channel", "value_kind", "base", "value_digest", "value"),
    *("task", "slot", "path", "write_digest", "payload", "values_at"),
    *("kind", "data", "last_kind", "last_data"),
)
_INSERT = f"INSERT INTO {_VIEW} VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_MAKE_VIEW = f"CREATE TEMP VIEW {_VIEW} AS SELECT " + ", ".join(
    f"NULL AS {column}" for column in _COLUMNS
)
_NOT_AS_KNOWN = "durableweb: not as known"
_HEAD = "CASE WHEN NEW.namespace = '' AND head < NEW.id THEN NEW.id ELSE head END"
_NOW = for_sqlite(NOW_SQL[SQLITE])
_MAKE_TRIGGER = f"""
CREATE TEMP TRIGGER durableweb_save INSTEAD OF INSERT ON {_VIEW} BEGIN
  SELECT RAISE(ABORT, '{_NOT_AS_KNOWN}') WHERE NOT EXISTS (
    SELECT 1 FROM workflows_run AS run JOIN workflows_thread AS thread ON thread.id = run.thread_id
    WHERE run.id = NEW.run_id AND run.fence = NEW.fence AND run.status = 'running'
      AND run.thread_id = NEW.thread_id AND thread.seq = NEW.known_seq);
  UPDATE workflows_run SET status = NEW.ending, reason = '', lease_until = NULL,
    finished_at = {_NOW} WHERE NEW.ending <> '' AND id = NEW.run_id;
  UPDATE workflows_thread SET seq = NEW.seq, head = {_HEAD}
    WHERE NEW.ending = '' AND id = NEW.thread_id;
  UPDATE workflows_thread SET seq = NEW.seq, head = {_HEAD}, updated_at = {_NOW},
    status = CASE WHEN EXISTS (
      SELECT 1 FROM workflows_interrupt WHERE thread_id = NEW.thread_id
        AND status IN ('pending', 'decided')) THEN 'interrupted' ELSE NEW.status END
    WHERE NEW.ending <> '' AND id = NEW.thread_id;
  INSERT INTO workflows_checkpoint (thread_id, namespace, run_id, id, parent, step, source, format,
    channels, due, metadata, rest, digest)
  SELECT NEW.thread_id, NEW.namespace, NEW.run_id, NEW.id, NEW.parent, NEW.step, NEW.source,
    NEW.format, NEW.channels, NEW.due, NEW.metadata, NEW.rest, NEW.digest WHERE NEW.id <> '';
  INSERT INTO workflows_channelvalue (thread_id, namespace, checkpoint, channel, kind, base, digest,
    payload)
  SELECT NEW.thread_id, NEW.namespace, NEW.id, NEW.channel, NEW.value_kind, NEW.base,
    NEW.value_digest, NEW.value WHERE NEW.value_kind <> '';
  INSERT OR REPLACE INTO workflows_pendingwrite (thread_id, namespace, checkpoint, task, slot, path,
    digest, payload, values_at)
  SELECT NEW.thread_id, NEW.namespace, NEW.before, NEW.task, NEW.slot, NEW.path, NEW.write_digest,
    NEW.payload, NEW.values_at WHERE NEW.task <> '';
  INSERT INTO workflows_event (thread_id, run_id, seq, kind, data)
  SELECT NEW.thread_id, NEW.run_id, NEW.known_seq + 1, NEW.kind, NEW.data
  WHERE NEW.kind <> '';
  INSERT INTO workflows_event (thread_id, run_id, seq, kind, data)
  SELECT NEW.thread_id, NEW.run_id, NEW.known_seq + 2, NEW.last_kind, NEW.last_data
  WHERE NEW.last_kind <> '';
END"""  # noqa: S608
# What is not there is "": the driver asks for None whether somebody has an adapter for it.
_NO_CHECKPOINT = ("",) * 10
_NO_VALUE = ("",) * 5
_NO_WRITE = ("",) * 6
_NO_EVENT = ("", "")


class NotAsKnownError(Exception):
    """The thread has moved, or is another's: nothing was written, and who can tell why is to look."""


def fits(bundle: Bundle) -> bool:
    """Whether `bundle` has no more of anything than a row of the view has room for."""
    return (
        bundle.known_seq > 0
        and len(bundle.writes) < 2
        and len(bundle.values) < 2
        and len(bundle.events) < 3
        and not bundle.replace
        and not bundle.asked
        and bundle.wake_at is None
        and not bundle.awaited
        and not bundle.handed
        and not bundle.closed
        and not bundle.touched
        and not bundle.answers
    )


def write(connection: Any, bundle: Bundle, run_id: int, fence: int) -> int:
    """Write a bundle that `fits`; returns the number of the thread's last event.

    Raises NotAsKnownError where the run is not `fence`'s any more, or the thread has had other events.
    """
    events, ending = bundle.events, bundle.ending
    known = bundle.known_seq
    seq = known + len(events)
    row = (
        bundle.thread_id,
        known,
        seq,
        run_id,
        fence,
        ending,
        "idle" if ending == "success" else ending,
        bundle.namespace,
        bundle.parent,
        *(bundle.checkpoint or _NO_CHECKPOINT),
        *(bundle.values[0] if bundle.values else _NO_VALUE),
        *(bundle.writes[0] if bundle.writes else _NO_WRITE),
        *(events[0] if events else _NO_EVENT),
        *(events[1] if len(events) > 1 else _NO_EVENT),
    )
    try:
        try:
            connection.execute(_INSERT, row)
        except sqlite3.OperationalError as error:
            if f"no such table: {_VIEW}" not in str(error):
                raise
            connection.execute(_MAKE_VIEW)
            connection.execute(_MAKE_TRIGGER)
            connection.execute(_INSERT, row)
    except sqlite3.IntegrityError as error:
        if str(error) != _NOT_AS_KNOWN:
            raise
        raise NotAsKnownError from None
    return seq


def forget(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Drop view and trigger of this thread's connection, where it has them.

    For the signal `pre_migrate`: SQLite does not rename a table that a trigger of its connection names.
    """
    connection = connections[using].connection
    if connections[using].vendor == SQLITE and connection is not None:
        connection.execute("DROP TRIGGER IF EXISTS temp.durableweb_save")
        connection.execute(f"DROP VIEW IF EXISTS temp.{_VIEW}")
