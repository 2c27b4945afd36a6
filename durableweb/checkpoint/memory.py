"""A saver that keeps everything in this process."""

from workflows.engine.checkpoint.memory import InMemorySaver, MemorySaver

__all__ = ["InMemorySaver", "MemorySaver"]
