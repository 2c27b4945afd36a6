"""How long an attempt may take, and what counts as a sign of life (R1.37)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.errors import NodeTimeoutError
from workflows.engine.kinds import seconds_of
from workflows.engine.loop.records import Task
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
