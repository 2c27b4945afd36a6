"""What the bodies of a step have on record: which calls, and where a copy of it ends (RB.14)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connections

from workflows.engine import serde
from workflows.engine.constants import CALL, FORKED, NS_END, NS_SEP, RETURN
from workflows.engine.ids import digest
from workflows.engine.loop.forking import MARK_OF_FORKS
from workflows.engine.serde.vault import Vault
from workflows.storage.connections import execute
from workflows.storage.values import verify


class RecordedCall(NamedTuple):
    """One call of a `@task`: the `number`-th of its name and the `position`-th of all in `body`, both from 0.

    `body` is the id of the node's task, or of the call, in whose function it was made, and `path` that task's path and the
    call's. One that `has_ended` gives its result, or the failure that its body has seen, without running.
    """

    id: str
    body: str
    name: str
    number: int
    position: int
    path: str
    has_ended: bool


@dataclass(frozen=True)
class Cut:
    """Where the record of a node's task, `root`, ends.

    `bodies` are those that begin again, the node's first, each with the position of its last call that stands; `calls` are
    [name, number] of those between them. `dropped` are the ids of the calls that were made later.
    """

    root: str
    bodies: Mapping[str, int]
    calls: Sequence[tuple[str, int]]
    dropped: frozenset[str]

    def marks(self, salt: str) -> list[list[Any]]:
        """The end as the loop reads it (`loop/forking.py`)."""
        lead = [[*call] for call in self.calls]
        lasts = enumerate(self.bodies.values())
        return [[lead[:depth], last, salt] for depth, last in lasts]


def steps_with_calls(using: str, thread_id: str) -> list[str]:
    """The checkpoints of the thread itself whose tasks have called tasks, the newest first."""
    rows = execute(
        connections[using],
        "SELECT DISTINCT w.checkpoint FROM workflows_pendingwrite AS w"
        " JOIN workflows_checkpoint AS c ON c.thread_id = w.thread_id"
        " AND c.namespace = w.namespace AND c.id = w.checkpoint"
        " WHERE w.thread_id = %s AND w.namespace = '' AND w.slot = 'return'"
        " ORDER BY w.checkpoint DESC",
        (thread_id,),
    ).fetchall()
    return [row[0] for row in rows]


def calls_at(
    using: str, thread_id: str, checkpoint: str, vault: Vault | None
) -> list[RecordedCall]:
    """The calls on record that the tasks due at a checkpoint of the thread itself have made, in order.

    Raises DamagedValueError and DecryptionError.
    """
    rows = execute(
        connections[using],
        "SELECT task, path, digest, payload FROM workflows_pendingwrite"
        " WHERE thread_id = %s AND namespace = '' AND checkpoint = %s AND slot = 'return'",
        (thread_id, checkpoint),
    ).fetchall()
    found = []
    for task, path, checksum, payload in rows:
        verify(payload, checksum, f"thread {thread_id!r}: return of {task}")
        text = payload
        if vault is not None:
            text = vault.open(payload, thread_id, f"return of {task}")
        pairs = dict(serde.tree(text))
        if CALL in pairs:
            body, name, number, position, _, *seen = pairs[CALL]
            ended = RETURN in pairs or bool(seen)
            found.append(RecordedCall(task, body, name, number, position, path, ended))
    return sorted(found, key=lambda call: (call.path, call.position))


def cut_record(
    using: str, thread_id: str, checkpoint: str, cut: Cut, vault: Vault | None
) -> None:
    """Let the bodies of a fork begin again at the end of their record; part of the caller's transaction.

    What they have been answered stays: they do not find what was answered later, as it has other ids there.
    """
    at = (thread_id, checkpoint)
    for task in cut.dropped:
        execute(connections[using], _DELETE, (*at, task))
    for task in cut.bodies:
        execute(connections[using], f"{_DELETE} AND slot <> 'resume'", (*at, task))
    _mark(using, at, cut.root, cut.marks(thread_id), vault)


def forget_record(
    using: str, thread_id: str, checkpoint: str, vault: Vault | None
) -> None:
    """Let all that is due on a fork begin anew, with ids of its own; part of the caller's transaction."""
    _mark(using, (thread_id, checkpoint), checkpoint, [[[], -1, thread_id]], vault)


