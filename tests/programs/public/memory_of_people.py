"""Long-term memory: what was learned in one thread is known in the next, by person."""

from dataclasses import dataclass

from durableweb.graph import END, START, MessagesState, StateGraph
from durableweb.runtime import Runtime
from durableweb.store.memory import InMemoryStore


@dataclass
class Caller:
    person: str


def talk(state: MessagesState, runtime: Runtime[Caller]):
    shelf = ("people", runtime.context.person)
    said = state["messages"][-1].content
    if said.startswith("remember "):
        key = f"note {len(runtime.store.search(shelf))}"
        runtime.store.put(shelf, key, {"text": said.removeprefix("remember ")})
        answer = "noted"
    else:
        notes = [item.value["text"] for item in runtime.store.search(shelf)]
        answer = "; ".join(notes) or "I know nothing"
    return {"messages": [{"role": "assistant", "content": answer}]}


builder = StateGraph(MessagesState, context_schema=Caller)
builder.add_node("talk", talk)
builder.add_edge(START, "talk")
builder.add_edge("talk", END)


def story(saver):
    store = InMemoryStore()
    graph = builder.compile(checkpointer=saver, store=store)
    seen = []
    for thread, person, text in (
        ("1", "ida", "remember I like tea"),
        ("2", "bo", "What do I like?"),
        ("3", "ida", "remember not before nine"),
        ("4", "ida", "What do I like?"),
    ):
        state = graph.invoke(
            {"messages": [("user", text)]},
            {"configurable": {"thread_id": thread}},
            context=Caller(person),
        )
        seen.append([m.content for m in state["messages"]])
    return [*seen, sorted(store.list_namespaces())]
