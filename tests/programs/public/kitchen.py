"""Subgraphs: one that shares the state, one with a state of its own that asks."""

import operator
from typing import Annotated, TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.types import Command, interrupt


class Order(TypedDict, total=False):
    dish: str
    steps: Annotated[list[str], operator.add]
    price: int


class Shared(TypedDict, total=False):
    dish: str
    steps: Annotated[list[str], operator.add]


class Pricing(TypedDict, total=False):
    letters: int
    proposal: int
    final: int


def chop(state: Shared):
    return {"steps": [f"chop {state['dish']}"]}


def fry(state: Shared):
    return {"steps": [f"fry {state['dish']}"]}


def propose(state: Pricing):
    return {"proposal": state["letters"] * 100}


def confirm(state: Pricing):
    return {"final": interrupt({"price?": state["proposal"]})}


class Cooked(TypedDict):
    steps: list[str]


cooking = StateGraph(Shared, output_schema=Cooked)
cooking.add_sequence([chop, fry])
cooking.add_edge(START, "chop")

pricing = StateGraph(Pricing)
pricing.add_sequence([propose, confirm])
pricing.add_edge(START, "propose")
price_list = pricing.compile()


def price(state: Order):
    found = price_list.invoke({"letters": len(state["dish"])})
    return {"price": found["final"]}


builder = StateGraph(Order)
builder.add_node("cook", cooking.compile())
builder.add_node("price", price)
builder.add_edge(START, "cook")
builder.add_edge("cook", "price")
builder.add_edge("price", END)


def plain(chunks):
    """Namespaces end with an id; the name before it is what matters."""
    return [
        [[part.split(":")[0] for part in namespace], chunk]
        for namespace, chunk in chunks
    ]


def story(saver):
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "table 4"}}
    seen = [
        plain(graph.stream({"dish": "leek", "steps": []}, config, subgraphs=True)),
        list(graph.get_state(config).next),
        plain(graph.stream(Command(resume=450), config, subgraphs=True)),
    ]
    return [*seen, graph.get_state(config).values]
