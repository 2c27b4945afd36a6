"""A program that works and then asks, and the config of its thread, for tests of savers over files."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from durableweb.graph import START, StateGraph
from durableweb.runtime import set_attributes
from durableweb.types import interrupt

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    said: Annotated[list[str], operator.add]
    text: str


def asking(saver: Any) -> Any:
    def work(state):
        set_attributes(customer="c7")
        return {"said": ["work"], "text": "x" * 100}

    def ask(state):
        return {"said": [interrupt({"question": "go on?"})]}

    graph = StateGraph(State).add_node("work", work).add_node("ask", ask)
    return graph.add_edge(START, "work").add_edge("work", "ask").compile(saver)
