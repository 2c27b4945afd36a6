"""What a sample program is: a graph built for one life of a process, and its answers.

A unit of work notes itself once each time it runs, under a name that no other execution of the
program has, and puts that name into what it writes. So a test can tell what
was saved from what was done.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from durableweb.cache.memory import BaseCache, InMemoryCache


class PlannedFailure(Exception):
    """A sample fails on purpose."""


class World:
    """What outlives a process: how often something outside has been tried, and a cache."""

    def __init__(self) -> None:
        self.cache: BaseCache = InMemoryCache()
        self.tries: Counter[str] = Counter()

    def fail_once(self, name: str, error: type[Exception] = PlannedFailure) -> None:
        """Raise the first time this is asked for `name`."""
        self.tries[name] += 1
        if self.tries[name] == 1:
            raise error(f"{name} fails the first time")


class Life:
    """One process: which units it ran."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def did(self, unit: str) -> str:
        """Note that `unit` runs; gives its name as it stands in the state."""
        with self._lock:
            self.calls[unit] += 1
        return f"<{unit}>"

    def says(self, name: str) -> Callable[[Any], Any]:
        """A node that logs its name."""

        def node(state: Any) -> Any:
            return {"log": [self.did(name)]}

        node.__name__ = name
        return node


@dataclass(frozen=True)
class Sample:
    """`build(life, saver)` gives the compiled graph; `answers` maps questions to answers."""

    name: str
    build: Callable[[Life, Any], Any]
    given: Any
    answers: Mapping[str, Any] = field(default_factory=dict)
    one_by_one: bool = False
    drivers: tuple[str, ...] = ("blocking", "async")


SAMPLES: dict[str, Sample] = {}


def sample(
    given: Any,
    *,
    answers: Mapping[str, Any] | None = None,
    one_by_one: bool = False,
    only: str | None = None,
) -> Callable[[Callable[[Life, Any], Any]], Callable[[Life, Any], Any]]:
    """Register a sample under its function's name."""

    def register(build: Callable[[Life, Any], Any]) -> Callable[[Life, Any], Any]:
        name = build.__name__
        drivers = (only,) if only else ("blocking", "async")
        SAMPLES[name] = Sample(name, build, given, answers or {}, one_by_one, drivers)
        return build

    return register
