"""The runtime that is injected into nodes."""

from workflows.engine.runtime import (
    ExecutionInfo,
    RunControl,
    Runtime,
    get_runtime,
    set_attributes,
)

__all__ = ["ExecutionInfo", "RunControl", "Runtime", "get_runtime", "set_attributes"]
