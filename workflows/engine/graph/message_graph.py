"""The graph of older programs whose state is a conversation and nothing else (E.former)."""

from __future__ import annotations

from typing import Annotated

from workflows.engine.graph.message import AnyMessage, add_messages
from workflows.engine.graph.state import StateGraph
from workflows.engine.spellings import outdated


class MessageGraph(StateGraph):
    """Deprecated, use `StateGraph(MessagesState)`: nodes are given the list of messages and return some."""

    def __init__(self) -> None:
        outdated("MessageGraph", "write StateGraph(MessagesState)")
        super().__init__(Annotated[list[AnyMessage], add_messages])


__all__ = ["MessageGraph"]
