"""A `Commit` -> the rows it becomes, and rows -> what the engine reads.

Nothing here knows a database: `postgresql.py` and `sqlite.py` write a `Bundle`,
`reading.py` fetches what `checkpoint_tuple` puts together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workflows.engine.checkpoint.base import (
    Checkpoint,
    CheckpointTuple,
    Commit,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.constants import (
    CALL,
    ERROR,
    INTERRUPT,
    RESUME,
    RETURN,
    RUNS,
    START,
)
from workflows.engine.errors import SerdeError, SerializationError
from workflows.engine.ids import digest
from workflows.storage.events import json_text
from workflows.storage.interrupts import AskedRow, asked_rows, clean, closed_pairs
from workflows.storage.values import (
    Kept,
    Ref,
    ThreadMemory,
    ValueRow,
    decode_value,
    encode_value,
    verify,
)

FORMAT = 1
_SLOTS = {
    INTERRUPT: "interrupt",
    RESUME: "resume",
    ERROR: "error",
    RETURN: "return",
    CALL: "return",
    RUNS: "runs",
}
_OWN_COLUMNS = ("id", "channel_values", "channel_versions")
_ERROR_LENGTH = 300
_NODES_SHOWN = 50


class CheckpointRow(NamedTuple):
    """A row of `Checkpoint` without thread, namespace and run."""

    id: str
    parent: str
    step: int
    source: str
    format: int
    channels: str
    due: str
    metadata: str
    rest: str
    digest: str


class WriteRow(NamedTuple):
    """A row of `PendingWrite` without thread, namespace and checkpoint."""

    task: str
    slot: str
    path: str
    digest: str
    payload: str


@dataclass(slots=True)
class Bundle:
    """All rows of one commit, and what the saver remembers once they are written."""

    thread_id: str
    namespace: str
    parent: str
    checkpoint: CheckpointRow | None = None
    values: Sequence[ValueRow] = ()
    writes: Sequence[WriteRow] = ()
    asked: Sequence[AskedRow] = ()
    closed: Sequence[tuple[str, str]] = ()
    events: list[tuple[str, str]] = field(default_factory=list)
    replace: bool = False
    relaxed: bool = False
    refs: dict[str, Ref] = field(default_factory=dict)
    lists: dict[str, Kept | None] = field(default_factory=dict)

    def remember(self, memory: ThreadMemory) -> None:
        """Note in `memory` what this bundle has written."""
        if self.checkpoint is None:
            return
        memory.maps[self.namespace] = (self.checkpoint.id, self.refs)
        for channel, kept in self.lists.items():
            if kept is None:
                memory.lists.pop((self.namespace, channel), None)
            else:
                memory.lists[self.namespace, channel] = kept


def bundle_of(
    serde: Any,
    commit: Commit,
    before: Mapping[str, Ref],
    memory: ThreadMemory,
    *,
    replace: bool = False,
) -> Bundle:
    """Encode `commit`; `before` is the channel map of its parent checkpoint."""
    bundle = Bundle(
        commit.thread_id,
        commit.namespace,
        commit.parent_id or "",
        replace=replace,
        relaxed=commit.durability == "async" and not commit.last,
    )
    if commit.writes:
        bundle.writes = [
            row for task in commit.writes for row in _write_rows(serde, task)
        ]
        bundle.asked = asked_rows(serde, commit)
    if commit.closed:
        bundle.closed = closed_pairs(commit)
    if commit.checkpoint is not None:
        _add_checkpoint(serde, bundle, commit, commit.checkpoint, before, memory)
    _add_events(bundle, commit)
    return bundle


def _add_checkpoint(
    serde: Any,
    bundle: Bundle,
    commit: Commit,
    checkpoint: Checkpoint,
    before: Mapping[str, Ref],
    memory: ThreadMemory,
) -> None:
    writer = checkpoint["id"]
    values = checkpoint.get("channel_values") or {}
    versions = checkpoint.get("channel_versions") or {}
    refs = bundle.refs
    rows = []
    # Not a union of sets: what is written must not hang on how texts hash today.
    touched: Iterable[str] = (*values, *(n for n in versions if n not in values))
    if before and not bundle.replace:
        known = {name: ref.version for name, ref in before.items()}
        known.update(commit.changed)
        if known == versions:  # a wide state is not walked for the few that moved
            refs.update(before)
            touched = commit.changed
    for channel in touched:
        version = versions.get(channel)
        old = before.get(channel)
        if channel not in values:
            refs[channel] = Ref(version, "")
            bundle.lists[channel] = None
            continue
        if (
            old is not None
            and old.writer
            and old.version == version
            and channel not in commit.changed
        ):
            refs[channel] = old
            continue
        if old is None:
            check_name("channel", channel, 300)
        row, snapshot, kept = encode_value(
            serde,
            channel,
            values[channel],
            writer,
            old,
            memory.lists.get((commit.namespace, channel)),
            channel in commit.appended,
        )
        if row is None and old is not None:
            refs[channel] = Ref(version, old.writer, snapshot)
            continue
        if row is not None:
            rows.append(row)
        refs[channel] = Ref(version, writer, snapshot)
        bundle.lists[channel] = kept
    bundle.values = rows
    bundle.checkpoint = _checkpoint_row(serde, bundle, commit, checkpoint)


def _checkpoint_row(
    serde: Any, bundle: Bundle, commit: Commit, checkpoint: Checkpoint
) -> CheckpointRow:
    metadata = commit.metadata
    step = metadata.get("step", 0)
    rest: dict[str, Any] = dict(checkpoint)
    for name in _OWN_COLUMNS:
        rest.pop(name, None)
    due = rest.pop("due", None)
    channels = json_text(bundle.refs)
    due_text = "" if due is None else serde.dumps(due, "$.due")
    metadata_text = serde.dumps(dict(metadata), "$.metadata")
    rest_text = serde.dumps(rest, "$.checkpoint")
    return CheckpointRow(
        checkpoint["id"],
        commit.parent_id or "",
        step if isinstance(step, int) else 0,
        clean(str(metadata.get("source", "")))[:10],
        FORMAT,
        channels,
        due_text,
        metadata_text,
        rest_text,
        digest(f"{channels}\n{due_text}\n{metadata_text}\n{rest_text}"),
    )


def _write_rows(serde: Any, task: TaskWrites) -> list[WriteRow]:
    slots: dict[str, list[list[Any]]] = {}
    for channel, value in task.writes:
        slots.setdefault(_SLOTS.get(channel, "writes"), []).append([channel, value])
    path = clean(task.path)[:600]
    rows = []
    for slot, pairs in slots.items():
        text = _writes_text(serde, pairs)
        rows.append(WriteRow(task.task_id, slot, path, digest(text), text))
    return rows


def _writes_text(serde: Any, pairs: list[list[Any]]) -> str:
    try:
        return serde.dumps(pairs)  # type: ignore[no-any-return]
    except SerializationError:
        # Say which channel it is, not which place in our own list of pairs.
        for channel, value in pairs:
            serde.dumps(value, f"$.{channel}")
        raise


def _add_events(bundle: Bundle, commit: Commit) -> None:
    """One event for each task that ended, and for the step; questions get theirs in SQL.

    What is done when the step is saved is told by the step's own event, node by node.
    """
    done: dict[str, dict[str, Any]] = {}
    step = commit.checkpoint
    for task in commit.writes:
        status = _status_of(task)
        if status == "done" and step is not None:
            ended = done.setdefault(task.name, {"node": task.name, "count": 0})
            ended["count"] += 1
            if task.runs > 1:
                ended["runs"] = max(task.runs, ended.get("runs", 0))
        elif status:
            data: dict[str, Any] = {
                "task": task.task_id,
                "node": task.name,
                "namespace": commit.namespace,
                "status": status,
            }
            if task.runs > 1:
                data["runs"] = task.runs
            if task.error is not None:
                data["error"] = str(task.error)[:_ERROR_LENGTH]
            bundle.events.append(("task", json_text(data)))
    if bundle.checkpoint is not None and step is not None:
        due = step.get("due") or ()
        names = dict.fromkeys(
            item["node"] for item in due if isinstance(item, dict) and "node" in item
        )
        data = {
            "namespace": commit.namespace,
            "step": bundle.checkpoint.step,
            "source": bundle.checkpoint.source,
            "checkpoint": bundle.checkpoint.id,
            "done": [*done.values()],
            "next": [*names][:_NODES_SHOWN],
        }
        del data["done"][_NODES_SHOWN:]
        bundle.events.append(("step", json_text(data)))


def _status_of(task: TaskWrites) -> str:
    """How a task ended; "" for what is no task's end (input, answers handed in)."""
    if not task.name or task.name == START:
        return ""
    names = {channel for channel, _ in task.writes}
    if task.error is not None or ERROR in names:
        return "error"
    if task.asked or INTERRUPT in names:
        return "interrupted"
    if names and names <= {RESUME, CALL, RUNS}:
        return ""
    return "done"


