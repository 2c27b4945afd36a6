"""Sleeping for an hour or a month: the run ends meanwhile, and the instant is kept (RB.1)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.engine.fake_clock import to_wait
from workflows.engine.kinds import refused
from workflows.engine.later import asyncio, is_in_loop
from workflows.engine.runtime import current
from workflows.engine.waiting import later, next_spot, seconds_of
from workflows.engine.waits import Sleep

IN_PLACE = 2.0
"""Seconds; who sleeps for no longer is waited for where he stands, unless `sleep_in_place` says otherwise."""


def sleep(duration: float | timedelta) -> bool:
    """Let this task go on when `duration` (seconds, or a timedelta) is over; True if it slept so long, False if woken.

    The instant is fixed and saved when the task first comes here. The run ends as "waiting", nothing is held
    meanwhile, and the task goes on from its beginning, as after a question: what is recorded is not done again. Up
    to 2 seconds are waited for in place and not recorded; `sleep_in_place` in `configurable` gives another limit.
    Works in nodes, `@task`s and entrypoints.

    Raises RuntimeError outside a graph and without a checkpointer, and in a coroutine for what is waited for in
    place (there, `await asleep(...)`); TypeError or ValueError for a duration that is none.
    """
    return _stay(_asked_for(seconds=seconds_of(duration, "sleep()", "duration")))


def sleep_until(instant: datetime) -> bool:
    """Let this task go on at `instant`, which has a time zone; one that is past does not wait. As `sleep`."""
    return _stay(_asked_for(instant=_instant(instant)))


async def asleep(duration: float | timedelta) -> bool:
    """`sleep` in a coroutine."""
    return await _astay(_asked_for(seconds=seconds_of(duration, "sleep()", "duration")))


async def asleep_until(instant: datetime) -> bool:
    """`sleep_until` in a coroutine."""
    return await _astay(_asked_for(instant=_instant(instant)))


def _asked_for(seconds: float = 0.0, instant: datetime | None = None) -> bool | float:
    """How the sleep has ended, or the seconds that are left to wait in place; else the task ends here."""
    spot = next_spot("sleep", "sleep()")
    if spot.answer is not None:
        return spot.answer.value is True
    until = spot.until
    in_place = spot.context.run.settings.get("sleep_in_place", IN_PLACE)
    if until is None:
        now = spot.now()
        instead = "to wait for a person use interrupt()"
        until = instant or later(now, seconds, "sleep()", instead)
        left = (until - now).total_seconds()
        if left <= in_place:
            return max(left, 0.0)
    raise spot.stop_for(
        Sleep(spot.id, until),
        f"sleeps for more than {in_place:g} seconds",
        "the instant",
    )


def _stay(found: bool | float) -> bool:
    if isinstance(found, bool):
        return found
    if is_in_loop():
        raise RuntimeError(
            "sleep() of up to 2 seconds was called in a coroutine, where it would hold up all "
            "others: write `await asleep(...)`"
        )
    context: Any = current.get()
    stop = context.run.stop
    asked_to_end = threading.Event()
    stop.listen(asked_to_end.set)
    try:
        if not stop.is_now:
            asked_to_end.wait(to_wait(found))
    finally:
        stop.forget(asked_to_end.set)
    context.meet_stop()
    return True


async def _astay(found: bool | float) -> bool:
    if isinstance(found, bool):
        return found
    await asyncio.sleep(to_wait(found))
    context: Any = current.get()
    context.meet_stop()
    return True


def _instant(instant: Any) -> datetime:
    if not isinstance(instant, datetime):
        wanted = "a datetime with a time zone"
        raise refused("sleep_until()", "instant", instant, wanted)
    if instant.tzinfo is None:
        raise ValueError(
            f"sleep_until(): {instant!r} has no time zone; add one, such as tzinfo=UTC"
        )
    return instant.astimezone(UTC)
