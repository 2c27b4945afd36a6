"""Stop before a node to look and to change the state, then go on."""

from typing import TypedDict

from durableweb.graph import END, START, StateGraph


class Tour(TypedDict, total=False):
    plan: list[str]
    walked: list[str]


def plan(state: Tour):
    return {"plan": ["gate", "tower"]}


def walk(state: Tour):
    return {"walked": [stop.upper() for stop in state["plan"]]}


builder = StateGraph(Tour)
builder.add_sequence([plan, walk])
builder.add_edge(START, "plan")
builder.add_edge("walk", END)


def story(saver):
    graph = builder.compile(checkpointer=saver, interrupt_before=["walk"])
    config = {"configurable": {"thread_id": "tour"}}
    seen = [list(graph.stream({}, config)), list(graph.get_state(config).next)]
    graph.update_state(config, {"plan": ["gate", "garden"]})
    seen += [list(graph.get_state(config).next), list(graph.stream(None, config))]
    return [*seen, graph.get_state(config).values]
