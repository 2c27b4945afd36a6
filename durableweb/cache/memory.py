"""A cache in this process."""

from workflows.engine.cache.memory import BaseCache, InMemoryCache

__all__ = ["BaseCache", "InMemoryCache"]
