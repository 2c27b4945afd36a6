"""Nodes for models that call tools; `prebuilt.interrupt` has the types of their questions."""

from typing import TYPE_CHECKING

from workflows.engine.absent import absent, later

if TYPE_CHECKING:
    from workflows.engine.prebuilt.injected import (
        InjectedState,
        InjectedStore,
        ToolRuntime,
    )
    from workflows.engine.prebuilt.tool_calls import tools_condition
    from workflows.engine.prebuilt.tool_node import ToolNode

__all__ = [
    "InjectedState",
    "InjectedStore",
    "ToolNode",
    "ToolRuntime",
    "tools_condition",
]

_ABSENT = absent(
    __name__,
    "it has no agents on LangChain's models. Call the model in a node of a StateGraph, "
    "run its tools in a ToolNode, and ask with interrupt() before what a person should see",
    "ValidationNode",
    "create_react_agent",
)

__getattr__ = later(
    __name__,
    {
        "InjectedState": "workflows.engine.prebuilt.injected",
        "InjectedStore": "workflows.engine.prebuilt.injected",
        "ToolNode": "workflows.engine.prebuilt.tool_node",
        "ToolRuntime": "workflows.engine.prebuilt.injected",
        "tools_condition": "workflows.engine.prebuilt.tool_calls",
    },
    _ABSENT,
)
