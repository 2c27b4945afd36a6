"""A workflow that spends up to a limit, which may be updated meanwhile, for tests."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, TypedDict

import pytest

from tests.services.napping import (
    PAUSE,
)
from tests.services.posting import carried_out
from tests.storage.racing import beside
from workflows.engine.graph.state import StateGraph
from workflows.engine.handlers import Update
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.engine.update_errors import (
    UpdateRefused,
)
from workflows.models import (
    Interrupt,
    Run,
    SentUpdate,
    Thread,
)
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.send_update import send_update
from workflows.services.start_run import start_thread

MOST = 1_000_000


class State(TypedDict, total=False):
    limit: int
    log: Annotated[list[Any], operator.add]


class Spending:
    """A workflow that asks, and one that stands in its first node until it is let go on."""

    def __init__(self) -> None:
        self.is_inside = threading.Event()
        self.go_on = threading.Event()

    def gate(self, state: State) -> State:
        self.is_inside.set()
        assert self.go_on.wait(20)
        return {"log": ["gate"]}

    def ask(self, state: State) -> State:
        return {"log": [f"{interrupt('well?')['value']} to {state['limit']}"]}

    def nap(self, state: State) -> State:
        return {"log": [f"{sleep(PAUSE)} at {state['limit']}"]}

    def wait(self, state: State) -> State:
        return {"log": [f"{wait_signal('paid')} to {state['limit']}"]}

    def spend(self, state: State) -> State:
        return {"log": [f"spends {state['limit']}"]}

    def registered(self, *names: str) -> None:
        graph = StateGraph(State)
        for name in names:
            graph.add_node(name, getattr(self, name))
        graph.set_entry_point(names[0])
        for before, after in pairwise(names):
            graph.add_edge(before, after)

        @graph.update("set_limit")
        def set_limit(state: State, *, limit: int) -> Any:
            if limit < 0:
                raise UpdateRefused("below nothing")
            if limit > MOST:
                raise UpdateRefused(range(MOST), {"limit": range(MOST)})  # type: ignore[arg-type, dict-item]
            return Update({"limit": limit}, {"was": state["limit"]})

        @graph.update("note")
        async def note(state: State, *, text: str) -> Any:
            await asyncio.sleep(0)
            return {"log": [text]}

        registry.register(graph.compile(), name="spending")


@pytest.fixture
def spending() -> Spending:
    return Spending()


def started(spending: Spending, *names: str) -> Thread:
    """A thread that has begun, as far as it goes by itself."""
    spending.registered(*names)
    start_thread("spending", {"limit": 5, "log": []}, thread_id="t")
    carried_out()
    return Thread.objects.get()


class AtWork:
    """A run that another thread carries out, as a worker does, and that stands in its first node."""

    def __init__(self, spending: Spending, *names: str) -> None:
        self.spending = spending
        spending.registered("gate", *names)
        start_thread("spending", {"limit": 5, "log": []}, thread_id="t")
        self.run = Run.objects.get()
        self.ended = beside(partial(execute_run, self.run.pk))
        assert spending.is_inside.wait(20)

    def send(self, **args: Any) -> Any:
        """Send one from another thread, and wait until it lies there; its future."""
        count = SentUpdate.objects.count()
        sent = beside(partial(send_update, "t", "set_limit", args, timeout=20))
        for _ in range(2000):
            if SentUpdate.objects.count() > count:
                return sent
            time.sleep(0.005)
        raise AssertionError("nothing was sent")

    def end(self) -> str:
        self.spending.go_on.set()
        return str(self.ended.result(20))


def decided(person: Any) -> Run:
    """The open question answered by somebody with "yes"; the run that carries it."""
    row = Interrupt.objects.get()
    ResumeRun(
        person, row.pk, "respond", "yes", version=row.version, round=row.round
    ).execute()
    return Run.objects.get(kind="resume")
