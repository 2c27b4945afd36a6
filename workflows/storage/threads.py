"""Whole threads: removing one and copying one, in one transaction each."""

from __future__ import annotations

from typing import Literal

from django.db import connections, transaction

from workflows.engine.serde.vault import Vault
from workflows.models import Interrupt, Run
from workflows.storage import prune, sealing
from workflows.storage.bodies import Cut, cut_record, forget_record, namespaces_after
from workflows.storage.connections import NOW_SQL, execute, lock_thread

Record = Cut | Literal["all"] | None
"""What of a step's record a fork keeps: all up to a cut, all of it, or nothing."""

_BY_THREAD = (
    "signal",
    "sentupdate",
    "awaited",
    "threadattribute",
    "pendingwrite",
    "channelvalue",
    "checkpoint",
    "label",
    "event",
)
_COPIED = {
    "checkpoint": (
        "namespace, id, parent, step, source, format, channels, due, metadata, rest,"
        " digest, created_at"
    ),
    "channelvalue": "namespace, channel, checkpoint, kind, base, digest, payload",
    "pendingwrite": (
        "namespace, checkpoint, task, slot, path, digest, payload, values_at"
    ),
    "label": "namespace, checkpoint, text, by, created_at",
    "threadattribute": "name, position, kind, text, key, number",
    "awaited": "wait, kind, topic, key, since, after, matching",
}


def delete_thread(using: str, thread_id: str) -> None:
    """Remove every row of the thread. A run on it is stopped: its fence finds no row."""
    wrapper = connections[using]
    with transaction.atomic(using=using):
        lock_thread(wrapper, thread_id)
        # A commit that waits for us finds its run gone.
        execute(
            wrapper,
            "UPDATE workflows_run SET status = 'cancelled'"
            " WHERE thread_id = %s AND status IN ('running', 'pending')",
            (thread_id,),
        )
        # With comments, drafts, votes, decisions and whatever else hangs on a question.
        Interrupt.objects.using(using).filter(thread=thread_id).delete()
        for table in _BY_THREAD:
            execute(
                wrapper,
                f"DELETE FROM workflows_{table} WHERE thread_id = %s",  # noqa: S608
                (thread_id,),
            )
        # A thread that went on from a decision here names the run that it was made in.
        Run.objects.using(using).filter(thread=thread_id).delete()
        execute(wrapper, "DELETE FROM workflows_thread WHERE id = %s", (thread_id,))


def copy_thread(
    using: str, source: str, target: str, vault: Vault | None = None
) -> None:
    """Copy checkpoints, values, writes, labels, attributes, open questions and signals that nobody has taken.

    Runs and events stay behind.

    Raises ValueError when `source` is unknown or `target` already has a history.
    """
    wrapper = connections[using]
    now = NOW_SQL[wrapper.vendor]
    with transaction.atomic(using=using):
        taken = execute(
            wrapper,
            "SELECT 1 FROM workflows_checkpoint WHERE thread_id = %s"
            " UNION ALL SELECT 1 FROM workflows_pendingwrite WHERE thread_id = %s LIMIT 1",
            (target, target),
        ).fetchone()
        if taken:
            raise ValueError(
                f"thread {target!r} has a history already; copy to a new thread id"
            )
        made = execute(
            wrapper,
            "INSERT INTO workflows_thread (id, graph, title, head, seq, created_at,"  # noqa: S608
            f" updated_at, status, wake_at) SELECT %s, graph, title, head, 0, {now}, {now},"
            " CASE WHEN status = 'waiting' THEN status ELSE 'idle' END,"
            " CASE WHEN status IN ('waiting', 'interrupted') THEN wake_at END"
            " FROM workflows_thread WHERE id = %s"
            " ON CONFLICT (id) DO UPDATE SET head = excluded.head",
            (target, source),
        )
        if not made.rowcount:
            raise ValueError(f"thread {source!r} does not exist; nothing was copied")
        for table, columns in _COPIED.items():
            execute(
                wrapper,
                f"INSERT INTO workflows_{table} (thread_id, {columns})"  # noqa: S608
                f" SELECT %s, {columns} FROM workflows_{table} WHERE thread_id = %s",
                (target, source),
            )
        _copy_questions(using, source, target, now)
        _share_children(using, source, target)
        _copy_mailbox(using, source, target, vault)
        if vault is not None:
            sealing.move_rows(using, vault, source, target)


