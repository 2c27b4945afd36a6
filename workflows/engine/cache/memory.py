"""Results of nodes and tasks in this process, as text of the common codec, never pickled."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from workflows.engine import ids
from workflows.engine.cache.base import (
    BaseCache,
    FullKey,
    Namespace,
    checked_namespaces,
)
from workflows.engine.kinds import check_offers
from workflows.engine.serde import Serde, default


class InMemoryCache(BaseCache):
    """Keeps results as long as it lives."""

    def __init__(self, *, serde: Serde | None = None) -> None:
        verbs = (("encode", "decode"),)
        check_offers(
            serde, "InMemoryCache", "serde", verbs, "a durableweb Serde, or None"
        )
        self._serde = serde or default
        self._lock = threading.Lock()
        self._kept: dict[Namespace, dict[str, tuple[bytes, float | None]]] = {}

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """The values of those keys that are there and not too old."""
        found = {}
        now = ids.clock()
        with self._lock:
            for namespace, key in keys:
                kept = self._kept.get(tuple(namespace), {}).get(key)
                if kept is None:
                    continue
                text, expires_at = kept
                if expires_at is not None and expires_at <= now:
                    del self._kept[tuple(namespace)][key]
                else:
                    found[(namespace, key)] = self._serde.decode(text)
        return found

    def set(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Keep values; nothing is kept where one of them cannot be stored."""
        now = ids.clock()
        encoded = [
            (namespace, key, self._serde.encode(value), ttl)
            for (namespace, key), (value, ttl) in keys.items()
        ]
        with self._lock:
            for namespace, key, text, ttl in encoded:
                expires_at = None if ttl is None else now + ttl
                self._kept.setdefault(tuple(namespace), {})[key] = (text, expires_at)

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget these namespaces, or without an argument everything."""
        with self._lock:
            if namespaces is None:
                self._kept.clear()
                return
            for namespace in checked_namespaces(namespaces):
                self._kept.pop(namespace, None)
