"""A conversation that is kept by thread, and cut when it grows too long."""

from durableweb.graph import END, START, MessagesState, StateGraph
from durableweb.graph.message import RemoveMessage


class Talk(MessagesState):
    summary: str


def answer(state: Talk):
    """Stands for a model: it knows what it has been told."""
    heard = [m.content for m in state["messages"] if m.type == "human"]
    known = state.get("summary", "")
    return {
        "messages": [
            {"role": "assistant", "content": f"{known}{len(heard)}: {heard[-1]}"}
        ]
    }


def is_long(state: Talk):
    return "shorten" if len(state["messages"]) > 4 else END


def shorten(state: Talk):
    gone = state["messages"][:-2]
    said = "/".join(m.content for m in gone if m.type == "human")
    return {
        "summary": f"[{said}] ",
        "messages": [RemoveMessage(id=m.id) for m in gone],
    }


builder = StateGraph(Talk)
builder.add_node("answer", answer)
builder.add_node("shorten", shorten)
builder.add_edge(START, "answer")
builder.add_conditional_edges("answer", is_long, ["shorten", END])
builder.add_edge("shorten", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)
    seen = []
    for thread, text in (
        ("ida", "I am Ida"),
        ("bo", "I am Bo"),
        ("ida", "Who am I?"),
        ("ida", "Sure?"),
        ("ida", "Bye"),
        ("bo", "Bye"),
    ):
        config = {"configurable": {"thread_id": thread}}
        state = graph.invoke({"messages": [("user", text)]}, config)
        seen.append([[m.type, m.content] for m in state["messages"]])
    ids = [m.id for m in state["messages"]]
    return [*seen, len(set(ids)) == len(ids)]
