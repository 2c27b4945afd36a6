"""One step of a thread as it was saved: for whoever looks back."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from workflows.models import Thread
from workflows.services.access import Person, Rights, find_thread
from workflows.services.action import NotVisible
from workflows.services.desk.secrets_seen import note_secrets_seen
from workflows.services.records import State, StepRecord
from workflows.services.state import read_state
from workflows.services.thread_history import labels_of, plain_thread
from workflows.storage.labels import Step, find_step
from workflows.storage.saver import DjangoSaver
from workflows.storage.undos import is_undone_since


class StepGone(NotVisible):
    """The person sees the thread, and it has no such step, or no longer."""

    def __init__(self, thread: Thread, checkpoint: str) -> None:
        super().__init__("step", checkpoint.replace("\x00", "?"))
        self.thread = thread


def known_step(thread: Thread, checkpoint: str) -> Step:
    """The step of the thread itself, not of a graph below it; raises StepGone."""
    found = find_step(thread.pk, checkpoint) if checkpoint else None
    if found is None:
        raise StepGone(thread, checkpoint)
    return found


def goes_on(state: State) -> bool:
    """Whether the workflow has anything left to do after the step with this state, but to undo what it has done."""
    return bool(state.next) and not state.is_undoing


def step_detail(person: Person, thread_id: str, checkpoint: str) -> StepRecord:
    """One step with the state after it; raises NotVisible."""
    row, rights = find_thread(person, thread_id), Rights(person)
    step = known_step(row, checkpoint)
    note_secrets_seen(rights, row)
    state = read_state(row, rights, checkpoint)
    return StepRecord(
        plain_thread(row),
        checkpoint,
        step.step,
        step.source,
        step.at,
        state,
        tuple(
            each
            for each in labels_of(row.pk)
            if (each.checkpoint, each.namespace) == (checkpoint, "")
        ),
        is_head=checkpoint == row.head,
        may_label=rights.can_label(row.graph),
        may_fork=(may_fork := goes_on(state) and rights.can_operate(row.graph)),
        is_undone_since=may_fork
        and is_undone_since(DjangoSaver(), DEFAULT_DB_ALIAS, row.pk, checkpoint),
    )
