"""What the in-memory saver keeps of a thread: one `Space` a namespace, checkpoints and writes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.kept import Node
from workflows.engine.constants import CALL, ERROR, INTERRUPT, RESUME, RETURN, RUNS
from workflows.engine.ids import TaskKey

SLOTS = {
    ERROR: "error",
    INTERRUPT: "interrupt",
    RESUME: "resume",
    RETURN: "return",
    CALL: "return",
    RUNS: "runs",
}
Bare = tuple[tuple[str, Any], ...]
"""Channel writes as they are: scalars alone, which nobody can change."""
Slots = dict[str, bytes] | Bare
"""What a task has written: a text a slot, or all of it bare."""
Parts = tuple[object, ...]


class Saved:
    """One checkpoint: `body` is the text of [checkpoint without values, metadata].

    `values` are nodes, but for scalars, which stand there themselves.
    """

    __slots__ = ("body", "id", "parent", "values", "versions")

    def __init__(
        self,
        id: str,
        parent: str | None,
        body: bytes,
        values: dict[str, Node | Any],
        versions: dict[str, Any],
    ) -> None:
        self.id = id
        self.parent = parent
        self.body = body
        self.values = values
        self.versions = versions


class TaskRecord:
    """What one task has saved: slot to its (channel, value) pairs, or to the text of them."""

    __slots__ = ("path", "slots")

    def __init__(self, path: str) -> None:
        self.path = path
        self.slots: dict[str, bytes | Bare] = {}


class Space:
    """One namespace of one thread."""

    __slots__ = ("entered", "ids", "labels", "saved")

    def __init__(self) -> None:
        self.ids: list[str] = []  # sorted, the head last
        # By checkpoint and text: by whom, and when.
        self.labels: dict[str, dict[str, tuple[str, datetime]]] = {}
        self.saved: dict[str, Saved] = {}
        # By checkpoint, in the order in which it came; sorted by task when it is read. Tuples of
        # text and numbers, where that can be: the garbage collector passes over them.
        self.entered: dict[str, Sequence[tuple[str | Parts, str, Slots]]] = {}

    def add(self, saved: Saved) -> None:
        """Enter a checkpoint, at its place by id."""
        if saved.id not in self.saved:
            if not self.ids or saved.id > self.ids[-1]:
                self.ids.append(saved.id)
            else:
                insort(self.ids, saved.id)
        self.saved[saved.id] = saved

    def enter(
        self, checkpoint_id: str, task: str | TaskKey, path: str, slots: Slots
    ) -> None:
        """Enter what a task wrote; a slot written before is replaced."""
        entry = (task.parts if isinstance(task, TaskKey) else task, path, slots)
        entries = self.entered.get(checkpoint_id)
        if entries is None:
            self.entered[checkpoint_id] = (entry,)
        elif isinstance(entries, list):
            entries.append(entry)
        else:
            self.entered[checkpoint_id] = [*entries, entry]

    def tasks_of(self, checkpoint_id: str) -> dict[str, TaskRecord]:
        """What the tasks of the step after a checkpoint have saved, by task id."""
        tasks: dict[str, TaskRecord] = {}
        for task, path, slots in self.entered.get(checkpoint_id, ()):
            task_id = task if isinstance(task, str) else ids.task_id(*task)
            record = tasks.get(task_id)
            if record is None:
                record = tasks[task_id] = TaskRecord(path)
            record.slots.update(
                {"writes": slots} if isinstance(slots, tuple) else slots
            )
        return tasks

    def drop(self, ids: set[str]) -> None:
        """Remove checkpoints with their writes."""
        self.ids = [id for id in self.ids if id not in ids]
        for id in ids:
            self.saved.pop(id, None)
            self.entered.pop(id, None)
            self.labels.pop(id, None)

    def copy(self) -> Space:
        """A space of its own with the same history."""
        twin = Space()
        twin.ids = self.ids[:]
        twin.saved = dict(self.saved)
        twin.labels = {id: dict(labels) for id, labels in self.labels.items()}
        twin.entered = {id: [*entries] for id, entries in self.entered.items()}
        return twin
