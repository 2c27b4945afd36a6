"""The cache over Django's tables: results of nodes and tasks that outlive the process (R1.38)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from workflows.engine import ids
from workflows.engine import serde as default_serde
from workflows.engine.cache.base import (
    BaseCache,
    FullKey,
    Namespace,
    checked_namespaces,
)
from workflows.engine.errors import SerdeError
from workflows.models import CacheEntry
from workflows.storage.checkpoints import check_name
from workflows.storage.sealing import seal, unseal

log = logging.getLogger(__name__)

_LONGEST = 600  # of a namespace as a JSON list, in characters
_AT_ONCE = 500
_MOVED = ["value", "digest", "created_at", "expires_at"]


class DjangoCache(BaseCache):
    """Keeps results in the database `using`, as text of the common codec, never pickled."""

    only_hops = True

    def __init__(self, using: str = "default", *, serde: Any = None) -> None:
        self.using = using
        self._serde: Any = serde or default_serde

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """The values of those keys that are there and not too old.

        An entry that cannot be read any more (a class is gone, a text is damaged) counts as
        absent, with a warning in the log; the next result replaces it.
        """
        wanted = {_place(key): key for key in keys}
        found: dict[FullKey, Any] = {}
        alive = Q(expires_at__isnull=True) | Q(expires_at__gt=ids.now())
        places = [*wanted]
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            for row in self._rows().filter(alive, place__in=some):
                if ids.digest(row.value) != row.digest:
                    log.warning("cache entry %s does not match its digest", row)
                    continue
                try:
                    text = unseal(row.value, f"cache:{row.namespace}", row.key)
                    found[wanted[row.place]] = self._serde.loads(text)
                except SerdeError as error:
                    log.warning("cache entry %s cannot be read: %s", row, error)
        return found

    def set(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Keep values; nothing is kept where one of them cannot be stored."""
        now = ids.now()
        rows = []
        for key, (value, ttl) in keys.items():
            namespace = _joined(key[0])
            text = seal(self._serde.dumps(value), f"cache:{namespace}", key[1])
            expires_at = None if ttl is None else now + timedelta(seconds=ttl)
            rows.append(
                CacheEntry(
                    place=_place(key),
                    namespace=namespace,
                    key=key[1],
                    value=text,
                    digest=ids.digest(text),
                    created_at=now,
                    expires_at=expires_at,
                )
            )
        # In one order, so that two who keep the same do not wait for each other.
        rows.sort(key=lambda row: row.place)
        self._rows().bulk_create(
            rows, update_conflicts=True, unique_fields=["place"], update_fields=_MOVED
        )

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget these namespaces, or without an argument everything."""
        rows = self._rows()
        if namespaces is not None:
            gone = [_joined(each) for each in checked_namespaces(namespaces)]
            rows = rows.filter(namespace__in=gone)
        rows.delete()

    def prune(self) -> int:
        """Remove what is too old; returns how many entries went."""
        gone, _ = self._rows().filter(expires_at__lte=ids.now()).delete()
        return gone

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Async twin of `get`."""
        return await sync_to_async(self.get, thread_sensitive=True)(keys)

    async def aset(self, keys: Mapping[FullKey, tuple[Any, float | None]]) -> None:
        """Async twin of `set`."""
        await sync_to_async(self.set, thread_sensitive=True)(keys)

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Async twin of `clear`."""
        await sync_to_async(self.clear, thread_sensitive=True)(namespaces)

    def _rows(self) -> QuerySet[CacheEntry]:
        return CacheEntry.objects.using(self.using)


def _joined(namespace: Namespace) -> str:
    text = json.dumps([*namespace])
    check_name("namespace of the cache", text, _LONGEST)
    return text


def _place(key: FullKey) -> str:
    namespace, name = key
    check_name("key of the cache", name, 10_000)
    return ids.digest(json.dumps([[*namespace], name]))