def check_name(what: str, name: str, length: int) -> None:
    """Refuse a name that one of the databases cannot hold."""
    if len(name) > length:
        raise ValueError(f"the {what} {name[:40]!r}... is longer than {length}")
    if "\0" in name or clean(name) != name:
        raise ValueError(f"the {what} {name!r} contains NUL or a lone surrogate")


def check_place(thread_id: str, namespace: str = "") -> None:
    """Refuse a thread id or namespace that one of the databases cannot hold."""
    if not thread_id:
        raise ValueError("the thread id is empty; give a text")
    check_name("thread id", thread_id, 200)
    if namespace:
        check_name("namespace", namespace, 600)


def refs_of(channels: str) -> dict[str, Ref]:
    """The channel map of a stored checkpoint."""
    return {name: Ref(*entry) for name, entry in json.loads(channels).items()}


def verified_refs(row: CheckpointRow, thread_id: str) -> dict[str, Ref]:
    """The channel map of a row whose digest is right; DamagedValueError otherwise.

    SerdeError for a row that newer code has written in a format of its own.
    """
    if row.format > FORMAT:
        raise SerdeError(
            f"thread {thread_id!r}, checkpoint {row.id} is stored in format {row.format}, "
            f"this code reads up to format {FORMAT}; deploy the newer code"
        )
    verify_checkpoint(row, thread_id)
    return refs_of(row.channels)


