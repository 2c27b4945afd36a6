"""How long an attempt may take, what counts as a sign of life (R1.37), how long a step may take (R3.20)."""

from __future__ import annotations

from collections.abc import Callable
from threading import TIMEOUT_MAX, Timer
from typing import Any, Protocol

from workflows.engine.errors import NodeTimeoutError
from workflows.engine.kinds import seconds_of
from workflows.engine.loop.effects import Overdue, Within
from workflows.engine.loop.tasks import Task
from workflows.engine.types import TimeoutPolicy


def checked_policy(given: Any, what: str = "timeout") -> TimeoutPolicy | None:
    """Seconds, a timedelta or a policy -> a policy with plain seconds, or None.

    Raises TypeError or ValueError, naming the argument as `what`, for anything else.
    """
    if given is None:
        return None
    if not isinstance(given, TimeoutPolicy):
        return TimeoutPolicy(seconds_of(given, what))
    run = seconds_of(given.run_timeout, f"{what}: run_timeout")
    idle = seconds_of(given.idle_timeout, f"{what}: idle_timeout")
    if run is None and idle is None:
        return None
    return TimeoutPolicy(run, idle, given.refresh_on)


def policy_of(task: Task) -> TimeoutPolicy | None:
    """The limits of a task: those its `Send` names, else its node's."""
    return checked_policy(task.due.get("timeout") or task.node.timeout)


def step_limit(given: Any, graph: str) -> float | None:
    """How many seconds a step of `graph` may take; None for as long as it will, as 0 says in LangGraph, too.

    Raises TypeError for what is no number, ValueError for a negative one.
    """
    if given is None or (given == 0 and not isinstance(given, bool)):
        return None
    return seconds_of(given, f"graph {graph!r}: step_timeout")


class Watch:
    """The clock of one attempt."""

    def __init__(self, policy: TimeoutPolicy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self.clock = clock
        self.begun = self.alive = clock()

    def sign(self) -> None:
        """The attempt wrote or called something."""
        if self.policy.refresh_on == "auto":
            self.alive = self.clock()

    def beat(self, details: Any = None) -> None:
        """The attempt said that it is alive."""
        self.alive = self.clock()

    def _ends(self) -> dict[str, float]:
        limits = {"run": self.policy.run_timeout, "idle": self.policy.idle_timeout}
        since = {"run": self.begun, "idle": self.alive}
        return {
            kind: since[kind] + limit
            for kind, limit in limits.items()
            if isinstance(limit, float)
        }

    def left(self) -> float:
        """Seconds until the first limit."""
        return max(0.0, min(self._ends().values()) - self.clock())

    def error(self, name: str) -> NodeTimeoutError:
        """What the attempt fails with."""
        ends = self._ends()
        return NodeTimeoutError(
            name,
            self.clock() - self.begun,
            kind=min(ends, key=lambda kind: ends[kind]),
            idle_timeout=self.policy.idle_timeout,  # type: ignore[arg-type]
            run_timeout=self.policy.run_timeout,  # type: ignore[arg-type]
        )


class Timing(Protocol):
    """A call that is to be made later."""

    def cancel(self) -> None:
        """Do not make it."""


class StepClock:
    """Tells when the present step has run for as long as the loop lets it.

    `call_later` is given seconds and what to call then, `tell` the event.
    """

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timing],
        tell: Callable[[Overdue], None],
    ) -> None:
        self._call_later = call_later
        self._tell = tell
        self._asked: Within | None = None
        self._timing: Timing | None = None

    def ask(self, limit: Within) -> None:
        """The next step has this limit; that of the step before is over."""
        self.stop()
        self._asked = limit

    def begin(self) -> None:
        """The tasks start now, if they have not: a reader of the stream may have taken long before that."""
        if self._asked is not None:
            limit, self._asked = self._asked, None
            self._timing = self._call_later(
                limit.seconds, lambda: self._tell(Overdue(limit))
            )

    def stop(self) -> None:
        """Nobody is to be told any more."""
        if self._timing is not None:
            self._timing.cancel()
            self._timing = None


def call_later(seconds: float, fn: Callable[[], None]) -> Timer:
    """Call `fn` in a thread of its own, which ends no process that waits for it."""
    timer = Timer(min(seconds, TIMEOUT_MAX), fn)
    timer.daemon = True
    timer.start()
    return timer
