"""Start what a schedule has not started of the past (RB.10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.utils import timezone

from workflows.services.access import Person
from workflows.services.action import InvalidAnswer
from workflows.services.desk import audit
from workflows.services.schedules import rows
from workflows.services.schedules.declared import Declared
from workflows.services.schedules.finding import find_to_operate
from workflows.services.schedules.starting import hold, queue
from workflows.storage.clock import database_now

MOST = 1_000
"""Instants of one backfill."""
FIRST_YEAR = 1970


@dataclass(frozen=True)
class BackfillSchedule:
    """Let the instants from `start` to `end`, both included, wait their turn, where they were not started before.

    One after the other where the schedule lets none begin beside another. `person` is None for a program.
    """

    person: Person | None
    name: str
    start: datetime
    end: datetime

    def check(self) -> Declared:
        """The schedule, where this person may operate it and the times make sense."""
        item = find_to_operate(self.person, self.name)
        for place, given in (("start", self.start), ("end", self.end)):
            if not isinstance(given, datetime) or not timezone.is_aware(given):
                raise InvalidAnswer({place: "has no time zone; give an aware datetime"})
        if self.start.year < FIRST_YEAR:
            raise InvalidAnswer({"start": f"lies before {FIRST_YEAR}"})
        if self.end < self.start:
            raise InvalidAnswer({"end": "lies before the start"})
        if self.end > database_now():
            raise InvalidAnswer(
                {"end": "lies in the future: what is to come starts by itself"}
            )
        return item

    def execute(self) -> int:
        """Queue them, in one transaction; returns how many. A worker starts them within seconds."""
        item = self.check()
        between = item.cron.between(self.start, self.end)
        instants = list(islice(between, MOST + 1))
        if len(instants) > MOST:
            raise InvalidAnswer(
                {
                    "end": f"there are more than {MOST:,} instants until then; take a shorter time"
                }
            )
        with transaction.atomic():
            rows.row_of(item, database_now())
            hold(item.name)
            queued = queue(item, instants, self.person)
            if queued:
                data = {"start": self.start.isoformat(), "end": self.end.isoformat()}
                audit.record(
                    self.person,
                    "schedule.backfilled",
                    graph=item.graph,
                    subject=f"schedule {item.name}",
                    data={**data, "count": len(queued)},
                )
        return len(queued)


def backfill(name: str, start: datetime, end: datetime) -> int:
    """Start what a schedule has not started from `start` to `end`, both included; returns how many instants (RB.10).

    Each instant is started once, however often this is called. Workers start them within seconds, one after the
    other unless the schedule's overlap is "allow"; while it is paused they wait.

    Raises UnknownScheduleError, InvalidAnswer for times without a zone, in the future, or with more than 1,000 instants.
    """
    return BackfillSchedule(None, name, start, end).execute()
