"""Pause a schedule, and let it go on (RB.10)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from workflows.models import Schedule
from workflows.services.access import Person, row_of
from workflows.services.desk import audit
from workflows.services.schedules import rows
from workflows.services.schedules.declared import Declared
from workflows.services.schedules.finding import find_to_operate
from workflows.services.schedules.starting import hold
from workflows.storage.clock import database_now


@dataclass(frozen=True)
class PauseSchedule:
    """From now on the schedule starts nothing by the clock, and nothing that waits. `person` is None for a program."""

    person: Person | None
    name: str

    def check(self) -> Declared:
        """The schedule, where this person may operate it."""
        return find_to_operate(self.person, self.name)

    @transaction.atomic
    def execute(self) -> bool:
        """Pause it; False where it is paused already."""
        row = _held(self.check())
        if row.paused_at is not None:
            return False
        row.paused_at, row.paused_by = database_now(), row_of(self.person)
        row.save(update_fields=["paused_at", "paused_by"])
        _note(self.person, "schedule.paused", row)
        return True


@dataclass(frozen=True)
class ResumeSchedule:
    """Let a paused schedule go on with its next instant; those that came meanwhile are left out."""

    person: Person | None
    name: str

    def check(self) -> Declared:
        """The schedule, where this person may operate it."""
        return find_to_operate(self.person, self.name)

    @transaction.atomic
    def execute(self) -> bool:
        """Let it go on; False where it is not paused."""
        item = self.check()
        row = _held(item)
        if row.paused_at is None:
            return False
        row.paused_at = row.paused_by = None
        row.next_at = item.cron.after(database_now())
        row.due_at = item.due(row.next_at)
        row.save(update_fields=["paused_at", "paused_by", "next_at", "due_at"])
        _note(self.person, "schedule.resumed", row)
        return True


def pause_schedule(name: str) -> bool:
    """Let a schedule start nothing until it is resumed; False where it is paused already (RB.10).

    What it has started goes on. Raises UnknownScheduleError.
    """
    return PauseSchedule(None, name).execute()


def resume_schedule(name: str) -> bool:
    """Let a paused schedule go on with its next instant; False where it is not paused (RB.10).

    What came meanwhile is left out: `backfill` starts it. Raises UnknownScheduleError.
    """
    return ResumeSchedule(None, name).execute()


def _held(item: Declared) -> Schedule:
    row = rows.row_of(item, database_now())
    return hold(item.name) or row


def _note(person: Person | None, action: str, row: Schedule) -> None:
    audit.record(person, action, graph=row.graph, subject=f"schedule {row.pk}")
