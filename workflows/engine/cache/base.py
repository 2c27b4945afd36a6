"""What a cache of results is asked (R1.38). A key is (namespace, text), a ttl is in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from workflows.engine.kinds import IN_BRACKETS, refused, several

Namespace = tuple[str, ...]
"""Whose results: the names of the graph and its node, or of a task."""
FullKey = tuple[Namespace, str]
"""One result: its namespace, and its key there."""
_ASYNC = frozenset({"aget", "aset"})


def checked_namespaces(given: Sequence[Namespace]) -> list[Namespace]:
    """The namespaces to forget; TypeError for a text, which would be read letter by letter."""
    wanted = "a list of tuples of texts, or None for all"
    found = several(given, "clear", "namespaces", wanted)
    if not all(isinstance(each, tuple | list) for each in found):
        raise refused("clear", "namespaces", given, wanted)
    return [tuple(each) for each in found]


class BaseCache:
    """What a cache offers; a ttl is in seconds, None means for ever, 0 not at all.

    One with async methods alone serves the async calls of a graph.
    """

    only_hops: ClassVar[bool] = True
    """The async methods of the class that says so do what the blocking ones do."""

    __class_getitem__ = IN_BRACKETS

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """The values of those keys that are there."""
        raise self._lacks("get")

    def set(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Keep values, each with its ttl."""
        raise self._lacks("set")

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget these namespaces, or without an argument everything."""
        raise self._lacks("clear")

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Async twin of `get`."""
        return self.get(keys)

    async def aset(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Async twin of `set`."""
        self.set(keys)

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Async twin of `clear`."""
        self.clear(namespaces)

    def _lacks(self, method: str) -> NotImplementedError:
        name = type(self).__name__
        return NotImplementedError(
            f"the cache {name} has no {method}(); define it, or call the graph's async "
            "methods (ainvoke, astream) where it has the async twin"
        )


def is_awaited(cache: Any) -> bool:
    """Say whether a cache has async methods of its author's own, which async runs have to call."""
    return any(
        not _ASYNC.isdisjoint(each.__dict__)
        for each in type(cache).__mro__
        if "only_hops" not in each.__dict__
    )
