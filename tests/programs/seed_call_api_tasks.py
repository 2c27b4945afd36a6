"""The second seed program: one task per address. Only the import is ours.

Its node returns `results`, which the state does not have, so the value is dropped: the
program is kept as it was published.
"""

import uuid
from typing import NotRequired

import requests
from typing_extensions import TypedDict

from durableweb.checkpoint.memory import MemorySaver
from durableweb.func import task
from durableweb.graph import END, START, StateGraph


# Define a TypedDict to represent the state
class State(TypedDict):
    urls: list[str]
    result: NotRequired[list[str]]


@task
def _make_request(url: str):
    """Make a request."""
    return requests.get(url).text[:100]


def call_api(state: State):
    """Example node that makes an API request."""
    requests = [_make_request(url) for url in state["urls"]]
    results = [request.result() for request in requests]
    return {"results": results}


# Create a StateGraph builder and add a node for the call_api function
builder = StateGraph(State)
builder.add_node("call_api", call_api)

# Connect the start and end nodes to the call_api node
builder.add_edge(START, "call_api")
builder.add_edge("call_api", END)

# Specify a checkpointer
checkpointer = MemorySaver()

# Compile the graph with the checkpointer
graph = builder.compile(checkpointer=checkpointer)

# Define a config with a thread ID.
thread_id = uuid.uuid4()
config = {"configurable": {"thread_id": thread_id}}

# Invoke the graph
if __name__ == "__main__":
    graph.invoke({"urls": ["https://www.example.com"]}, config)
