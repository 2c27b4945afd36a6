"""StateGraph and its words."""

from workflows.engine.constants import END, START
from workflows.engine.graph.compiled import CompiledStateGraph
from workflows.engine.graph.message import MessagesState, add_messages
from workflows.engine.graph.message_graph import MessageGraph
from workflows.engine.graph.state import StateGraph

__all__ = [
    "END",
    "START",
    "CompiledStateGraph",
    "MessageGraph",
    "MessagesState",
    "StateGraph",
    "add_messages",
]
