"""A chain of nodes that note that they ran, for tests of calls with a key."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.graph import START, StateGraph


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    """Nothing has run before a test."""
    ran.clear()
    yield
    ran.clear()


def first(state: State) -> State:
    ran.append("first")
    return {"log": ["first"]}


def second(state: State) -> State:
    ran.append("second")
    return {"log": ["second"]}


def chain(saver: Any, *nodes: Any, name: str = "chain", **options: Any) -> Any:
    graph = StateGraph(State).add_sequence([*nodes])
    graph.add_edge(START, nodes[0].__name__)
    return graph.compile(checkpointer=saver, name=name, **options)
