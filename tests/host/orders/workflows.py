"""The refund of an order: a person approves it, then the shop's own row says so."""

from typing import TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.register import register
from durableweb.types import interrupt
from tests.host.orders.models import Order


class Refund(TypedDict, total=False):
    """Which order, how much in cents, and what was decided."""

    order: int
    amount: int
    done: bool


def ask(state: Refund) -> Refund:
    answer = interrupt(
        {
            "type": "tool_approval",
            "tool_call_id": "refund",
            "name": "refund",
            "args": {"order": state["order"], "amount": state["amount"]},
            "description": f"Refund {state['amount']} cents of order {state['order']}?",
        }
    )
    return {"done": answer["type"] == "approve"}


def book(state: Refund) -> Refund:
    if state["done"]:
        Order.objects.filter(pk=state["order"]).update(refunded=state["amount"])
    return {}


graph = StateGraph(Refund)
graph.add_node(ask)
graph.add_node(book)
graph.add_edge(START, "ask")
graph.add_edge("ask", "book")
graph.add_edge("book", END)

register(graph.compile(), name="refund")
