"""A clock that a test moves: what the engine takes for the present, and what else of this process goes by it (RB.17)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from workflows.engine import ids

others: list[Callable[[FakeClock], AbstractContextManager[None]]] = []
"""What moves clocks that are not the engine's, such as a database's: entered when a fake clock is set up."""

active: FakeClock | None = None
"""The fake clock of this process; None outside of a `fake_clock()`."""

_turn = threading.Lock()


class FakeClock:
    """The real time and what it was advanced by. Made by `fake_clock`."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self._ahead = timedelta()
        self._adding = threading.Lock()

    @property
    def ahead(self) -> timedelta:
        """By how much it was advanced."""
        return self._ahead

    def seconds(self) -> float:
        """The present instant in seconds since 1970."""
        return self._real() + self._ahead.total_seconds()

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def advance(
        self,
        duration: timedelta | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> datetime:
        """Let so much time pass at once, given as a timedelta or in words; returns the instant it then is.

        What was to wait for less is due afterwards; nothing is started by it. Raises ValueError for nothing and for a
        step back, RuntimeError once the `with` block has ended.
        """
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        by += _checked(duration)
        if by <= timedelta():
            raise ValueError(
                f"advance(): {by} does not lead ahead; give a timedelta, or days=, hours=, minutes= or seconds=, above 0"
            )
        return self._advanced(by)

    def advance_to(self, instant: datetime) -> datetime:
        """Let it be `instant` at once, such as when a schedule is due next; returns the instant it then is.

        As `advance`; ValueError for an instant that is past, or has no time zone.
        """
        if instant.tzinfo is None:
            raise ValueError(
                f"advance_to(): {instant!r} has no time zone; add one, such as tzinfo=UTC"
            )
        by = instant - self.now()
        if by <= timedelta():
            raise ValueError(
                f"advance_to(): {instant} is past; it is {self.now()}, and no clock here goes back"
            )
        return self._advanced(by)

    def _advanced(self, by: timedelta) -> datetime:
        if active is not self:
            raise RuntimeError("advance(): the block of this fake_clock() has ended")
        self._add(by)
        return self.now()

    def _add(self, by: timedelta) -> None:
        with self._adding:
            try:
                datetime.fromtimestamp(self.seconds(), UTC) + by
            except OverflowError:
                raise ValueError(
                    f"advance(): {by} end after the year 9999; advance by less"
                ) from None
            self._ahead += by


def _checked(duration: timedelta | None) -> timedelta:
    if duration is None:
        return timedelta()
    if not isinstance(duration, timedelta):
        raise TypeError(
            f"advance(): {duration!r} is no timedelta; for a number say its unit, as in advance(hours=3)"
        )
    return duration


@contextmanager
def fake_clock() -> Iterator[FakeClock]:
    """Let the test that calls this move the time of its process, as `with fake_clock() as clock: clock.advance(hours=3)`.

    It begins at the present and goes on as time does. Sleeps, deadlines, leases, schedules and whatever else waits on
    record go by it, in all threads of the process. What would be waited for in place (a sleep of up to 2 seconds, the
    pause before another attempt) moves it ahead instead and takes no time. How long real work takes is measured as
    ever: timeouts of nodes and steps.

    Raises RuntimeError inside the block of another one.
    """
    global active
    with _turn:
        if active is not None:
            raise RuntimeError(
                "fake_clock(): a fake clock is on in this process already; advance that one"
            )
        real = ids.clock
        clock = active = FakeClock(real)
    try:
        with ExitStack() as moved:
            ids.clock = clock.seconds
            for other in others:
                moved.enter_context(other(clock))
            yield clock
    finally:
        ids.clock = real
        active = None


def to_wait(seconds: float) -> float:
    """What of so many seconds is to be waited for: all, or nothing where a fake clock is on, which goes ahead by them."""
    clock = active
    if clock is None:
        return seconds
    clock._add(timedelta(seconds=seconds))
    return 0.0


__all__ = ["FakeClock", "active", "fake_clock", "others", "to_wait"]
