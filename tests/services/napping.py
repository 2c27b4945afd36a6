"""A workflow that sleeps, its thread, and the sweep that wakes it, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypedDict

import pytest

from workflows.engine import fake_clock, sleeping
from workflows.engine.fake_clock import FakeClock
from workflows.engine.graph.state import StateGraph
from workflows.engine.sleeping import sleep
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.sleepers import (
    wake_sleepers,
)
from workflows.services.start_run import StartRun

PAUSE = 3600.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class State(TypedDict, total=False):
    woken: list[bool]
    said: str


@pytest.fixture(autouse=True)
def every_sleep_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleeping, "IN_PLACE", 0.0)


@pytest.fixture(autouse=True)
def clock() -> Iterator[FakeClock]:
    with fake_clock.fake_clock() as moved:
        yield moved


@pytest.fixture
def boss(people: Any) -> Any:
    return people.admin


class Work:
    """A workflow whose node sleeps as often as `pauses` says, and counts how often it began."""

    def __init__(self) -> None:
        self.pauses: list[float] = [PAUSE]
        self.began = 0

    def nap(self, state: State) -> State:
        self.began += 1
        return {"woken": [sleep(each) for each in self.pauses]}

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("nap", self.nap)
        return graph.set_entry_point("nap").compile(**compiled)


@pytest.fixture
def work() -> Work:
    made = Work()
    registry.register(made.graph(), name="naps")
    return made


def swept() -> Run:
    """The run that the sweep makes when the first thread's time has come."""
    later()
    assert wake_sleepers(), "nobody was woken"
    return Run.objects.get(kind="wake", status="pending")


def later() -> None:
    """So long that whoever has slept for a PAUSE has slept enough."""
    clock = fake_clock.active
    assert clock is not None
    clock.advance(seconds=PAUSE)


def started(boss: Any, graph: str = "naps") -> Thread:
    run = StartRun(boss, graph, {}).execute()
    execute_run(run.pk)
    return run.thread


def status_of(thread: Thread) -> tuple[str, str]:
    """Of the thread, and of its last run."""
    thread.refresh_from_db()
    last = thread.runs.order_by("-id").first()
    assert last is not None
    return thread.status, last.status


def config_of(thread: Thread) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread.pk}}
