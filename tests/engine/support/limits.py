"""Graphs over a state with a limit that may be updated, for tests."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    UpdateRefused,
)
from durableweb.graph import START, StateGraph
from durableweb.types import Update, interrupt
from tests.conformance.savers import file, memory

CONFIG: Any = {"configurable": {"thread_id": "t"}}
BOTH_SAVERS = pytest.mark.parametrize("saver", [memory, file])


class State(TypedDict, total=False):
    limit: int
    log: Annotated[list[Any], operator.add]


def limited(**nodes: Callable[[Any], Any]) -> StateGraph:
    """Nodes one after the other, over a state whose limit may be set from outside."""
    graph = StateGraph(State).add_sequence([*nodes.items()])
    graph.add_edge(START, next(iter(nodes)))

    @graph.update("set_limit")
    def set_limit(state: State, *, limit: int, why: Literal["asked", ""] = "") -> Any:
        """Set the limit."""
        if limit < len(state["log"]):
            raise UpdateRefused(f"{len(state['log'])} are spent already")
        return Update({"limit": limit}, {"was": state.get("limit"), "why": why})

    @graph.update("break")
    def wrong(state: State, what: str) -> Any:
        if what == "raise":
            raise OSError("no such thing")
        return {"limit": object()} if what == "object" else {what: 1}

    @graph.update("note")
    async def note(state: State, text: str) -> Any:
        await asyncio.sleep(0)
        return {"log": [text]}

    @graph.update("refuse")
    def refuse(state: State, what: Any) -> Any:
        raise UpdateRefused(what, {"what": what})

    return graph


def works(state: State) -> Any:
    return {"log": [f"works to {state.get('limit')}"]}


def asks(state: State) -> Any:
    return {"log": [f"{interrupt('well?')} to {state.get('limit')}"]}


def asking(saver: Any = None) -> Any:
    graph = limited(works=works, asks=asks).compile(saver or InMemorySaver())
    graph.invoke({"limit": 5}, CONFIG)
    return graph
