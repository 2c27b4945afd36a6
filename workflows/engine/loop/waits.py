"""What a task waits for is one list: questions, which somebody is asked, and sleeps (RB.1)."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.engine.types import Interrupt, Sleep


def questions_among(waits: Sequence[Interrupt]) -> tuple[Interrupt, ...]:
    """What somebody is asked, of what tasks wait for."""
    return tuple([each for each in waits if not isinstance(each, Sleep)])


def sleeps_among(waits: Sequence[Interrupt]) -> tuple[Sleep, ...]:
    """The sleeps among what tasks wait for, the earliest first."""
    found = [each for each in waits if isinstance(each, Sleep)]
    return tuple(sorted(found, key=lambda each: each.until))
