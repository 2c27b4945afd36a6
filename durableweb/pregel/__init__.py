"""What every graph is that can be run."""

from workflows.engine.absent import absent
from workflows.engine.pregel import Pregel

__all__ = ["Pregel"]

__getattr__ = absent(
    __name__,
    "build a graph with durableweb.graph.StateGraph or an @entrypoint",
    "NodeBuilder",
)
