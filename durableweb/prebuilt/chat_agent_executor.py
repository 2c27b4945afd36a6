"""Ready-made agents are not here."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "it has no agents on LangChain's models. Call the model in a node of a StateGraph, "
    "run its tools in another, and ask with interrupt() before what a person should see",
    "AgentState",
    "AgentStatePydantic",
    "create_react_agent",
)
