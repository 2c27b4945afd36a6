"""Labels of checkpoints as rows; each change is an event, so that open pages hear of it (RB.11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.models import OuterRef, Subquery

from workflows.engine.checkpoint.labels import Label, Labelled, label_text
from workflows.engine.checkpoint.shapes import checkpoint_config, thread_named_by
from workflows.engine.errors import CheckpointNotFoundError
from workflows.models import Checkpoint, CheckpointLabel, Thread
from workflows.storage.connections import execute, lock_thread
from workflows.storage.events import append_events

_BY_LENGTH = 200


class Step(NamedTuple):
    """A checkpoint without its values: which step it is of, what made it, and when."""

    thread_id: str
    namespace: str
    checkpoint: str
    step: int
    source: str
    at: datetime


class KeepsLabels(Labelled):
    """The part of the saver that keeps labels in the database `using`."""

    using: str

    def set_label(self, config: Any, text: str, by: str = "") -> Label:
        """Label the checkpoint at `config` (its `checkpoint_id`, else the head)."""
        text = label_text(text)
        with transaction.atomic(using=self.using):
            return set_label(self.using, self._step_at(config), text, by)[0]

    def remove_label(self, config: Any, text: str | None = None, by: str = "") -> int:
        """Take one label, or with None all, off a checkpoint; returns how many went."""
        text = None if text is None else label_text(text)
        with transaction.atomic(using=self.using):
            return remove_label(self.using, self._step_at(config), text, by)

    def labels(self, thread_id: str) -> Sequence[Label]:
        """The labels of a thread in all namespaces, the newest checkpoint first."""
        rows = CheckpointLabel.objects.using(self.using).filter(thread=str(thread_id))
        return [_label(row) for row in rows.order_by("-checkpoint", "id")]

    def _step_at(self, config: Any) -> Step:
        conf = thread_named_by(config)
        thread_id, namespace = str(conf["thread_id"]), conf.get("checkpoint_ns") or ""
        checkpoint = str(conf.get("checkpoint_id") or "")
        lock_thread(connections[self.using], thread_id)
        step = find_step(thread_id, checkpoint, namespace, using=self.using)
        if step is None:
            raise CheckpointNotFoundError(thread_id, checkpoint)
        return step


def find_step(
    thread_id: str, checkpoint: str, namespace: str = "", *, using: str = "default"
) -> Step | None:
    """The step of that checkpoint ("": the newest), or None where there is none."""
    if "\0" in f"{thread_id}{checkpoint}{namespace}":
        return None
    rows = Checkpoint.objects.using(using).filter(thread=thread_id, namespace=namespace)
    if checkpoint:
        rows = rows.filter(id=checkpoint)
    found = rows.order_by("-id").values_list("id", "step", "source", "created_at")
    row = found.first()
    return None if row is None else Step(thread_id, namespace, *row)


def labels_with_steps(
    thread_id: str, limit: int, *, using: str = "default"
) -> list[tuple[CheckpointLabel, int | None]]:
    """The rows of a thread's labels, the newest checkpoint first, each with its step's number."""
    number = Checkpoint.objects.filter(
        thread=OuterRef("thread"),
        namespace=OuterRef("namespace"),
        id=OuterRef("checkpoint"),
    )
    rows = CheckpointLabel.objects.using(using).filter(thread=thread_id)
    rows = rows.annotate(number=Subquery(number.values("step")))
    return [(row, row.number) for row in rows.order_by("-checkpoint", "id")[:limit]]


def set_label(using: str, step: Step, text: str, by: str = "") -> tuple[Label, bool]:
    """The label, and whether it is new; in the caller's transaction, who holds the thread's row."""
    row, is_new = CheckpointLabel.objects.using(using).get_or_create(
        thread_id=step.thread_id,
        namespace=step.namespace,
        checkpoint=step.checkpoint,
        text=text,
        defaults={"by": by[:_BY_LENGTH]},
    )
    if is_new:
        row.refresh_from_db(fields=["created_at"])
        _tell(using, step, text, by, "set")
    return _label(row), is_new


def remove_label(using: str, step: Step, text: str | None, by: str = "") -> int:
    """Take one label, or with None all, off a step, as `set_label` is called; returns how many went.

    Retention may have passed by because of them, so the thread is looked at again.
    """
    rows = CheckpointLabel.objects.using(using).filter(
        thread=step.thread_id, namespace=step.namespace, checkpoint=step.checkpoint
    )
    if text is not None:
        rows = rows.filter(text=text)
    texts = list(rows.order_by("id").values_list("text", flat=True))
    if texts:
        rows.delete()
        Thread.objects.using(using).filter(pk=step.thread_id).update(pruned_at=None)
    for each in texts:
        _tell(using, step, each, by, "removed")
    return len(texts)


def remove_lost(wrapper: Any, thread_id: str) -> None:
    """Remove the labels of checkpoints that are gone."""
    execute(
        wrapper,
        "DELETE FROM workflows_label WHERE thread_id = %s AND NOT EXISTS"
        " (SELECT 1 FROM workflows_checkpoint AS c"
        " WHERE c.thread_id = workflows_label.thread_id"
        " AND c.namespace = workflows_label.namespace"
        " AND c.id = workflows_label.checkpoint)",
        (thread_id,),
    )


def _label(row: CheckpointLabel) -> Label:
    config = checkpoint_config(row.thread_id, row.namespace, row.checkpoint)
    return Label(row.text, config, row.by, row.created_at)


def _tell(using: str, step: Step, text: str, by: str, action: str) -> None:
    told = {
        "action": action,
        "label": text,
        "checkpoint": step.checkpoint,
        "namespace": step.namespace,
        "step": step.step,
        "by": by,
    }
    append_events(using, step.thread_id, None, [("label", told)])
