"""Remove what the store and the cache give out no more because its time is over."""

from __future__ import annotations

from workflows.services.desk.presence import forget_faded
from workflows.storage.cache import DjangoCache
from workflows.storage.store import DjangoStore


def forget_expired(using: str = "default") -> tuple[int, int]:
    """Remove expired items and cache entries; returns how many of each went.

    Who was present at a question an hour ago goes with them.
    """
    forget_faded()
    return DjangoStore(using).prune(), DjangoCache(using).prune()
