"""Forgetting old checkpoints without cutting what the kept ones need (RA.10)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connections, transaction

from workflows.engine.constants import NS_END
from workflows.engine.errors import ThreadBusyError
from workflows.engine.loop.plan import OUTSIDE
from workflows.storage import labels
from workflows.storage.channels import refs_of
from workflows.storage.connections import POSTGRESQL, execute, lock_thread

Place = tuple[str, str]  # namespace, checkpoint id


@dataclass(frozen=True)
class Pruned:
    """What a pruning removed, or with `dry_run` would remove."""

    checkpoints: int = 0
    events: int = 0

    def __bool__(self) -> bool:
        return bool(self.checkpoints or self.events)


def prune(thread_id: str, keep: int = 200, *, using: str = "default") -> int:
    """Keep the newest `keep` checkpoints of each namespace; returns how many went.

    Those with an open question, a decision or a label stay as well. One transaction; raises
    ThreadBusyError while a run holds the thread.
    """
    return prune_thread(
        thread_id, keep=keep, forks=False, subgraphs=False, using=using
    ).checkpoints


def prune_thread(
    thread_id: str,
    *,
    keep: int | None,
    forks: bool = True,
    subgraphs: bool = True,
    chunks_before: datetime | None = None,
    dry_run: bool = False,
    using: str = "default",
) -> Pruned:
    """Keep the newest `keep` checkpoints of each namespace (None: all), and what they need.

    What carries an open question, a decision or a label stays, with `forks` also the places where
    the history branches and the tips of its branches. With `subgraphs` those go altogether that
    ended before the oldest kept step of the thread. Events of kinds "custom" and "messages"
    from before `chunks_before` go. One transaction; raises ThreadBusyError while a run holds
    the thread.
    """
    if keep is not None and keep < 1:
        raise ValueError("keep must be at least 1; delete_thread removes everything")
    wrapper = connections[using]
    with transaction.atomic(using=using):
        refuse_busy(using, thread_id)
        gone: list[Place] = []
        if keep is not None:
            gone = _unneeded(wrapper, thread_id, keep, forks, subgraphs)
        events = _chunks(wrapper, thread_id, chunks_before, dry_run)
        if gone and not dry_run:
            _remove(wrapper, thread_id, gone)
    return Pruned(len(gone), events)


def _unneeded(
    wrapper: Any, thread_id: str, keep: int, forks: bool, subgraphs: bool
) -> list[Place]:
    rows = execute(
        wrapper,
        "SELECT namespace, id, parent FROM workflows_checkpoint WHERE thread_id = %s"
        " ORDER BY id DESC",
        (thread_id,),
    ).fetchall()
    held = _held(wrapper, thread_id)
    ended = _ended_subgraphs(rows, keep, held) if subgraphs else frozenset()
    if forks:
        held |= _branching(rows)
    seen: Counter[str] = Counter()
    gone = []
    for namespace, checkpoint, _ in rows:
        seen[namespace] += 1
        if namespace in ended or (seen[namespace] > keep and checkpoint not in held):
            gone.append((namespace, checkpoint))
    return gone


def _ended_subgraphs(
    rows: Sequence[tuple[str, str, str]], keep: int, held: set[str]
) -> frozenset[str]:
    """Namespaces of single tasks that are older than the oldest root checkpoint to stay.

    Each call of a subgraph has a namespace of its own, so a loop makes them without end.
    """
    root = [checkpoint for namespace, checkpoint, _ in rows if not namespace]
    oldest = root[min(keep, len(root)) - 1] if root else ""
    newest: dict[str, str] = {}
    needed = set()
    for namespace, checkpoint, _ in rows:
        newest.setdefault(namespace, checkpoint)
        if checkpoint in held:
            needed.add(namespace)
    return frozenset(
        namespace
        for namespace, last in newest.items()
        if NS_END in namespace and last < oldest and namespace not in needed
    )


def _branching(rows: Sequence[tuple[str, str, str]]) -> set[str]:
    """Checkpoints with several children, and those that nobody went on from.

    Where pruning has taken a parent away, its children are no tips for that.
    """
    children = Counter((namespace, parent) for namespace, _, parent in rows if parent)
    return {
        checkpoint
        for namespace, checkpoint, _ in rows
        if children[namespace, checkpoint] != 1
    }


def _chunks(
    wrapper: Any, thread_id: str, before: datetime | None, dry_run: bool
) -> int:
    """Remove what streams were told; it is shown while it is young and needed by nobody."""
    if before is None:
        return 0
    verb = "SELECT count(*)" if dry_run else "DELETE"
    instant = before if wrapper.vendor == POSTGRESQL else as_text(before)
    cursor = execute(
        wrapper,
        f"{verb} FROM workflows_event WHERE thread_id = %s"
        " AND kind IN ('custom', 'messages') AND created_at < %s",
        (thread_id, instant),
    )
    return int(cursor.fetchone()[0]) if dry_run else int(cursor.rowcount)


def as_text(instant: datetime) -> str:
    """An instant as SQLite's columns hold it: UTC without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def delete_for_runs(using: str, run_ids: Sequence[str]) -> list[str]:
    """Remove the checkpoints written by these runs; returns the threads touched.

    A run is known by its row's number, or by the `run_id` in a checkpoint's metadata.
    """
    wrapper = connections[using]
    touched: dict[str, list[Place]] = defaultdict(list)
    with transaction.atomic(using=using):
        for thread_id, namespace, checkpoint in _written_by(wrapper, run_ids):
            touched[thread_id].append((namespace, checkpoint))
        for thread_id, gone in touched.items():
            refuse_busy(using, thread_id)
            _remove(wrapper, thread_id, gone)
            _reset_head(wrapper, thread_id)
    return [*touched]


