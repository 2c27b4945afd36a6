"""The schedules that a person may see or operate: those of workflows where they may (RB.10)."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.models import Schedule
from workflows.services.access import Person, Rights, require
from workflows.services.action import NotPending, NotVisible
from workflows.services.schedules import declared
from workflows.services.schedules.declared import Declared, UnknownScheduleError


@dataclass(frozen=True)
class Found:
    """A schedule: as the code declares it, or None where it does no more; its row, or None where there is none yet."""

    name: str
    item: Declared | None
    row: Schedule | None

    @property
    def graph(self) -> str:
        """The workflow that it starts, or did."""
        if self.item is not None:
            return self.item.graph
        return self.row.graph if self.row is not None else ""


def find_schedules(rights: Rights | None) -> list[Found]:
    """All that the person may see, all where nobody asks, by name; those that the code declares no more come last."""
    rows = {row.pk: row for row in Schedule.objects.select_related("paused_by")}
    found = [
        Found(item.name, item, rows.pop(item.name, None)) for item in declared.all()
    ]
    found += [Found(name, None, rows[name]) for name in sorted(rows, key=str.lower)]
    return [each for each in found if rights is None or rights.can_see(each.graph)]


def find_schedule(rights: Rights, name: str) -> Found:
    """The schedule, where the person may see it."""
    row = None
    if "\0" not in name:
        rows = Schedule.objects.select_related("paused_by")
        row = rows.filter(pk=name).first()
    found = Found(name, declared.find(name), row)
    is_there = found.item is not None or row is not None
    if not is_there or not rights.can_see(found.graph):
        raise NotVisible("schedule", name)
    return found


def find_to_operate(person: Person | None, name: str) -> Declared:
    """What the code declares, where this person may operate its workflow; of nobody rights are not asked."""
    if person is None:
        item = declared.find(name)
        if item is None:
            raise UnknownScheduleError(name)
        return item
    rights = Rights(person)
    found = find_schedule(rights, name)
    require(
        rights.can_operate(found.graph), "You may see this schedule but not operate it."
    )
    if found.item is None:
        raise NotPending(
            f"The code does not declare the schedule {name} any more: it starts nothing."
        )
    return found.item
