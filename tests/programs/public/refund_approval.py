"""A person approves or refuses before money moves."""

from typing import Literal, TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.types import Command, interrupt


class Refund(TypedDict, total=False):
    customer: str
    cents: int
    status: str


def review(state: Refund) -> Command[Literal["pay", "refuse"]]:
    yes = interrupt(
        {
            "question": "Pay this refund?",
            "customer": state["customer"],
            "cents": state["cents"],
        }
    )
    return Command(goto="pay" if yes else "refuse")


def pay(state: Refund):
    return {"status": f"paid {state['cents']}"}


def refuse(state: Refund):
    return {"status": "refused"}


builder = StateGraph(Refund)
builder.add_node("review", review)
builder.add_node("pay", pay)
builder.add_node("refuse", refuse)
builder.add_edge(START, "review")
builder.add_edge("pay", END)
builder.add_edge("refuse", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)
    seen = []
    for thread, answer in (("kind", True), ("strict", False)):
        config = {"configurable": {"thread_id": thread}}
        seen.append(graph.invoke({"customer": "Ida", "cents": 1250}, config))
        state = graph.get_state(config)
        seen.append([list(state.next), state.tasks[0].name, list(state.interrupts)])
        seen.append(graph.invoke(Command(resume=answer), config))
        seen.append(list(graph.get_state(config).next))
    return seen
