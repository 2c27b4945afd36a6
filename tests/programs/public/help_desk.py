"""Agents that hand a case on: by `Command`, and out of a subgraph to the graph around it."""

import operator
from typing import Annotated, Literal, TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.types import Command


class Case(TypedDict, total=False):
    text: str
    path: Annotated[list[str], operator.add]
    answer: str


def reception(state: Case) -> Command[Literal["billing", "technics", "__end__"]]:
    note = {"path": ["reception"]}
    if "invoice" in state["text"]:
        return Command(goto="billing", update=note)
    if "screen" in state["text"]:
        return Command(goto="technics", update=note)
    return Command(goto=END, update={**note, "answer": "please say more"})


def billing(state: Case) -> Command[Literal["technics", "__end__"]]:
    if "screen" in state["text"] and "technics" not in state["path"]:
        return Command(goto="technics", update={"path": ["billing"]})
    return Command(goto=END, update={"path": ["billing"], "answer": "sent again"})


class Lab(TypedDict, total=False):
    text: str
    found: str


def look(state: Lab):
    return {"found": "cable" if "dark" in state["text"] else "nothing"}


def decide(state: Lab):
    update = {"path": ["technics"], "answer": f"found {state['found']}"}
    goto = "billing" if "invoice" in state["text"] else END
    return Command(graph=Command.PARENT, goto=goto, update=update)


lab = StateGraph(Lab)
lab.add_sequence([look, decide])
lab.add_edge(START, "look")

builder = StateGraph(Case)
builder.add_node("reception", reception)
builder.add_node("billing", billing)
builder.add_node("technics", lab.compile(), destinations=("billing", END))
builder.add_edge(START, "reception")


def story(saver):
    graph = builder.compile(checkpointer=saver)
    seen = []
    for number, text in enumerate(
        ["hello", "my invoice", "screen is dark", "screen of the invoice"]
    ):
        config = {"configurable": {"thread_id": str(number)}}
        seen.append(graph.invoke({"text": text, "path": []}, config))
    return seen
