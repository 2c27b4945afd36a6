"""A cache in this process."""

from workflows.engine.cache.base import BaseCache
from workflows.engine.cache.memory import InMemoryCache

__all__ = ["BaseCache", "InMemoryCache"]