_HERE = "thread_id = %s AND namespace = '' AND checkpoint = %s AND task = %s"
_DELETE = f"DELETE FROM workflows_pendingwrite WHERE {_HERE}"  # noqa: S608


def _mark(
    using: str,
    at: tuple[str, str],
    of: str,
    marks: list[list[Any]],
    vault: Vault | None,
) -> None:
    """Add marks `of` a task, or of all that are due at the checkpoint, to those that a fork of a fork has."""
    wrapper = connections[using]
    place = f"writes of {MARK_OF_FORKS}"
    found = execute(
        wrapper,
        f"SELECT payload FROM workflows_pendingwrite WHERE {_HERE}",  # noqa: S608
        (*at, MARK_OF_FORKS),
    ).fetchone()
    known: dict[str, list[Any]] = {}
    if found is not None:
        text = found[0] if vault is None else vault.open(found[0], at[0], place)
        known = dict(serde.tree(text))[FORKED]
        execute(wrapper, _DELETE, (*at, MARK_OF_FORKS))
    known[of] = [*known.get(of, ()), *marks]
    text = serde.dumps([[FORKED, known]])
    if vault is not None:
        text = vault.seal(text, at[0], place)
    execute(
        wrapper,
        "INSERT INTO workflows_pendingwrite (thread_id, namespace, checkpoint, task, slot,"
        " path, digest, payload, values_at) VALUES (%s, '', %s, %s, 'writes', '', %s, %s, '')",
        (*at, MARK_OF_FORKS, digest(text), text),
    )


class StateGoneOn(Exception):
    """A graph below that keeps its state, in this namespace, has gone on in the step that is to be cut."""


def namespaces_after(
    using: str, thread_id: str, checkpoint: str, cut: Cut | None
) -> frozenset[str]:
    """The namespaces of graphs below, begun or gone on after a checkpoint, that a fork of its step keeps.

    With a cut, those of calls that stand, and of graphs that a body which begins again has called itself before its last
    call that stands; raises StateGoneOn.
    """
    rows = execute(
        connections[using],
        "SELECT namespace, metadata FROM workflows_checkpoint"
        " WHERE thread_id = %s AND namespace <> '' AND id > %s ORDER BY id DESC",
        (thread_id, checkpoint),
    ).fetchall()
    if cut is None:
        return frozenset(namespace for namespace, _ in rows)
    begun = {namespace: json.loads(metadata) for namespace, metadata in rows}
    before = {name: int(each.get("calls_before", 0)) for name, each in begun.items()}
    lasting = next((each for each in begun if NS_END not in each), None)
    if lasting is not None:
        raise StateGoneOn(lasting)
    tasks = execute(
        connections[using],
        "SELECT DISTINCT task FROM workflows_pendingwrite"
        " WHERE thread_id = %s AND namespace = '' AND checkpoint = %s",
        (thread_id, checkpoint),
    ).fetchall()
    known = {row[0] for row in tasks} | cut.bodies.keys()
    return frozenset(name for name in begun if _stands(name, cut, known, before))


def _stands(
    namespace: str, cut: Cut, known: Collection[str], before: Mapping[str, int]
) -> bool:
    parts = namespace.split(NS_SEP)
    tasks = [part.rpartition(NS_END)[2] for part in parts]
    depth = 0
    while depth < len(tasks) and tasks[depth] in known:
        if tasks[depth] in cut.dropped:
            return False
        depth += 1
    caller = tasks[depth - 1] if depth else ""
    if caller not in cut.bodies:
        return bool(depth)
    numbered = depth < len(parts) and parts[depth].isdigit()
    called = NS_SEP.join(parts[: depth + numbered])
    return before.get(called, 0) <= cut.bodies[caller]
