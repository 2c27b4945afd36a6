"""Retries: a policy for what passes by, another for what does not, and a fallback."""

from typing import TypedDict

from durableweb.errors import NodeError
from durableweb.graph import END, START, StateGraph
from durableweb.runtime import Runtime
from durableweb.types import Command, RetryPolicy

calls = []


class Weather(TypedDict, total=False):
    wind: int
    rain: int
    note: str


def read_wind(state: Weather, runtime: Runtime):
    attempt = runtime.execution_info.node_attempt
    calls.append(f"wind {attempt}")
    if attempt < 3:
        raise ConnectionError("no answer from the mast")
    return {"wind": 7}


def read_rain(state: Weather):
    calls.append("rain")
    raise ValueError("the gauge is frozen")


def without_rain(state: Weather, error: NodeError):
    note = f"{error.node}: {error.error}"
    return Command(update={"rain": 0, "note": note}, goto="report")


def report(state: Weather):
    return {"note": f"{state['note']}; wind {state['wind']}"}


quick = {"initial_interval": 0.001, "jitter": False}
builder = StateGraph(Weather)
builder.add_node("read_wind", read_wind, retry_policy=RetryPolicy(**quick))
builder.add_node(
    "read_rain",
    read_rain,
    retry_policy=[
        RetryPolicy(**quick, max_attempts=2, retry_on=ValueError),
        RetryPolicy(**quick),
    ],
    error_handler=without_rain,
)
builder.add_node("report", report)
builder.add_edge(START, "read_wind")
builder.add_edge("read_wind", "read_rain")
builder.add_edge("read_rain", "report")
builder.add_edge("report", END)


def story(saver):
    calls.clear()
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "hill"}}
    return [list(graph.stream({}, config)), calls, graph.get_state(config).values]
