"""Branches of different length, and a last node that waits for all of them."""

import operator
from typing import Annotated, TypedDict

from durableweb.graph import END, START, StateGraph


class News(TypedDict, total=False):
    lines: Annotated[list[str], operator.add]


def says(text):
    def node(state: News):
        return {"lines": [f"{text} after {len(state['lines'])}"]}

    return node


def front_page(state: News):
    return {"lines": ["front page: " + ", ".join(state["lines"])]}


builder = StateGraph(News)
for name in ("call", "photo", "check", "rewrite"):
    builder.add_node(name, says(name))
builder.add_node("front_page", front_page, defer=True)
builder.add_edge(START, "call")
builder.add_edge(START, "photo")
builder.add_edge("call", "check")
builder.add_edge("check", "rewrite")
builder.add_edge("rewrite", "front_page")
builder.add_edge("photo", "front_page")
builder.add_edge("front_page", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "today"}}
    result = graph.invoke({"lines": []}, config)
    steps = [
        [s.metadata["step"], list(s.next)] for s in graph.get_state_history(config)
    ]
    return [result, steps]
