"""A workflow that schedules start, and a clock that tests set, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.runtime import interrupt
from workflows.models import Schedule, Tick
from workflows.services import registry
from workflows.services.schedules import acting, backfill, reading, ticking, trigger
from workflows.services.schedules.declared import Declared, find, schedule

EVENING = datetime(2026, 11, 22, 20, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    """What the database's clock shows to the schedules."""

    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self, using: str = "default") -> datetime:
        return self.now

    def at(self, now: datetime) -> int:
        """Set it, and sweep once; how many runs that started."""
        self.now = now
        return ticking.tick_schedules()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (acting, backfill, reading, ticking, trigger):
        monkeypatch.setattr(module, "database_now", made)
    return made


class Reports:
    """The workflow `report`, which says what it was given; it asks first where `asks`."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.asks = False

    def graph(self) -> Any:
        @entrypoint()
        def report(given: Any) -> Any:
            self.given.append(given)
            return interrupt("Send it?") if self.asks else given

        return report


@pytest.fixture
def reports(own_registry: Iterator[None]) -> Reports:
    made = Reports()
    registry.register(made.graph(), name="report", title="Report")
    return made


def nightly(**more: Any) -> Declared:
    """A schedule at three in the morning, UTC, unless `more` says otherwise."""
    schedule("nightly", "report", **{"cron": "0 3 * * *", "input": {"to": "a"}, **more})
    found = find("nightly")
    assert found is not None
    return found


def again(**more: Any) -> Declared:
    """The same schedule from a version of the code that comes later."""
    for book in registry.books[1:]:
        book.clear()
    return nightly(**more)


def row() -> Schedule:
    return Schedule.objects.get(pk="nightly")


def ticks() -> list[tuple[str, str]]:
    """Day and hour, and what became of them, in order."""
    found = Tick.objects.order_by("id").values_list("at", "status")
    return [(f"{at.astimezone(UTC):%d %H:%M}", status) for at, status in found]
