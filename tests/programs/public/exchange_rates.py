"""A slow node whose result is reused for an equal input."""

from typing import TypedDict

from durableweb.cache.memory import InMemoryCache
from durableweb.graph import END, START, StateGraph
from durableweb.types import CachePolicy

calls = []


class Rate(TypedDict, total=False):
    pair: str
    rate: int


def fetch(state: Rate):
    calls.append(state["pair"])
    return {"rate": len(state["pair"]) * 10}


builder = StateGraph(Rate)
builder.add_node("fetch", fetch, cache_policy=CachePolicy(ttl=600))
builder.add_edge(START, "fetch")
builder.add_edge("fetch", END)


def story(saver):
    calls.clear()
    graph = builder.compile(checkpointer=saver, cache=InMemoryCache())
    seen = []
    for thread, pair in (("1", "EUR/USD"), ("2", "EUR/USD"), ("3", "EUR/JPYX")):
        config = {"configurable": {"thread_id": thread}}
        seen.append(list(graph.stream({"pair": pair}, config, stream_mode="updates")))
    return [*seen, calls]
