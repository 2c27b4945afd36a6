"""The steps of a thread as they were saved, newest first, and its state at any of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from workflows.models import Checkpoint, CheckpointLabel
from workflows.services.access import Person, Rights, find_thread
from workflows.services.desk.secrets_seen import note_secrets_seen
from workflows.services.records import State
from workflows.services.state import read_state
from workflows.services.step import known_step

MAX_PAGE = 500


@dataclass(frozen=True)
class ListedStep:
    """One step without its state; `labels` are the names that people and programs gave it."""

    checkpoint: str
    parent: str
    number: int
    source: str
    run: int | None
    at: datetime
    labels: tuple[str, ...] = ()
    is_head: bool = False


def step_list(
    person: Person, thread_id: str, *, limit: int = 50, before: str = ""
) -> list[ListedStep]:
    """The steps of the thread itself, not of graphs below it; raises NotVisible.

    `before` is the checkpoint of the last step of the page before.
    """
    thread = find_thread(person, thread_id)
    rows = Checkpoint.objects.filter(thread=thread.pk, namespace="").order_by("-id")
    if before:
        rows = rows.filter(id__lt=before)
    columns = ("id", "parent", "step", "source", "run_id", "created_at")
    found = list(rows.values_list(*columns)[: max(1, min(limit, MAX_PAGE))])
    labels = _labels(thread.pk, [row[0] for row in found])
    return [
        ListedStep(
            checkpoint=checkpoint,
            parent=parent,
            number=number,
            source=source,
            run=run,
            at=at,
            labels=tuple(labels.get(checkpoint, ())),
            is_head=checkpoint == thread.head,
        )
        for checkpoint, parent, number, source, run, at in found
    ]


def state_at(
    person: Person, thread_id: str, checkpoint: str = "", whole: Collection[str] = ()
) -> State:
    """The state after a step, by default the newest; raises NotVisible.

    Long values are cut, but for those of the fields that `whole` names.
    """
    thread, rights = find_thread(person, thread_id), Rights(person)
    if checkpoint:
        known_step(thread, checkpoint)
    note_secrets_seen(rights, thread)
    return read_state(thread, rights, checkpoint, whole)


def _labels(thread_id: str, checkpoints: Collection[str]) -> dict[str, list[str]]:
    rows = CheckpointLabel.objects.filter(
        thread=thread_id, namespace="", checkpoint__in=checkpoints
    )
    found: dict[str, list[str]] = {}
    for checkpoint, text in rows.order_by("id").values_list("checkpoint", "text"):
        found.setdefault(checkpoint, []).append(text)
    return found