def roll_back(using: str, thread_id: str, run_id: int) -> int:
    """Remove what a run that has ended wrote: the head is again where it began (RA.2).

    Part of the caller's transaction. Its events stay: they tell what happened. Returns how
    many checkpoints went.
    """
    wrapper = connections[using]
    gone = execute(
        wrapper,
        "SELECT namespace, id FROM workflows_checkpoint"
        " WHERE thread_id = %s AND run_id = %s",
        (thread_id, run_id),
    ).fetchall()
    if gone:
        _remove(wrapper, thread_id, gone)
        _reset_head(wrapper, thread_id)
    return len(gone)


def cut_back(
    using: str, thread_id: str, checkpoint: str, kept: Collection[str] | None = None
) -> None:
    """Remove what came after a checkpoint of the thread itself, and what its due tasks have on record.

    What a `Command` has said there from outside stays, as it does in a replay (R6.12). With `kept`, namespaces of graphs
    below, all of these stays, and so does what is on record. Part of the caller's transaction.
    """
    wrapper = connections[using]
    newer = execute(
        wrapper,
        "SELECT namespace, id FROM workflows_checkpoint WHERE thread_id = %s AND id > %s",
        (thread_id, checkpoint),
    ).fetchall()
    if kept is None:
        execute(
            wrapper,
            "DELETE FROM workflows_pendingwrite WHERE thread_id = %s AND namespace = ''"
            " AND checkpoint = %s AND task NOT LIKE %s",
            (thread_id, checkpoint, f"{OUTSIDE}%"),
        )
    gone = [(name, id) for name, id in newer if not kept or name not in kept]
    _remove(wrapper, thread_id, gone)
    _reset_head(wrapper, thread_id)


def _reset_head(wrapper: Any, thread_id: str) -> None:
    execute(
        wrapper,
        "UPDATE workflows_thread SET head = COALESCE((SELECT max(id) FROM"
        " workflows_checkpoint WHERE thread_id = %s AND namespace = ''), '')"
        " WHERE id = %s",
        (thread_id, thread_id),
    )


