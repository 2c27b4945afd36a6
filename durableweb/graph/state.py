"""The builder of a graph, and what it compiles to."""

from workflows.engine.graph.compiled import CompiledStateGraph
from workflows.engine.graph.state import StateGraph

__all__ = ["CompiledStateGraph", "StateGraph"]
