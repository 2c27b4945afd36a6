"""How a run has ended."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from workflows.engine.callbacks import PauseStatus
from workflows.engine.checkpoint.base import Asked
from workflows.engine.types import Interrupt
from workflows.engine.waits import questions_among


class Outcome(Struct, eq=False):
    """How a run ended: `status` is success, interrupted, waiting, paused (a breakpoint) or stopped.

    One that is waiting asks nobody: its tasks sleep, or wait for signals.

    `interrupts` are all that it waits for, `questions` those of them that somebody is asked.
    """

    values: Any
    interrupts: tuple[Interrupt, ...] = ()
    status: str = "success"
    asked: tuple[Asked, ...] = ()
    paused_at: PauseStatus = "pending"
    """What held a run whose status is paused or interrupted; "pending" stands for questions."""

    @property
    def is_pause(self) -> bool:
        """Say whether the run stands at questions, at a breakpoint, its own or one below, or sleeps."""
        return self.status in ("interrupted", "paused", "waiting")

    @property
    def questions(self) -> tuple[Interrupt, ...]:
        """What somebody is asked."""
        return questions_among(self.interrupts)
