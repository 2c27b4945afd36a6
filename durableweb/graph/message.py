"""Conversations as state."""

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
from workflows.engine.graph.message_graph import MessageGraph

__all__ = [
    "REMOVE_ALL_MESSAGES",
    "AIMessage",
    "AnyMessage",
    "BaseMessage",
    "FunctionMessage",
    "HumanMessage",
    "MessageGraph",
    "Messages",
    "MessagesState",
    "RemoveMessage",
    "SystemMessage",
    "ToolMessage",
    "add_messages",
    "convert_to_messages",
    "push_message",
]
