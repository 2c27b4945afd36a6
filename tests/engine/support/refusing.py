"""A small graph to hand wrong arguments to."""

from __future__ import annotations

from typing import Any, TypedDict

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    a: int


def node(state: State) -> Any:
    return {"a": 1}


async def slow(state: State) -> Any:
    return {"a": 1}


def builder() -> Any:
    return StateGraph(State).add_node("node", node).add_edge(START, "node")


def graph_of(result: Any) -> Any:
    def node(state: State) -> Any:
        return result

    built = StateGraph(State).add_node("node", node).add_edge(START, "node")
    return built.compile(InMemorySaver())


def graph(**options: Any) -> Any:
    return builder().compile(InMemorySaver(), **options)
