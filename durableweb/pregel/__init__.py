"""What every graph is that can be run, and nodes that subscribe to channels."""

from workflows.engine.entries import ChannelWriteEntry
from workflows.engine.node_builder import NodeBuilder
from workflows.engine.pregel import Pregel

__all__ = ["ChannelWriteEntry", "NodeBuilder", "Pregel"]
