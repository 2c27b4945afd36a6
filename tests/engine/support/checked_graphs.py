"""The thread, the state and the chains of nodes whose records are checked."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from durableweb.graph import START, StateGraph

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]


def chain(saver: Any, **nodes: Any) -> Any:
    graph = StateGraph(State).add_sequence(list(nodes.items()))
    return graph.add_edge(START, next(iter(nodes))).compile(checkpointer=saver)
