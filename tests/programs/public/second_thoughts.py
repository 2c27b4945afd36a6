"""Go back in a thread: run a step again, or with another state, and keep both lines."""

from typing import TypedDict

from durableweb.graph import END, START, StateGraph


class Draft(TypedDict, total=False):
    topic: str
    joke: str


calls = []


def find_topic(state: Draft):
    calls.append("topic")
    return {"topic": "rain"}


def write_joke(state: Draft):
    calls.append("joke")
    return {"joke": f"Two drops of {state['topic']} meet"}


builder = StateGraph(Draft)
builder.add_sequence([find_topic, write_joke])
builder.add_edge(START, "find_topic")
builder.add_edge("write_joke", END)


def line(graph, config):
    return [
        [s.metadata["step"], s.metadata["source"], s.values, list(s.next)]
        for s in graph.get_state_history(config)
    ]


def story(saver):
    calls.clear()
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "desk"}}
    seen = [graph.invoke({}, config), line(graph, config)]
    before_joke = next(
        s for s in graph.get_state_history(config) if s.next == ("write_joke",)
    )
    seen += [graph.invoke(None, before_joke.config), [*calls]]
    other = graph.update_state(before_joke.config, {"topic": "snow"})
    seen += [graph.invoke(None, other), [*calls], line(graph, config)]
    seen.append(graph.get_state(before_joke.config).values)
    return seen
