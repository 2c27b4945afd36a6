"""Stopping the engine before a chosen request, for tests of what survives a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Killed(BaseException):
    """The engine was stopped as a crash would stop it: nothing further is saved."""


@dataclass
class Faults:
    """How many requests were answered, of which kinds, and before which to stop."""

    kill_at: int | None = None
    seen: int = 0
    kinds: set[str] = field(default_factory=set)
    dead: bool = False

    def before(self, request: Any, driver: Any = None) -> None:
        """Count a request; raises Killed before the chosen one, and on all that follow."""
        self.seen += 1
        self.kinds.add(type(request).__name__)
        if self.dead or self.seen == self.kill_at:
            self.dead = True
            raise Killed

    def gives_back(self, driver: Any) -> bool:
        """Whether a driver tells the saver that its run ends: that is closed here, too."""
        return True


class Fault(Protocol):
    """What may stop the engine."""

    def before(self, request: Any, driver: Any = None) -> None:
        """Asked before each request of what a driver drives; raises where the engine is to stop."""

    def gives_back(self, driver: Any) -> bool:
        """Whether a driver that ends gives its thread back."""


active: Fault | None = None


def gives_back(driver: Any) -> bool:
    """Whether a driver that ends tells the saver so."""
    return active is None or active.gives_back(driver)


@contextmanager
def counting(kill_at: int | None = None) -> Iterator[Faults]:
    """Count requests inside the block, and stop before the `kill_at`-th (1-based)."""
    global active
    active = counted = Faults(kill_at)
    try:
        yield counted
    finally:
        active = None


def kill_before(k: int) -> Any:
    """Stop before the k-th request (1-based) inside the block, by raising Killed."""
    return counting(k)
