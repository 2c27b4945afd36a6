"""A `Commit` -> all the rows it becomes, with questions, attributes and events.

Nothing here knows a database: `postgresql.py` and `sqlite.py` write a `Bundle`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from workflows.engine.checkpoint.base import Commit
from workflows.storage.attributes import AttributeRow, rows_of
from workflows.storage.awaited import AwaitedRow, awaited_by
from workflows.storage.channels import Ref
from workflows.storage.checkpoints import CheckpointRow, made_of
from workflows.storage.interrupts import (
    AskedRow,
    asked_rows,
    closed_pairs,
    wakes_at,
)
from workflows.storage.mailbox import handed_by
from workflows.storage.sent_updates import AnswerRow
from workflows.storage.told import events_of
from workflows.storage.values import Kept, ThreadMemory, ValueRow
from workflows.storage.writes import WriteRow, Written, write_rows


class Bundle(Struct):
    """All rows of one commit, and what the saver remembers once they are written.

    `attributes` come in the place of all that the thread has under the names `touched`.
    `wake_at` is when the first wait is over by itself that begins; `awaited` is what else tasks begin to
    wait for, `handed` the ids of the waits that signals are handed to.
    `answers` are those of updates that wait still; where one does not, nothing is written and `is_withdrawn` says so.
    `known_seq` is the number of the thread's last event as far as the saver knows, else 0.
    """

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
    is_on_disk: bool = False
    is_followed: bool = False
    ending: str = ""
    attributes: Sequence[AttributeRow] = ()
    touched: Sequence[str] = ()
    wake_at: datetime | None = None
    awaited: Sequence[AwaitedRow] = ()
    handed: Sequence[str] = ()
    answers: Sequence[AnswerRow] = ()
    is_withdrawn: bool = False
    known_seq: int = 0
    refs: dict[str, Ref] = field(default_factory=dict)
    lists: dict[str, Kept | None] = field(default_factory=dict)

    def remember(self, memory: ThreadMemory) -> None:
        """Note in `memory` what this bundle has written."""
        if self.checkpoint is not None:
            memory.note(self.namespace, self.checkpoint.id, self.refs, self.lists)


def bundle_of(
    serde: Any,
    commit: Commit,
    before: Mapping[str, Ref],
    memory: ThreadMemory,
    *,
    replace: bool = False,
    inline: bool = True,
) -> Bundle:
    """Encode `commit`; `before` is the channel map of its parent checkpoint.

    `inline` lets short values stand in the map, which is not encrypted.
    """
    bundle = Bundle(
        commit.thread_id,
        commit.namespace,
        commit.parent_id or "",
        replace=replace,
        relaxed=commit.durability == "async" and not commit.last,
        is_followed=commit.is_followed,
    )
    written = None
    if commit.checkpoint is not None:
        written = Written(commit.checkpoint["id"])
        bundle.checkpoint, bundle.values, bundle.refs, bundle.lists = made_of(
            serde,
            commit,
            commit.checkpoint,
            before,
            memory.lists,
            written,
            replace=replace,
            inline=inline,
        )
    if commit.writes:
        bundle.writes = [
            row for task in commit.writes for row in write_rows(serde, task, written)
        ]
        if any(task.asked for task in commit.writes):
            bundle.asked = asked_rows(serde, commit)
            bundle.wake_at = wakes_at(commit)
            bundle.awaited = awaited_by(commit)
        if (
            commit.checkpoint is None
        ):  # answers are saved before the step that they let go on
            bundle.handed = handed_by(commit)
    if commit.closed:
        bundle.closed = closed_pairs(commit)
    if commit.attributes:
        bundle.attributes = rows_of(commit.attributes)
        bundle.touched = [*commit.attributes]
    bundle.events = events_of(commit, bundle.checkpoint)
    return bundle
