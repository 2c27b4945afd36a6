"""A clock that a test moves, and graphs for it."""

from __future__ import annotations

import operator
import time
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from workflows.engine import ids

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    note: str


class Clock:
    """The engine's clock, which a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(ids, "clock", moved)
    return moved


def graph_of(saver: Any = None, **nodes: Any) -> Any:
    built = StateGraph(State)
    for name, node in nodes.items():
        built.add_node(name, node).add_edge(START, name)
    return built.compile(checkpointer=saver or InMemorySaver())
