"""Builders of commits, as the engine makes them."""

from __future__ import annotations

from typing import Any

from workflows.engine.checkpoint.base import (
    Asked,
    Checkpoint,
    Commit,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.constants import INTERRUPT
from workflows.engine.ids import digest, interrupt_id, new_checkpoint_id, now_text
from workflows.engine.types import Interrupt


class History:
    """Writes a thread step by step, as a loop would."""

    def __init__(self, saver: Any, thread_id: str = "t", namespace: str = "") -> None:
        self.saver = saver
        self.thread_id = thread_id
        self.namespace = namespace
        self.head: Any = None
        self.ids: list[str] = []
        self.place: Any = None
        self.question = ""
        self.step = -2
        self.values: dict[str, Any] = {}
        self.versions: dict[str, int] = {}

    def checkpoint(self, changes: dict[str, Any], due: Any = ()) -> Checkpoint:
        self.values = {**self.values, **changes}
        for name in changes:
            self.versions[name] = self.versions.get(name, 0) + 1
        return {
            "v": 1,
            "id": new_checkpoint_id(self.head or ""),
            "ts": now_text(),
            "channel_values": dict(self.values),
            "channel_versions": dict(self.versions),
            "versions_seen": {},
            "updated_channels": sorted(changes),
            "due": list(due),
        }

    def commit(
        self,
        changes: dict[str, Any] | None = None,
        writes: Any = (),
        due: Any = (),
        **options: Any,
    ) -> Any:
        """Save a step that changes these channels; returns the new head."""
        checkpoint = None
        metadata: dict[str, Any] = {}
        if changes is not None:
            checkpoint = self.checkpoint(changes, due)
            self.step += 1
            source = "input" if self.step == -1 else "loop"
            metadata = {"source": source, "step": self.step, "parents": {}}
        self.saver.commit(
            Commit(
                self.thread_id,
                self.namespace,
                self.head,
                writes=writes,
                checkpoint=checkpoint,
                metadata=metadata,
                changed={name: self.versions[name] for name in changes or ()},
                **options,
            )
        )
        if checkpoint is not None:
            self.head = checkpoint["id"]
        return self.head

    def read(self, checkpoint_id: str | None = None, saver: Any = None) -> Any:
        config = checkpoint_config(self.thread_id, self.namespace, checkpoint_id)
        return (saver or self.saver).get_tuple(config)


def task(task_id: str = "task-1", name: str = "node", **writes: Any) -> TaskWrites:
    return TaskWrites(task_id, f"~pull|{name}", name, [*writes.items()])


def asking(
    value: Any, *, task_id: str = "task-1", name: str = "node", ordinal: int = 0
):
    """A task that ends with a question; (its writes, the question's id)."""
    question = Interrupt(value, interrupt_id(task_id, ordinal))
    asked = Asked(question, ordinal, None, digest(repr(value)))
    writes = [(INTERRUPT, [question])]
    return (
        TaskWrites(task_id, f"~pull|{name}", name, writes, asked=[asked]),
        question.id,
    )
