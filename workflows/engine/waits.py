"""What tasks wait for is one list: questions, which somebody is asked, and waits, which nobody is (RB.1 to RB.3, RB.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from workflows.engine.types import Interrupt


class Wait(Interrupt):
    """What a task waits for that no person is asked.

    `until` is when it has waited long enough; None for as long as it takes. `kind` and `topic` say what
    ends it before; "" where nothing does but the time.
    """

    kind = ""
    topic = ""
    until: datetime | None = None


class Sleep(Wait):
    """What a task waits for that sleeps: nobody is asked, an instant is (RB.1).

    `until` has a time zone. The engine answers with True when it has come; who answers before,
    by `Command(resume={id: False})`, wakes the task.
    """

    until: datetime

    def __init__(self, id: str, until: datetime) -> None:
        super().__init__("sleep", id)
        self.until = until

    def __repr__(self) -> str:
        return f"Sleep(until={self.until.isoformat()!r}, id={self.id!r})"


class SignalWait(Wait):
    """What a task waits for that waits for a signal: a message on `topic` to its thread (RB.2).

    It is answered with the message's payload. Where `until` has come first, it is given up.
    """

    kind = "signal"

    def __init__(self, id: str, topic: str, until: datetime | None = None) -> None:
        super().__init__("signal", id)
        self.topic = topic
        self.until = until

    def __repr__(self) -> str:
        until = None if self.until is None else self.until.isoformat()
        return f"SignalWait(topic={self.topic!r}, until={until!r}, id={self.id!r})"


class EventWait(Wait):
    """What a task waits for that waits for an event: one called `topic`, told to all who wait for it (RB.3).

    Its key has to be `key`, its payload to have what is in `where` (None asks for nothing), and it has to have been
    told at `since` or later, as one with a number above `after`.
    """

    kind = "event"

    def __init__(
        self,
        id: str,
        topic: str,
        key: str,
        where: dict[str, Any] | None,
        since: datetime,
        until: datetime | None = None,
        after: int = 0,
    ) -> None:
        super().__init__("event", id)
        self.topic = topic
        self.key = key
        self.where = where
        self.since = since
        self.until = until
        self.after = after

    def __repr__(self) -> str:
        until = None if self.until is None else self.until.isoformat()
        return f"EventWait(topic={self.topic!r}, key={self.key!r}, until={until!r}, id={self.id!r})"

    def matches(self, payload: Any) -> bool:
        """Whether an event with this payload is what is waited for."""
        if not self.where:
            return True
        return isinstance(payload, Mapping) and all(
            name in payload and _are_equal(payload[name], value)
            for name, value in self.where.items()
        )


class ChildWait(Wait):
    """What a task waits for that waits for another thread, called `topic`, to end (RB.5).

    It is answered with a `ChildEnded`. Where `until` has come first, it is given up.
    """

    kind = "child"

    def __init__(self, id: str, topic: str, until: datetime | None = None) -> None:
        super().__init__("child", id)
        self.topic = topic
        self.until = until

    def __repr__(self) -> str:
        until = None if self.until is None else self.until.isoformat()
        return f"ChildWait(topic={self.topic!r}, until={until!r}, id={self.id!r})"


def _are_equal(one: Any, other: Any) -> bool:
    """Equality that tells 1 from True, as JSON does."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


class Happened(NamedTuple):
    """The event that a wait has got, as its answer keeps it: the payload, its number, when it was told."""

    payload: Any
    number: int
    at: datetime


class ChildEnded(NamedTuple):
    """How the thread has ended that a task waited for: with what it returned, or what went wrong."""

    value: Any = None
    error: str | None = None

    def is_cause_of(self, failure: str) -> bool:
        """Whether a task whose failure is on record as this text failed with the ChildFailed of this child."""
        return failure.startswith("ChildFailed(") and failure.endswith(
            f", {self.error!r})"
        )


class _Raise:
    def __repr__(self) -> str:
        return "RAISE"


RAISE: Final = _Raise()
"""What comes of a wait or a question whose time is up, unless it is told otherwise: an error."""


class Limit(NamedTuple):
    """How long a question waits for its answer, in seconds, and what the task gets then."""

    seconds: float
    instead: Any = RAISE


class _TimeIsUp:
    def __repr__(self) -> str:
        return "TIME_IS_UP"


TIME_IS_UP: Final = _TimeIsUp()
"""The answer to a wait or a question that has come to its time without what it waited for."""


def questions_among(waits: Sequence[Interrupt]) -> tuple[Interrupt, ...]:
    """What somebody is asked, of what tasks wait for."""
    return tuple([each for each in waits if not isinstance(each, Wait)])


def sleeps_among(waits: Sequence[Interrupt]) -> tuple[Sleep, ...]:
    """The sleeps among what tasks wait for, the earliest first."""
    found = [each for each in waits if isinstance(each, Sleep)]
    return tuple(sorted(found, key=lambda each: each.until))


def waits_among(waits: Sequence[Interrupt]) -> tuple[Wait, ...]:
    """What tasks wait for besides questions and instants."""
    return tuple([each for each in waits if isinstance(each, Wait) and each.kind != ""])


def has_waits(waits: Sequence[Interrupt]) -> bool:
    """Say whether any of what tasks wait for asks nobody."""
    return any(isinstance(each, Wait) for each in waits)