def fork_thread(
    using: str,
    source: str,
    target: str,
    checkpoint: str,
    vault: Vault | None = None,
    record: Record = None,
) -> None:
    """Copy a thread as it was when `checkpoint`, one of its own, was written, with nothing begun after it (RB.14).

    What the tasks that were due there have on record stays with `record`: "all" of it, or all up to a cut.
    Attributes, labels and the mailbox are those of now. Raises as `copy_thread` and `namespaces_after`.
    """
    wrapper = connections[using]
    with transaction.atomic(using=using):
        copy_thread(using, source, target, vault)
        cut = record if isinstance(record, Cut) else None
        kept = None
        if record is not None:
            kept = namespaces_after(using, target, checkpoint, cut)
        prune.cut_back(using, target, checkpoint, kept)
        if cut is not None:
            cut_record(using, target, checkpoint, cut, vault)
        for table in ("interrupt", "awaited"):
            execute(
                wrapper,
                f"DELETE FROM workflows_{table} WHERE thread_id = %s",  # noqa: S608
                (target,),
            )
        if record is None:
            forget_record(using, target, checkpoint, vault)
            _leave_children(using, target, checkpoint)
        execute(
            wrapper,
            "UPDATE workflows_thread SET status = 'idle', wake_at = NULL WHERE id = %s",
            (target,),
        )


def _leave_children(using: str, thread_id: str, checkpoint: str) -> None:
    """Forget the children that were started after a checkpoint of the thread."""
    execute(
        connections[using],
        "DELETE FROM workflows_child WHERE thread_id = %s AND started_at > ("
        "SELECT created_at FROM workflows_checkpoint"
        " WHERE thread_id = %s AND namespace = '' AND id = %s)",
        (thread_id, thread_id, checkpoint),
    )


def _share_children(using: str, source: str, target: str) -> None:
    """Let the copy know whom its tasks have started; what becomes of them at the end is the other's to say."""
    columns = "place, child_id, started_at"
    execute(
        connections[using],
        f"INSERT INTO workflows_child (thread_id, {columns}, on_parent_end, settled)"  # noqa: S608
        f" SELECT %s, {columns}, 'leave', TRUE FROM workflows_child WHERE thread_id = %s",
        (target, source),
    )


def _copy_mailbox(
    using: str, source: str, target: str, vault: Vault | None = None
) -> None:
    """Copy what lies in the mailbox; what was handed over is in the copied record."""
    wrapper = connections[using]
    columns = "topic, key, sent_by_id, sent_at"
    found = execute(
        wrapper,
        f"SELECT payload, {columns} FROM workflows_signal"  # noqa: S608
        " WHERE thread_id = %s AND NOT handed ORDER BY id",
        (source,),
    ).fetchall()
    for payload, *rest in found:
        if vault is not None:
            text = vault.open(payload, source, sealing.SIGNAL)
            payload = vault.seal(text, target, sealing.SIGNAL)
        execute(
            wrapper,
            f"INSERT INTO workflows_signal (thread_id, payload, {columns})"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (target, payload, *rest),
        )


def _copy_questions(using: str, source: str, target: str, now: str) -> None:
    wrapper = connections[using]
    copied = execute(
        wrapper,
        "INSERT INTO workflows_interrupt (thread_id, graph, namespace, checkpoint,"  # noqa: S608
        " interrupt_id, task, task_path, node, ordinal, key, status, version, round,"
        " title, value, response_schema, digest, policy, reason, priority, asked_at)"
        " SELECT %s, graph, namespace, checkpoint, interrupt_id, task, task_path, node,"
        " ordinal, key, 'pending', 1, 1, title, value, response_schema, digest, policy,"
        " '',"
        f" priority, {now} FROM workflows_interrupt"
        " WHERE thread_id = %s AND status IN ('pending', 'decided')",
        (target, source),
    )
    if copied.rowcount:
        execute(
            wrapper,
            "UPDATE workflows_thread SET status = 'interrupted' WHERE id = %s",
            (target,),
        )
