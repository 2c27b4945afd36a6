"""A workflow that waits for signals, and a worker that carries out what is queued, for tests."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from tests.services.napping import config_of
from workflows.engine.graph.state import StateGraph
from workflows.engine.signals import wait_signal
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.storage.saver import DjangoSaver


class State(TypedDict, total=False):
    said: list[Any]
    note: str


class Desk:
    """A workflow whose node waits for a signal on each of `topics`, and counts how often it began."""

    def __init__(self) -> None:
        self.topics: list[str] = ["paid"]
        self.more: dict[str, Any] = {}
        self.began = 0

    def wait(self, state: State) -> State:
        self.began += 1
        return {"said": [wait_signal(each, **self.more) for each in self.topics]}

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("wait", self.wait)
        return graph.set_entry_point("wait").compile(**compiled)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    registry.register(made.graph(), name="desk")
    return made


def carried_out() -> list[str]:
    """Carry out what is queued, as a worker does, until nothing is; how each run ended."""
    ended = []
    while run := Run.objects.filter(status="pending").order_by("id").first():
        ended.append(execute_run(run.pk))
        assert len(ended) < 300
    return ended


def values_of(thread: Thread) -> dict[str, Any]:
    item = registry.get(thread.graph)
    graph = item.graph.copy(update={"checkpointer": DjangoSaver()})
    values: dict[str, Any] = graph.get_state(config_of(thread)).values
    return values
