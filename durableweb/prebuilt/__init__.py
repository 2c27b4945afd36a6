"""Agents, and nodes for models that call tools; `prebuilt.interrupt` has the types of their questions."""

from typing import TYPE_CHECKING

from workflows.engine.absent import absent, later

if TYPE_CHECKING:
    from workflows.engine.prebuilt.injected import (
        InjectedState,
        InjectedStore,
        ToolRuntime,
    )
    from workflows.engine.prebuilt.react_agent import create_react_agent
    from workflows.engine.prebuilt.tool_calls import tools_condition
    from workflows.engine.prebuilt.tool_node import ToolNode
    from workflows.engine.prebuilt.validation_node import ValidationNode

__all__ = [
    "InjectedState",
    "InjectedStore",
    "ToolNode",
    "ToolRuntime",
    "ValidationNode",
    "create_react_agent",
    "tools_condition",
]

__getattr__ = later(
    __name__,
    {
        "InjectedState": "workflows.engine.prebuilt.injected",
        "InjectedStore": "workflows.engine.prebuilt.injected",
        "ToolNode": "workflows.engine.prebuilt.tool_node",
        "ToolRuntime": "workflows.engine.prebuilt.injected",
        "ValidationNode": "workflows.engine.prebuilt.validation_node",
        "create_react_agent": "workflows.engine.prebuilt.react_agent",
        "tools_condition": "workflows.engine.prebuilt.tool_calls",
    },
    absent(__name__, ""),
)
