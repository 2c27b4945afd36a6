"""A writer and a judge in a loop, until the judge is content or the steps are used up."""

from typing import Literal, TypedDict

from durableweb.errors import GraphRecursionError
from durableweb.graph import END, START, StateGraph


class Poem(TypedDict, total=False):
    topic: str
    lines: list[str]
    verdict: str
    wish: str


def write(state: Poem):
    lines = [
        *state.get("lines", []),
        f"{state.get('wish', 'a line')} on {state['topic']}",
    ]
    return {"lines": lines}


def judge(state: Poem):
    if len(state["lines"]) > 2:
        return {"verdict": "good"}
    return {"verdict": "short", "wish": f"line {len(state['lines']) + 1}"}


def route(state: Poem) -> Literal["enough", "more"]:
    return "enough" if state["verdict"] == "good" else "more"


builder = StateGraph(Poem)
builder.add_node("write", write)
builder.add_node("judge", judge)
builder.add_edge(START, "write")
builder.add_edge("write", "judge")
builder.add_conditional_edges("judge", route, {"enough": END, "more": "write"})


def story(saver):
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "poem"}}
    seen = [graph.invoke({"topic": "moss"}, config)]
    short = {"configurable": {"thread_id": "short"}, "recursion_limit": 4}
    try:
        graph.invoke({"topic": "fern"}, short)
    except GraphRecursionError:
        seen.append("no steps left")
    state = graph.get_state(short)
    return [*seen, state.values, list(state.next), graph.invoke(None, short)]
