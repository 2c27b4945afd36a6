"""The runtime that is injected into nodes."""

from workflows.engine.runtime import (
    ExecutionInfo,
    RunControl,
    Runtime,
    ServerInfo,
    get_runtime,
    set_attributes,
)

__all__ = [
    "ExecutionInfo",
    "RunControl",
    "Runtime",
    "ServerInfo",
    "get_runtime",
    "set_attributes",
]
