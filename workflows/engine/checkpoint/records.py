"""What the in-memory saver keeps of a thread: one `Space` a namespace, checkpoints and writes as text."""

from __future__ import annotations

from bisect import insort
from typing import Any

from workflows.engine.checkpoint.kept import Node
from workflows.engine.constants import CALL, ERROR, INTERRUPT, RESUME, RETURN, RUNS
from workflows.engine.serde.plain import SAFE

SLOTS = {
    ERROR: "error",
    INTERRUPT: "interrupt",
    RESUME: "resume",
    RETURN: "return",
    CALL: "return",
    RUNS: "runs",
}
_OWN_LISTS = frozenset({"parents", "wrote"})


class Saved:
    """One checkpoint: `body` is the text of [checkpoint without values, metadata]."""

    __slots__ = ("body", "id", "parent", "values", "versions")

    def __init__(
        self,
        id: str,
        parent: str | None,
        body: bytes,
        values: dict[str, Node],
        versions: dict[str, Any],
    ) -> None:
        self.id = id
        self.parent = parent
        self.body = body
        self.values = values
        self.versions = versions


class TaskRecord:
    """What one task has saved: slot to the text of its [channel, value] pairs."""

    __slots__ = ("path", "slots")

    def __init__(self, path: str) -> None:
        self.path = path
        self.slots: dict[str, bytes] = {}


class Space:
    """One namespace of one thread."""

    __slots__ = ("ids", "saved", "writes")

    def __init__(self) -> None:
        self.ids: list[str] = []  # sorted, the head last
        self.saved: dict[str, Saved] = {}
        self.writes: dict[str, dict[str, TaskRecord]] = {}

    def add(self, saved: Saved) -> None:
        """Enter a checkpoint, at its place by id."""
        if saved.id not in self.saved:
            if not self.ids or saved.id > self.ids[-1]:
                self.ids.append(saved.id)
            else:
                insort(self.ids, saved.id)
        self.saved[saved.id] = saved

    def enter(
        self, checkpoint_id: str, task_id: str, path: str, slots: dict[str, bytes]
    ) -> None:
        """Enter what a task wrote; a slot written before is replaced."""
        tasks = self.writes.get(checkpoint_id)
        if tasks is None:
            tasks = self.writes[checkpoint_id] = {}
        record = tasks.get(task_id)
        if record is None:
            record = tasks[task_id] = TaskRecord(path)
        record.slots.update(slots)

    def drop(self, ids: set[str]) -> None:
        """Remove checkpoints with their writes."""
        self.ids = [id for id in self.ids if id not in ids]
        for id in ids:
            self.saved.pop(id, None)
            self.writes.pop(id, None)

    def copy(self) -> Space:
        """A space of its own with the same history."""
        twin = Space()
        twin.ids = self.ids[:]
        twin.saved = dict(self.saved)
        for id, tasks in self.writes.items():
            twin.writes[id] = {}
            for task_id, record in tasks.items():
                twin.writes[id][task_id] = other = TaskRecord(record.path)
                other.slots = dict(record.slots)
        return twin


def is_engines_own(rest: dict[str, Any], metadata: Any) -> bool:
    """Say whether all of it is text, numbers and lists that the engine itself has made."""
    for item in rest.get("due") or ():
        if "send" in item or "carried" in item:
            return False
    for name, value in metadata.items():
        kind = type(value)
        if kind is not int and name not in _OWN_LISTS and not _is_harmless(value):
            return False
    return True


def _is_harmless(value: Any) -> bool:
    return type(value) in SAFE and (type(value) is not str or value.isascii())
