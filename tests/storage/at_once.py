"""A program of coroutines, and many runs of it on one event loop."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any, TypedDict

from durableweb.graph import START, StateGraph

MANY = 12


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], operator.add]


def config(number: int) -> Any:
    return {"configurable": {"thread_id": f"t{number}"}}


def graph(saver: Any, **nodes: Any) -> Any:
    async def first(state: State) -> Any:
        return {"n": state["n"] + 1, "log": ["x" * 200]}

    async def second(state: State) -> Any:
        return {"n": state["n"] + 1, "log": ["y" * 200]}

    async def third(state: State) -> Any:
        return {"n": state["n"] + 1}

    builder = StateGraph(State)
    made = {"first": first, "second": second, "third": third, **nodes}
    before = START
    for name, node in made.items():
        builder.add_node(name, node).add_edge(before, name)
        before = name
    return builder.compile(checkpointer=saver)


async def all_at_once(
    compiled: Any, given: Any = None, durability: str = "sync"
) -> list[Any]:
    runs = (
        compiled.ainvoke(
            {"n": 10 * number} if given is None else given,
            config(number),
            durability=durability,
        )
        for number in range(MANY)
    )
    return await asyncio.gather(*runs, return_exceptions=True)
