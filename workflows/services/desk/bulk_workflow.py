"""The workflow that carries out bulk orders: a loop over their questions, one task for each.

A step takes a few questions and is then saved, so a worker that has to stop, or a person who
cancels the run, waits for these few only. What a task has done is not done again.
"""

from __future__ import annotations

from typing import TypedDict

from workflows.engine.constants import END, START
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.services import registry
from workflows.services.access import OPERATOR
from workflows.services.desk import bulk_work
from workflows.services.desk.bulk_order import DECIDE, GRAPH


class State(TypedDict):
    """`after` is the last item that was looked at."""

    order: int
    act: str
    after: int
    more: bool


class Step(TypedDict):
    """What one step found."""

    after: int
    more: bool


find_items = task(bulk_work.next_items, name="find_items")
decide_item = task(bulk_work.decide_item, name="decide_item")
undo_item = task(bulk_work.undo_item, name="undo_item")


def work(state: State) -> Step:
    """Take the next few questions, one after another."""
    act = decide_item if state["act"] == DECIDE else undo_item
    items = find_items(state["order"], state["act"], state["after"]).result()
    for item in items:
        act(item).result()
    return {"after": items[-1] if items else state["after"], "more": bool(items)}


def is_done(state: State) -> str:
    """Go on while there was something to do."""
    return "work" if state["more"] else END


builder = StateGraph(State)
builder.add_node("work", work)
builder.add_edge(START, "work")
builder.add_conditional_edges("work", is_done, ["work", END])
# What is left stands in the rows of the order: a newer version of this code goes on with them.
graph = builder.compile(name=GRAPH, on_change="continue")


def offer() -> None:
    """Make the workflow known; operators find its runs, and no list offers to start it."""
    registry.register(
        graph,
        name=GRAPH,
        title="Bulk decisions",
        description="Carries out decisions that somebody ordered for many questions.",
        start_groups=(OPERATOR,),
        decide_groups=(OPERATOR,),
        hidden=True,
    )
