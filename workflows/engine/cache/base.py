"""What a cache of results is asked (R1.38). A key is (namespace, text), a ttl is in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.engine.kinds import refused, several

Namespace = tuple[str, ...]
FullKey = tuple[Namespace, str]


def checked_namespaces(given: Sequence[Namespace]) -> list[Namespace]:
    """The namespaces to forget; TypeError for a text, which would be read letter by letter."""
    wanted = "a list of tuples of texts, or None for all"
    found = several(given, "clear", "namespaces", wanted)
    if not all(isinstance(each, tuple | list) for each in found):
        raise refused("clear", "namespaces", given, wanted)
    return [tuple(each) for each in found]


class BaseCache:
    """What a cache offers; a ttl is in seconds, None means for ever, 0 not at all."""

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """The values of those keys that are there."""
        raise NotImplementedError

    def set(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Keep values, each with its ttl."""
        raise NotImplementedError

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget these namespaces, or without an argument everything."""
        raise NotImplementedError

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Async twin of `get`."""
        return self.get(keys)

    async def aset(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Async twin of `set`."""
        self.set(keys)

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Async twin of `clear`."""
        self.clear(namespaces)
