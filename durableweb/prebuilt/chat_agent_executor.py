"""`create_react_agent`, and the states of its agents; these need langchain-core."""

from typing import TYPE_CHECKING

from workflows.engine.absent import absent, later

if TYPE_CHECKING:
    from workflows.engine.prebuilt.react_agent import (
        AgentState,
        AgentStatePydantic,
        AgentStateWithStructuredResponse,
        AgentStateWithStructuredResponsePydantic,
        Prompt,
        StateSchema,
        StateSchemaType,
        StructuredResponse,
        StructuredResponseSchema,
        create_react_agent,
        create_tool_calling_executor,
    )

__all__ = [
    "AgentState",
    "AgentStatePydantic",
    "AgentStateWithStructuredResponse",
    "AgentStateWithStructuredResponsePydantic",
    "Prompt",
    "StateSchema",
    "StateSchemaType",
    "StructuredResponse",
    "StructuredResponseSchema",
    "create_react_agent",
    "create_tool_calling_executor",
]

__getattr__ = later(
    __name__,
    dict.fromkeys(__all__, "workflows.engine.prebuilt.react_agent"),
    absent(__name__, ""),
)
