"""A node that runs the tools that a model asks for, and what its tools may be given."""

from typing import TYPE_CHECKING

from workflows.engine.absent import absent, later

if TYPE_CHECKING:
    from workflows.engine.prebuilt.injected import (
        InjectedState,
        InjectedStore,
        ToolRuntime,
    )
    from workflows.engine.prebuilt.tool_calls import (
        ToolCallRequest,
        ToolCallWithContext,
        tools_condition,
    )
    from workflows.engine.prebuilt.tool_errors import ToolInvocationError
    from workflows.engine.prebuilt.tool_node import ToolNode

__all__ = [
    "InjectedState",
    "InjectedStore",
    "ToolCallRequest",
    "ToolCallWithContext",
    "ToolInvocationError",
    "ToolNode",
    "ToolRuntime",
    "tools_condition",
]

__getattr__ = later(
    __name__,
    {
        "InjectedState": "workflows.engine.prebuilt.injected",
        "InjectedStore": "workflows.engine.prebuilt.injected",
        "ToolCallRequest": "workflows.engine.prebuilt.tool_calls",
        "ToolCallWithContext": "workflows.engine.prebuilt.tool_calls",
        "ToolInvocationError": "workflows.engine.prebuilt.tool_errors",
        "ToolNode": "workflows.engine.prebuilt.tool_node",
        "ToolRuntime": "workflows.engine.prebuilt.injected",
        "tools_condition": "workflows.engine.prebuilt.tool_calls",
    },
    absent(__name__, ""),
)
