"""A store in this process."""

from workflows.engine.store.memory import InMemoryStore

__all__ = ["InMemoryStore"]
