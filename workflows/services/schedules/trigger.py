"""Start the workflow of a schedule now, beside its instants (RB.10)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import UTC

from django.db import transaction

from workflows.models import Tick
from workflows.services.access import Person, row_of
from workflows.services.action import InvalidAnswer, NotPending, ThreadBusy
from workflows.services.desk import audit
from workflows.services.keys import check_key
from workflows.services.schedules import rows
from workflows.services.schedules.declared import Declared
from workflows.services.schedules.finding import find_to_operate
from workflows.services.schedules.starting import give, hold, is_busy, start
from workflows.services.start_run import Started
from workflows.storage.clock import database_now


@dataclass(frozen=True)
class TriggerSchedule:
    """A run of the schedule's workflow with the input for this moment, also where it is paused.

    With a `key` that was used before it starts nothing. `person` is None for a program.
    """

    person: Person | None
    name: str
    _: KW_ONLY
    key: str | None = None

    def check(self) -> Declared:
        """The schedule, where this person may operate it."""
        check_key("key", self.key)
        return find_to_operate(self.person, self.name)

    def execute(self) -> Tick:
        """Start it, or where the schedule queues let it wait for the former one; ThreadBusy where it skips."""
        item = self.check()
        now = database_now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        given = give(item, now)
        if given.fault:
            raise InvalidAnswer({"": given.fault})
        with transaction.atomic():
            rows.row_of(item, now)
            hold(item.name)
            known = Tick.objects.filter(schedule=item.name, key=self.key).first()
            if self.key is not None and known is not None:
                return known
            tick = Tick(
                schedule_id=item.name,
                at=now,
                status=Tick.Status.QUEUED,
                thread_id=f"{item.name} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3]
                + "Z",
                person=row_of(self.person),
                key=self.key,
            )
            if item.overlap == "allow" or not is_busy(item.name):
                start(item, tick, given)
            elif item.overlap == "skip":
                raise ThreadBusy(
                    f"A thread that the schedule {item.name} has started has not ended; it lets none begin beside it."
                )
            if tick.status == Tick.Status.REFUSED:
                raise NotPending(f"Nothing was started: {tick.text}")
            tick.save()
            audit.record(
                self.person,
                "schedule.triggered",
                graph=item.graph,
                thread=tick.thread_id,
                subject=f"schedule {item.name}",
            )
        return tick


def trigger_schedule(name: str) -> Started | None:
    """Start the workflow of a schedule now, with the input for this moment; its instants stay what they are (RB.10).

    None where the schedule queues and a thread that it has started has not ended: then it starts after that. Where it
    skips that raises ThreadBusy. Raises UnknownScheduleError, InvalidAnswer where there is no input, NotPending
    where the start is refused.
    """
    tick = TriggerSchedule(None, name).execute()
    return None if tick.run_id is None else Started(tick.thread_id, tick.run_id)
