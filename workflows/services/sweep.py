"""What every worker does again and again: take up lost runs, what has slept, what is due by the clock, and questions that wait too long."""

from __future__ import annotations

from workflows.services.desk.holding import release_forgotten
from workflows.services.desk.steps import take_due_steps
from workflows.services.forgotten import tell_of_forgotten
from workflows.services.recover_runs import recover_runs
from workflows.services.schedules.ticking import tick_schedules
from workflows.services.sleepers import wake_sleepers


def sweep() -> int:
    """One round; returns how many runs were woken, started or let go, threads that slept, and steps done."""
    tell_of_forgotten()
    return recover_runs() + take_what_is_due()


def take_what_is_due() -> int:
    """What has come by the clock alone; returns how many threads woke, steps were done, and runs let go or started."""
    woken = wake_sleepers() + take_due_steps() + release_forgotten()
    return woken + tick_schedules()
