"""What every worker does again and again: take up lost runs, and questions that wait too long."""

from __future__ import annotations

from workflows.services.desk.steps import take_due_steps
from workflows.services.recover_runs import recover_runs


def sweep() -> int:
    """One round; returns how many runs were woken and how many steps were done."""
    return recover_runs() + take_due_steps()
