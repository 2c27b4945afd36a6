"""Name a step of a thread, so that people find it again and retention keeps it; take a name off."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine.checkpoint.labels import Label, label_text
from workflows.services.access import Person, Rights, find_thread, name_of, require
from workflows.services.action import InvalidAnswer
from workflows.services.desk import audit
from workflows.services.queueing import lock_thread
from workflows.services.step import known_step
from workflows.storage import labels
from workflows.storage.labels import Step


@dataclass(frozen=True)
class LabelStep:
    """`person` gives the step whose checkpoint it is the name `text`."""

    person: Person
    thread_id: str
    checkpoint: str
    text: str

    def check(self) -> Step:
        """The step, where this person may name it; raises InvalidAnswer for what is no name."""
        step = _step(self.person, self.thread_id, self.checkpoint)
        _name(self.text)
        return step

    def execute(self) -> Label:
        """The label; one that the step has already stays as it was."""
        with transaction.atomic():
            lock_thread(find_thread(self.person, self.thread_id).pk)
            step, text = self.check(), _name(self.text)
            label, is_new = labels.set_label(
                DEFAULT_DB_ALIAS, step, text, name_of(self.person)
            )
            if is_new:
                _note(self.person, "step.labelled", step, text)
        return label


@dataclass(frozen=True)
class UnlabelStep:
    """`person` takes the name `text` off the step whose checkpoint it is."""

    person: Person
    thread_id: str
    checkpoint: str
    text: str

    def check(self) -> Step:
        """The step, where this person may name it."""
        return _step(self.person, self.thread_id, self.checkpoint)

    def execute(self) -> bool:
        """Whether it was there; a second call changes nothing."""
        with transaction.atomic():
            lock_thread(find_thread(self.person, self.thread_id).pk)
            step = self.check()
            gone = labels.remove_label(
                DEFAULT_DB_ALIAS, step, _name(self.text), name_of(self.person)
            )
            if gone:
                _note(self.person, "step.unlabelled", step, _name(self.text))
        return bool(gone)


def _step(person: Person, thread_id: str, checkpoint: str) -> Step:
    thread = find_thread(person, thread_id)
    require(
        Rights(person).can_label(thread.graph),
        "You may see this thread but not label its steps: reviewers and operators do.",
    )
    return known_step(thread, checkpoint)


def _name(text: str) -> str:
    try:
        return label_text(text, "label")
    except ValueError as error:
        said = str(error).rpartition("; ")[2]
        if not text.strip():
            said = "Give it a name."
        raise InvalidAnswer({"text": said[:1].upper() + said[1:]}) from error


def _note(person: Person, action: str, step: Step, text: str) -> None:
    thread = find_thread(person, step.thread_id)
    audit.record(
        person,
        action,
        graph=thread.graph,
        thread=thread.pk,
        subject=f"step {step.step} of thread {thread.pk}",
        data={"label": text, "step": step.step, "checkpoint": step.checkpoint},
    )
