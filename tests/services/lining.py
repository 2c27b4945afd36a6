"""A workflow that stands in a queue, and who is told of runs, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

import pytest

from tests.services import letters
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Interrupt, Run
from workflows.services import ports, registry
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread
from workflows.storage.admission import hands
from workflows.storage.leases import keeper


class State(TypedDict, total=False):
    to: str
    asks: bool
    fails: bool


class Post:
    """The workflow `mail`, which notes to whom it sent; it asks first, or fails, where its input says so."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, state: State) -> None:
        if state.get("asks"):
            interrupt("Send it?")
        if state.get("fails"):
            raise ValueError("no such address")
        self.sent.append(state["to"])

    def graph(self) -> Any:
        graph = StateGraph(State).add_node("send", self.send)
        return graph.set_entry_point("send").compile()


@pytest.fixture
def post() -> Iterator[Post]:
    made = Post()
    registry.register(made.graph(), name="mail")
    yield made
    hands.clear()
    keeper.clear()


class Told:
    """Whom a run queue was told of."""

    def __init__(self) -> None:
        self.all: list[tuple[int, datetime | None]] = []

    def enqueue(
        self, run_id: int, due_at: datetime | None = None, priority: int = 0
    ) -> None:
        self.all.append((run_id, due_at))

    def runs(self) -> list[int]:
        """The runs that were told of since this was asked last, in order."""
        found = [run_id for run_id, _ in self.all]
        self.all.clear()
        return found


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    before = ports.run_queue()
    ports.install(run_queue=made)
    yield made
    ports.install(run_queue=before)


def started(to: str, **more: Any) -> Run:
    """A run that stands in the queue `mail`, unless it is said otherwise."""
    given = {key: more.pop(key) for key in ("asks", "fails") if key in more}
    more = {"queue": "mail", "thread_id": to, **more}
    made = start_thread("mail", {"to": to, **given}, **more)
    return Run.objects.get(pk=made.run_id)


def carried(run: Run) -> str:
    """Carry it out, if it is let in; what becomes of it."""
    return execute_run(run.pk)


def answer(boss: Any, run: Run) -> Run:
    """Answer what the run has asked; the run that carries the answer."""
    letters.answer(boss, Interrupt.objects.get(status="pending"), "respond", value="y")
    return Run.objects.get(thread=run.thread_id, kind="resume")


def row(run: Run) -> Run:
    """The run as it is now."""
    run.refresh_from_db()
    return run
