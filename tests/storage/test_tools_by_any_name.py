"""A model may call a tool that does not exist by any name: it is told so, and nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from durableweb.graph import START, MessagesState, StateGraph
from durableweb.prebuilt import ToolNode
from tests.storage.conftest import real_transactions
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("E.tools")]


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@pytest.mark.parametrize("name", ["", "x" * 400, "a|b:c", "a\0b", "\ud800", "é\n"])
def test_a_tool_that_is_not_there_may_be_called_anything(name: str) -> None:
    calls: list[Any] = [
        {"name": name, "args": {}, "id": "c1", "type": "tool_call"},
        {"name": "add", "args": {"a": 1, "b": 2}, "id": "c2", "type": "tool_call"},
    ]
    graph = StateGraph(MessagesState).add_node(ToolNode([add]))
    g = graph.add_edge(START, "tools").compile(checkpointer=DjangoSaver(graph="g"))
    config = {"configurable": {"thread_id": "t"}}

    result = g.invoke({"messages": [AIMessage("", tool_calls=calls)]}, config)

    assert [m.content for m in result["messages"][2:]] == ["3"]
    assert "there is no tool" in result["messages"][1].content
