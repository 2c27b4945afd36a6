"""Streaming: words as they come, beside the updates of the nodes."""

from typing import TypedDict

from durableweb.config import get_stream_writer
from durableweb.graph import END, START, StateGraph


class Page(TypedDict, total=False):
    topic: str
    text: str
    length: int


def write(state: Page):
    put = get_stream_writer()
    words = ["Once", "upon", "a", state["topic"]]
    for number, word in enumerate(words):
        put({"word": word, "of": len(words), "number": number})
    return {"text": " ".join(words)}


def count(state: Page, writer):
    writer("counting")
    return {"length": len(state["text"])}


builder = StateGraph(Page)
builder.add_sequence([write, count])
builder.add_edge(START, "write")
builder.add_edge("count", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)

    def told(thread, mode):
        config = {"configurable": {"thread_id": thread}}
        return list(graph.stream({"topic": "hill"}, config, stream_mode=mode))

    return [
        told("words", "custom"),
        told("both", ["updates", "custom"]),
        told("values", "values"),
        told("default", None),
    ]
