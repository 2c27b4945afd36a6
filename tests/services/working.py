"""A workflow whose node works until it is told to go on, and a worker that carries it out."""

from __future__ import annotations

import operator
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from workflows.engine.constants import START
from workflows.engine.errors import NodeTimeoutError, RunCancelled
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import Runtime, interrupt
from workflows.models import Run
from workflows.services import lost_runs, registry
from workflows.services.execute_run import execute_run
from workflows.services.start_run import StartRun
from workflows.storage.outage import outage
from workflows.storage.saver import DjangoSaver

PAST = timezone.now() - timedelta(hours=1)
PATIENCE_SECONDS = 60


class State(TypedDict, total=False):
    """What was done."""

    done: Annotated[list[str], operator.add]
    ask: bool


class Work:
    """Two nodes: the first says that it is at work and goes on when told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.met: list[BaseException] = []
        self.has_met = threading.Event()
        self.remembered: list[Any] = []
        self.fails = False

    def slow(self, state: State, runtime: Runtime[Any]) -> State:
        self.remembered.append(runtime.last_heartbeat)
        runtime.heartbeat({"row": 7 + len(self.remembered)})
        self.begun.set()
        if self.fails:
            raise KeyError("no such row")
        try:
            while not self.go_on.wait(0.01):
                runtime.check()
        except (RunCancelled, NodeTimeoutError) as error:
            self.met.append(error)
            self.has_met.set()
            raise
        return {"done": ["slow"]}

    def met_error(self) -> BaseException:
        """What ended the node; its run may have ended a moment before."""
        assert self.has_met.wait(PATIENCE_SECONDS)
        return self.met[0]

    def last(self, state: State) -> State:
        if state.get("ask"):
            return {"done": [interrupt("Well?")["decision"]]}
        return {"done": ["last"]}


@pytest.fixture
def work():
    made = Work()
    graph = StateGraph(State).add_sequence([("slow", made.slow), ("last", made.last)])
    registry.register(graph.add_edge(START, "slow").compile(name="work"), name="work")
    yield made
    made.go_on.set()
    outage.forget()
    lost_runs._lost.clear()


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss")


@pytest.fixture
def run(boss, work):
    return StartRun(boss, "work", {}, thread_id="t").execute()


@contextmanager
def at_work(run: Run, work: Work):
    """A worker carries `run` out inside the block; afterwards it has ended."""
    ended: list[str] = []

    def carry_out() -> None:
        try:
            ended.append(execute_run(run.pk))
        finally:
            connections.close_all()

    worker = threading.Thread(target=carry_out)
    worker.start()
    assert work.begun.wait(PATIENCE_SECONDS)
    yield ended
    worker.join(PATIENCE_SECONDS)
    assert ended, "the worker did not end"
    run.refresh_from_db()


def state() -> dict[str, Any]:
    graph = registry.get("work").graph.with_saver(DjangoSaver())
    return graph.get_state({"configurable": {"thread_id": "t"}}).values
