"""Snapshots that are shown again while nothing of their checkpoint has changed.

Whoever waits for a thread asks for its state over and over. A saver that can tell that what it
would read is what it read before says so, and the loop makes the snapshot again from the text
that it kept of it. What one caller does to a snapshot reaches no other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from workflows.engine.checkpoint.shapes import LoneCheckpoint, Looked
from workflows.engine.loop.program import Program
from workflows.engine.loop.run import Run
from workflows.engine.serde.plain import decode_plain, encode_plain, is_plain
from workflows.engine.types import Interrupt, PregelTask, StateSnapshot

_KEPT = 256


class Kept(NamedTuple):
    """A snapshot of plain values: what can be changed as text, the rest as it is."""

    text: bytes
    next: tuple[str, ...]
    created_at: str | None
    tasks: tuple[PregelTask, ...]


class Shown(NamedTuple):
    """What a reading gave: `sign` is the saver's, `kept` is there from the second time on."""

    program: Program
    sign: Any
    kept: Kept | None


def may_repeat(run: Run, *, subgraphs: bool) -> bool:
    """Say whether the snapshot follows from one checkpoint of this run's saver alone."""
    return (
        run.outer is None
        and run.saver.tells_sameness
        and not subgraphs
        and not run.unknown
    )


def last_shown(run: Run) -> Shown | None:
    """What was last read where the run looks, by the same graph."""
    found: Shown | None = run.saver.looked_at.get(_key(run))
    return found if found is not None and found.program is run.program else None


def note(run: Run, looked: Looked, last: Shown | None, snapshot: StateSnapshot) -> None:
    """Remember what was read; the snapshot too, where it was read before as it is now."""
    if looked.sign is None or not isinstance(looked.found, LoneCheckpoint):
        return
    kept = None
    if last is not None and last.sign == looked.sign:
        kept = _kept(snapshot)
        if kept is None:
            return
    shown = run.saver.looked_at
    if len(shown) >= _KEPT:
        shown.clear()
    shown[_key(run)] = Shown(run.program, looked.sign, kept)


def made_again(kept: Kept) -> StateSnapshot:
    """The snapshot anew; nothing that can be changed is shared with one before."""
    values, config, metadata, parent_config, asked = decode_plain(kept.text)
    tasks = []
    for task, questions in zip(kept.tasks, asked, strict=True):
        interrupts = tuple(
            [Interrupt(value, id, response_schema=s) for value, id, s in questions]
        )
        made = PregelTask(task.id, task.name, task.path, task.error, interrupts)
        made.runs_of_this_task = task.runs_of_this_task
        tasks.append(made)
    return StateSnapshot(
        values,
        kept.next,
        config,
        metadata,
        kept.created_at,
        parent_config,
        tuple(tasks),
        tuple([question for task in tasks for question in task.interrupts]),
    )


def _kept(snapshot: StateSnapshot) -> Kept | None:
    """What `made_again` needs; None where a snapshot has more than that can give back."""
    for task in snapshot.tasks:
        # A finished task's writes go through the author's reducers, which may do anything.
        if task.result is not None or task.state is not None:
            return None
        if task.sleeps or task.waits:
            return None
        if any(each.carried or each.schema_class for each in task.interrupts):
            return None
    parts = [
        snapshot.values,
        snapshot.config,
        snapshot.metadata,
        snapshot.parent_config,
        [
            [[each.value, each.id, each.response_schema] for each in task.interrupts]
            for task in snapshot.tasks
        ],
    ]
    if not is_plain(parts):
        return None
    try:
        text = encode_plain(parts)
    except (
        ValueError,
        RecursionError,
    ):  # as the codec: lone surrogates, endless digits
        return None
    tasks = tuple([task._replace(interrupts=()) for task in snapshot.tasks])
    return Kept(text, snapshot.next, snapshot.created_at, tasks)


def _key(run: Run) -> tuple[str | None, str, str | None]:
    return run.thread_id, run.namespace, run.checkpoint_id
