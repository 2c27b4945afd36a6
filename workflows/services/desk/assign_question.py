"""Give a question to a person or a group, put it off, say how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from workflows.models import Interrupt
from workflows.models.interrupt import END_OF_TIME
from workflows.services.access import DECIDE, Person, find_interrupt, name_of
from workflows.services.action import InvalidAnswer, NotAllowed
from workflows.services.closed_question import refuse_closed
from workflows.services.desk.deciding import Decider
from workflows.services.desk.notify import people_of, tell_people
from workflows.services.desk.policies import rules_for
from workflows.services.desk.steps import next_step
from workflows.services.desk.telling import tell
from workflows.storage.clock import database_now, machine_now

PRIORITIES = range(-100, 101)
# Reminders are counted back from a moment, and escalations on from it.
YEARS = range(1970, 9_000)
UNCHANGED: Any = object()


@dataclass(frozen=True)
class ArrangeQuestion:
    """`person` changes who should answer question `interrupt`, and by when.

    `assignee` is a user name and `group` a group's name, empty for nobody; `snooze_until`
    and `due_at` are aware moments or None. What is left out stays as it is. Whoever decides
    questions of this kind, whoever has this one, or operates its workflow, may do this.
    """

    person: Person
    interrupt: int
    assignee: str = UNCHANGED
    group: str = UNCHANGED
    snooze_until: datetime | None = UNCHANGED
    due_at: datetime | None = UNCHANGED
    priority: int = UNCHANGED

    def check(self) -> Interrupt:
        """The open question, where this person may arrange it."""
        row = find_interrupt(self.person, self.interrupt)
        decider = Decider(self.person)
        decider.rights.require_scope(DECIDE)
        if not (decider.is_decider(row) or decider.rights.can_operate(row.graph)):
            raise NotAllowed(f"You may see question #{row.pk} but not arrange it.")
        refuse_closed(row)
        return row

    def execute(self) -> Interrupt:
        """The question as it is arranged now; raises InvalidAnswer with a text per field."""
        with transaction.atomic():
            row = self.check()
            changes = self._changes(row)
            if changes:
                for name, value in changes.items():
                    setattr(row, name, value)
                fields = [*changes]
                if "due_at" in changes:
                    row.due_order = row.due_at or END_OF_TIME
                    # A passed moment is not made up for.
                    row.next_step_at = next_step(row, rules_for(row), database_now())
                    fields += ["due_order", "next_step_at"]
                row.save(update_fields=fields)
                if changes.keys() & {"assignee", "assigned_group"}:
                    self._tell_new_people(row)
                told = {name: _said(value) for name, value in changes.items()}
                tell(row, self.person, "arranged", **told)
        return row

    def _tell_new_people(self, row: Interrupt) -> None:
        """Tell those whom the question was given to, but not whoever gave it."""
        people = [each for each in people_of(row) if each.pk != self.person.pk]
        words = f"{name_of(self.person)} gave you “{row.title}”"
        tell_people(people, row, "asked", words)

    def _changes(self, row: Interrupt) -> dict[str, Any]:
        errors: dict[str, str] = {}
        changes: dict[str, Any] = {}
        if self.assignee is not UNCHANGED:
            changes["assignee"] = self._person(row, errors)
        if self.group is not UNCHANGED:
            changes["assigned_group"] = _group(self.group, errors)
        if self.snooze_until is not UNCHANGED:
            if self.snooze_until is not None and self.snooze_until <= machine_now():
                errors["snooze_until"] = "a moment that is still to come"
            elif self.snooze_until is not None and self.snooze_until.year not in YEARS:
                errors["snooze_until"] = f"in the years {YEARS[0]} to {YEARS[-1]}"
            changes["snoozed_until"] = self.snooze_until
        if self.due_at is not UNCHANGED:
            if self.due_at is not None and self.due_at.year not in YEARS:
                errors["due_at"] = f"in the years {YEARS[0]} to {YEARS[-1]}"
            changes["due_at"] = self.due_at
        if self.priority is not UNCHANGED:
            if self.priority not in PRIORITIES:
                errors["priority"] = "a whole number from -100 to 100"
            changes["priority"] = self.priority
        if errors:
            raise InvalidAnswer(errors)
        return {n: v for n, v in changes.items() if getattr(row, n) != v}

    def _person(self, row: Interrupt, errors: dict[str, str]) -> Any:
        if not self.assignee:
            return None
        users = get_user_model()._default_manager
        found = users.filter(**{get_user_model().USERNAME_FIELD: self.assignee}).first()
        if found is None or not found.is_active:
            errors["assignee"] = f"there is no active person named {self.assignee!r}"
        elif Decider(found).why_not_assign(row):
            errors["assignee"] = f"{self.assignee} may not decide this question"
        return found


def _group(name: str, errors: dict[str, str]) -> Group | None:
    if not name:
        return None
    found = Group.objects.filter(name=name).first()
    if found is None:
        errors["group"] = f"there is no group named {name!r}"
    return found


def _said(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, int) else str(value)
