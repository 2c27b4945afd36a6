"""What every worker does again and again: take up lost runs, what has slept, and questions that wait too long."""

from __future__ import annotations

from workflows.services.desk.holding import release_forgotten
from workflows.services.desk.steps import take_due_steps
from workflows.services.forgotten import tell_of_forgotten
from workflows.services.recover_runs import recover_runs
from workflows.services.sleepers import wake_sleepers


def sweep() -> int:
    """One round; returns how many runs were woken or let go, threads that slept, and steps done."""
    tell_of_forgotten()
    return recover_runs() + wake_sleepers() + take_due_steps() + release_forgotten()
