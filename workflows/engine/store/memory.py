"""A store in this process. Values are kept as text, so what is read is nobody else's object."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from workflows.engine import ids
from workflows.engine.kinds import check_offers
from workflows.engine.serde import Serde, default
from workflows.engine.store.asking import checked, fits, listed
from workflows.engine.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Namespace,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)
from workflows.engine.store.embedding import index_of
from workflows.engine.store.meaning import NOTHING, Embedded, Vector, best


class _Kept:
    __slots__ = ("created_at", "expires_at", "text", "ttl", "updated_at", "vectors")

    def __init__(self, text: bytes, now: datetime, ttl: float | None) -> None:
        self.text = text
        self.created_at = now
        self.updated_at = now
        self.ttl = ttl
        self.expires_at: float | None = None
        self.vectors: tuple[Vector, ...] = ()


class _Fitting(NamedTuple):
    """An item that a search asks for, before its window is taken."""

    namespace: Namespace
    key: str
    value: dict[str, Any]
    kept: _Kept


class InMemoryStore(BaseStore):
    """Keeps items as long as it lives. `ttl={"default_ttl": minutes, "refresh_on_read": bool}`.

    `index={"dims": numbers, "embed": function, "fields": paths}` lets `search(query=)` find by meaning.
    """

    supports_ttl = True

    def __init__(
        self,
        *,
        index: Any = None,
        ttl: Mapping[str, Any] | None = None,
        serde: Serde | None = None,
    ) -> None:
        self._index = index_of(index, "InMemoryStore")
        self.ttl_config = ttl
        verbs = (("encode", "decode"),)
        check_offers(
            serde, "InMemoryStore", "serde", verbs, "a durableweb Serde, or None"
        )
        self._serde = serde or default
        self._lock = threading.RLock()
        self._items: dict[tuple[Namespace, str], _Kept] = {}
        self._expiring: set[tuple[Namespace, str]] = set()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; reads see the state before the writes of the same batch."""
        ops = checked(ops, has_index=self._index is not None)
        return self._do(ops, self._index.embed(ops) if self._index else NOTHING)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Async twin of `batch`."""
        ops = checked(ops, has_index=self._index is not None)
        return self._do(ops, await self._index.aembed(ops) if self._index else NOTHING)

    def _do(self, ops: list[Op], embedded: Embedded) -> list[Result]:
        texts = [
            self._serde.encode(dict(op.value))
            if isinstance(op, PutOp) and op.value is not None
            else None
            for op in ops
        ]
        with self._lock:
            self._sweep()
            results = [self._read(op, embedded) for op in ops]
            for number, (op, text) in enumerate(zip(ops, texts, strict=True)):
                if isinstance(op, PutOp):
                    self._put(op, text, embedded.of_put(number))
        return results

    def _read(self, op: Op, embedded: Embedded) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            query = embedded.of_query(op)
            return self._search(op) if query is None else self._nearest(op, query)
        if isinstance(op, ListNamespacesOp):
            return self._list_namespaces(op)
        return None

    def _put(self, op: PutOp, text: bytes | None, vectors: tuple[Vector, ...]) -> None:
        place = (tuple(op.namespace), str(op.key))
        self._expiring.discard(place)
        if text is None:
            self._items.pop(place, None)
            return
        if op.ttl is not None:
            self._expiring.add(place)
        now = ids.now()
        kept = self._items.get(place)
        if kept is None:
            kept = self._items[place] = _Kept(text, now, op.ttl)
        kept.text, kept.updated_at, kept.ttl = text, now, op.ttl
        kept.vectors = vectors
        _refresh(kept)

    def _get(self, op: GetOp) -> Item | None:
        kept = self._items.get((tuple(op.namespace), str(op.key)))
        if kept is None:
            return None
        if op.refresh_ttl:
            _refresh(kept)
        return Item(
            value=self._serde.decode(kept.text),
            key=str(op.key),
            namespace=tuple(op.namespace),
            created_at=kept.created_at,
            updated_at=kept.updated_at,
        )

    def _search(self, op: SearchOp) -> list[SearchItem]:
        found = islice(self._below(op), op.offset, op.offset + op.limit)
        return [_found(op, each, None) for each in found]

    def _nearest(self, op: SearchOp, query: Vector) -> list[SearchItem]:
        candidates = ((each, each.kept.vectors) for each in self._below(op))
        return [_found(op, each, score) for each, score in best(candidates, query, op)]

    def _below(self, op: SearchOp) -> Iterator[_Fitting]:
        prefix = tuple(op.namespace_prefix)
        for (namespace, key), kept in self._items.items():
            if namespace[: len(prefix)] == prefix:
                value = self._serde.decode(kept.text)
                if fits(value, op.filter):
                    yield _Fitting(namespace, key, value, kept)

    def _list_namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        return listed((namespace for namespace, _ in self._items), op)

    def _sweep(self) -> None:
        now = ids.clock()
        for place in [*self._expiring]:
            expires_at = self._items[place].expires_at
            if expires_at is not None and expires_at <= now:
                self._expiring.discard(place)
                del self._items[place]


def _found(op: SearchOp, each: _Fitting, score: float | None) -> SearchItem:
    namespace, key, value, kept = each
    if op.refresh_ttl:
        _refresh(kept)
    return SearchItem(namespace, key, value, kept.created_at, kept.updated_at, score)


def _refresh(kept: _Kept) -> None:
    kept.expires_at = None if kept.ttl is None else ids.clock() + kept.ttl * 60
