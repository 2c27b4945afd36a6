"""One workflow that asks one question, in the form that its input names."""

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from durableweb.graph import START, StateGraph
from durableweb.register import register
from durableweb.types import interrupt


class Work(TypedDict, total=False):
    """`shape` is text, form, tool, refuse or change; `number` tells one from another."""

    shape: str
    number: int
    answer: Any


class Booking(TypedDict):
    """What a form asks for."""

    account: Annotated[str, Meta(title="Account", min_length=1)]
    amount: Annotated[int, Meta(title="Amount", ge=0)]


def call(name: str, number: int, words: str) -> dict[str, Any]:
    """A tool that an agent wants to use."""
    return {
        "type": "tool_approval",
        "tool_call_id": f"call-{number}",
        "name": name,
        "args": {"amount": 10 * number, "to": f"customer {number}"},
        "description": words,
    }


def ask(state: Work) -> dict[str, Any]:
    """Wait for a person."""
    number, shape = state["number"], state["shape"]
    if shape == "text":
        answer = interrupt(f"Send letter {number}?")
    elif shape == "form":
        proposed = {"title": f"Book {number}", "account": "4711", "amount": number}
        answer = interrupt(proposed, response_schema=Booking)
    else:
        names = {"tool": "refund", "refuse": "delete", "change": "transfer"}
        words = f"{names[shape].capitalize()} {number}"
        answer = interrupt(call(names[shape], number, words))
    return {"answer": answer}


builder = StateGraph(Work)
builder.add_node("ask", ask)
builder.add_edge(START, "ask")
register(builder.compile(name="mixed"), name="mixed", title="Mixed work")