def verify_checkpoint(row: CheckpointRow, thread_id: str) -> None:
    """Raise DamagedValueError unless the row's digest is right."""
    verify(_covered(row), row.digest, f"thread {thread_id!r}, checkpoint {row.id}")


def checkpoint_digest(row: CheckpointRow) -> str:
    """The digest that belongs to a row: of its channels, due, metadata and rest."""
    return digest(_covered(row))


def _covered(row: CheckpointRow) -> str:
    return f"{row.channels}\n{row.due}\n{row.metadata}\n{row.rest}"


def checkpoint_tuple(
    serde: Any,
    thread_id: str,
    namespace: str,
    row: CheckpointRow,
    refs: Mapping[str, Ref],
    values: Mapping[tuple[str, str], Sequence[str]],
    writes: Iterable[WriteRow],
) -> tuple[CheckpointTuple, dict[str, Kept | None]]:
    """Put a checkpoint together; its lists beside it, for the memory."""
    where = f"thread {thread_id!r}, checkpoint {row.id}"
    lists: dict[str, Kept | None] = {}
    channel_values: dict[str, Any] = {}
    for channel, ref in refs.items():
        if ref.writer:
            channel_values[channel], lists[channel] = decode_value(
                serde, ref, channel, values, where
            )
    checkpoint: Checkpoint = {
        **serde.loads(row.rest),
        "id": row.id,
        "channel_values": channel_values,
        "channel_versions": {
            channel: ref.version
            for channel, ref in refs.items()
            if ref.version is not None
        },
    }
    if row.due:
        checkpoint["due"] = serde.loads(row.due)
    pending = []
    for write in writes:
        verify(write.payload, write.digest, f"{where}: {write.slot} of {write.task}")
        pending += [
            (write.task, channel, value)
            for channel, value in serde.loads(write.payload)
        ]
    found = CheckpointTuple(
        checkpoint_config(thread_id, namespace, row.id),
        checkpoint,
        serde.loads(row.metadata),
        checkpoint_config(thread_id, namespace, row.parent) if row.parent else None,
        pending,
    )
    return found, lists
