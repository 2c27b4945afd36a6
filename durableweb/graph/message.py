"""Conversations as state."""

from workflows.engine.absent import absent
from workflows.engine.graph.message import (
    REMOVE_ALL_MESSAGES,
    AIMessage,
    AnyMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    Messages,
    MessagesState,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    add_messages,
    convert_to_messages,
    push_message,
)

__all__ = [
    "REMOVE_ALL_MESSAGES",
    "AIMessage",
    "AnyMessage",
    "BaseMessage",
    "FunctionMessage",
    "HumanMessage",
    "Messages",
    "MessagesState",
    "RemoveMessage",
    "SystemMessage",
    "ToolMessage",
    "add_messages",
    "convert_to_messages",
    "push_message",
]

__getattr__ = absent(__name__, "compile a StateGraph(MessagesState)", "MessageGraph")