def _written_by(wrapper: Any, run_ids: Sequence[str]) -> set[tuple[str, str, str]]:
    wanted = {str(run_id) for run_id in run_ids}
    found = set()
    for number in wanted:
        if number.isdigit():
            found |= set(
                execute(
                    wrapper,
                    "SELECT thread_id, namespace, id FROM workflows_checkpoint"
                    " WHERE run_id = %s",
                    (int(number),),
                ).fetchall()
            )
    for *place, metadata in execute(
        wrapper,
        "SELECT thread_id, namespace, id, metadata FROM workflows_checkpoint"
        " WHERE metadata LIKE %s",
        ('%"run_id"%',),
    ).fetchall():
        if str(json.loads(metadata).get("run_id")) in wanted:
            found.add(tuple(place))
    return found


def refuse_busy(using: str, thread_id: str) -> None:
    """Raise ThreadBusyError while a run holds the thread."""
    wrapper = connections[using]
    # A direct run numbers its first event, so it needs the thread's row, before it writes.
    lock_thread(wrapper, thread_id)
    busy = execute(
        wrapper,
        "SELECT id, started_at FROM workflows_run"
        " WHERE thread_id = %s AND status = 'running'",
        (thread_id,),
    ).fetchone()
    if busy:
        raise ThreadBusyError(str(busy[0]), busy[1], thread_id=thread_id)


def _held(wrapper: Any, thread_id: str) -> set[str]:
    rows = execute(
        wrapper,
        "SELECT checkpoint FROM workflows_interrupt"
        " WHERE thread_id = %s AND status IN ('pending', 'decided')"
        " UNION SELECT d.checkpoint FROM workflows_decision AS d"
        " JOIN workflows_interrupt AS i ON i.id = d.interrupt_id WHERE i.thread_id = %s"
        " UNION SELECT checkpoint FROM workflows_label WHERE thread_id = %s",
        (thread_id, thread_id, thread_id),
    ).fetchall()
    return {row[0] for row in rows}


def _remove(wrapper: Any, thread_id: str, gone: Iterable[Place]) -> None:
    for namespace, checkpoint in gone:
        for table, column in (("checkpoint", "id"), ("pendingwrite", "checkpoint")):
            execute(
                wrapper,
                f"DELETE FROM workflows_{table}"  # noqa: S608
                f" WHERE thread_id = %s AND namespace = %s AND {column} = %s",
                (thread_id, namespace, checkpoint),
            )
    labels.remove_lost(wrapper, thread_id)
    _remove_unused_values(wrapper, thread_id)


def _remove_unused_values(wrapper: Any, thread_id: str) -> None:
    """Remove value rows that no kept checkpoint or write reaches, deltas' bases included."""
    wanted = {
        (namespace, channel, ref.writer)
        for namespace, checkpoint, channels in execute(
            wrapper,
            "SELECT namespace, id, channels FROM workflows_checkpoint WHERE thread_id = %s",
            (thread_id,),
        ).fetchall()
        for channel, ref in refs_of(channels, checkpoint).items()
        if ref.writer
    }
    # What a kept task wrote may stand in a row of the checkpoint after it, which is gone.
    shared = {
        tuple(row)
        for row in execute(
            wrapper,
            "SELECT DISTINCT namespace, values_at FROM workflows_pendingwrite"
            " WHERE thread_id = %s AND values_at <> ''",
            (thread_id,),
        ).fetchall()
    }
    rows = execute(
        wrapper,
        "SELECT namespace, channel, checkpoint, base FROM workflows_channelvalue"
        " WHERE thread_id = %s ORDER BY checkpoint DESC",
        (thread_id,),
    ).fetchall()
    for namespace, channel, checkpoint, base in rows:
        # Newest first: a base is older than its delta, so it is marked before it is met.
        if (namespace, channel, checkpoint) in wanted:
            if base:
                wanted.add((namespace, channel, base))
            continue
        if (namespace, checkpoint) in shared:
            continue
        execute(
            wrapper,
            "DELETE FROM workflows_channelvalue WHERE thread_id = %s AND namespace = %s"
            " AND channel = %s AND checkpoint = %s",
            (thread_id, namespace, channel, checkpoint),
        )
