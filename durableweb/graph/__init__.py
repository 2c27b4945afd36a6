"""StateGraph and its words."""

from workflows.engine.absent import absent
from workflows.engine.constants import END, START
from workflows.engine.graph.compiled import CompiledStateGraph
from workflows.engine.graph.message import MessagesState, add_messages
from workflows.engine.graph.state import StateGraph

__all__ = [
    "END",
    "START",
    "CompiledStateGraph",
    "MessagesState",
    "StateGraph",
    "add_messages",
]

__getattr__ = absent(__name__, "compile a StateGraph(MessagesState)", "MessageGraph")
