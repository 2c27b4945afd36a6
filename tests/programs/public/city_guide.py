"""Map and reduce: one branch task per city, however many there are."""

import operator
from typing import Annotated, TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.types import Send

CITIES = {"coast": ["Brest", "Cadiz", "Split"], "hills": ["Bergen"], "moon": []}


class Guide(TypedDict):
    theme: str
    cities: list[str]
    entries: Annotated[list[str], operator.add]
    best: str


class Visit(TypedDict):
    city: str


def choose(state: Guide):
    return {"cities": CITIES[state["theme"]]}


def fan_out(state: Guide):
    if not state["cities"]:
        return "pick"
    return [Send("describe", {"city": city}) for city in state["cities"]]


def describe(visit: Visit):
    return {"entries": [f"{visit['city']} has {len(visit['city'])} letters"]}


def pick(state: Guide):
    entries = state["entries"]
    return {"best": max(entries, key=len) if entries else "stay at home"}


builder = StateGraph(Guide)
builder.add_node("choose", choose)
builder.add_node("describe", describe)
builder.add_node("pick", pick)
builder.add_edge(START, "choose")
builder.add_conditional_edges("choose", fan_out, ["describe", "pick"])
builder.add_edge("describe", "pick")
builder.add_edge("pick", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)
    seen = []
    for theme in CITIES:
        config = {"configurable": {"thread_id": theme}}
        seen.append(graph.invoke({"theme": theme}, config))
        seen.append(
            [
                [s.metadata["step"], list(s.next)]
                for s in graph.get_state_history(config)
            ]
        )
    return seen
