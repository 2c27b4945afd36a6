"""The first seed program: one node that calls an API. Only the import is ours."""

import uuid
from typing import NotRequired

import requests
from typing_extensions import TypedDict

from durableweb.checkpoint.memory import MemorySaver
from durableweb.graph import END, START, StateGraph


# Define a TypedDict to represent the state
class State(TypedDict):
    url: str
    result: NotRequired[str]


def call_api(state: State):
    """Example node that makes an API request."""
    result = requests.get(state["url"]).text[:100]  # Side-effect
    return {"result": result}


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
    graph.invoke({"url": "https://www.example.com"}, config)
