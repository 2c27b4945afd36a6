"""The store over Django's tables (R11.1 to R11.9): what threads of all processes share.

Values, namespaces and filters reach the database as bound parameters only (R10.8); a filter
is compared on the values read back, so it means the same as in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.db.models import Q, QuerySet

from workflows.engine import ids
from workflows.engine import serde as default_serde
from workflows.engine.errors import DamagedValueError
from workflows.engine.store.asking import checked, fits, listed
from workflows.engine.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    Namespace,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)
from workflows.engine.store.base import Item as StoreItem
from workflows.engine.store.embedding import index_of
from workflows.engine.store.meaning import (
    NOTHING,
    Embedded,
    Vector,
    best,
    from_text,
    to_text,
)
from workflows.models import Item
from workflows.storage.checkpoints import check_name
from workflows.storage.connections import POSTGRESQL
from workflows.storage.sealing import seal, unseal

_LONGEST = 300  # of a namespace and of a key, in characters; an index holds both
_PAGE = 200
_VECTORS = "vectors of item"
_MOVED = ["value", "digest", "vectors", "ttl_minutes", "expires_at", "updated_at"]


class DjangoStore(BaseStore):
    """Keeps items in the database `using`.

    `ttl={"default_ttl": minutes, "refresh_on_read": bool}`. `index={"dims": numbers, "embed":
    function, "fields": paths}` lets `search(query=)` find by meaning. A namespace, its labels
    joined by periods, and a key have at most 300 characters each.
    """

    supports_ttl = True

    def __init__(
        self,
        using: str = "default",
        *,
        index: Any = None,
        ttl: Mapping[str, Any] | None = None,
        serde: Any = None,
    ) -> None:
        self.using = using
        self._index = index_of(index, "DjangoStore")
        self.ttl_config = ttl
        self._serde: Any = serde or default_serde

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; reads see the state before the writes of the same batch.

        All writes are done or none. Inside a transaction of the caller they belong to it. What
        turns texts into vectors is called before anything is read or written.
        """
        ops = checked(ops, has_index=self._index is not None)
        return self._do(ops, self._index.embed(ops) if self._index else NOTHING)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Async twin of `batch`."""
        ops = checked(ops, has_index=self._index is not None)
        embedded = await self._index.aembed(ops) if self._index else NOTHING
        do = sync_to_async(self._do, thread_sensitive=True)
        found: list[Result] = await do(ops, embedded)
        return found

    def _do(self, ops: Sequence[Op], embedded: Embedded) -> list[Result]:
        puts: dict[tuple[str, str], _Put] = {}
        for number, op in enumerate(ops):
            if isinstance(op, PutOp):
                vectors = to_text(embedded.of_put(number))
                puts[self._place_to_put(op)] = _Put(op.ttl, self._text(op), vectors)
        if not puts:
            return [self._read(op, embedded) for op in ops]
        with transaction.atomic(using=self.using):
            results = [self._read(op, embedded) for op in ops]
            self._write(puts)
        return results

    def prune(self) -> int:
        """Remove what has expired; returns how many items went."""
        gone, _ = self._rows().filter(expires_at__lte=ids.now()).delete()
        return gone

    # reading

    def _rows(self) -> QuerySet[Item]:
        return Item.objects.using(self.using)

    def _alive(self) -> QuerySet[Item]:
        return (
            self._rows()
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=ids.now()))
            .defer("vectors")
        )

    def _read(self, op: Op, embedded: Embedded) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            return self._search(op, embedded.of_query(op))
        if isinstance(op, ListNamespacesOp):
            return self._list_namespaces(op)
        return None

    def _get(self, op: GetOp) -> StoreItem | None:
        if not _can_hold(op.namespace) or not _is_storable(str(op.key)):
            return None
        place = {"namespace": ".".join(op.namespace), "key": str(op.key)}
        row = self._alive().filter(**place).first()
        if row is None:
            return None
        if op.refresh_ttl:
            self._refresh([row])
        return StoreItem(
            value=self._value(row),
            key=row.key,
            namespace=tuple(op.namespace),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _search(self, op: SearchOp, query: Vector | None) -> list[SearchItem]:
        if not _can_hold(op.namespace_prefix):
            return []
        rows = self._alive().filter(self._below(op.namespace_prefix)).order_by("id")
        end = op.offset + op.limit
        found: list[tuple[_Fitting, float | None]]
        if query is not None:
            candidates = self._fitting(rows.defer(None), op)
            found = best(((each, _vectors(each.row)) for each in candidates), query, op)
        elif op.filter:
            fitting = islice(self._fitting(rows, op), op.offset, end)
            found = [(each, None) for each in fitting]
        else:
            found = [(_Fitting(row, None), None) for row in rows[op.offset : end]]
        if op.refresh_ttl:
            self._refresh([each.row for each, _ in found])
        return [
            SearchItem(
                tuple(row.namespace.split(".")),
                row.key,
                self._value(row) if value is None else value,
                row.created_at,
                row.updated_at,
                score,
            )
            for (row, value), score in found
        ]

    def _fitting(self, rows: QuerySet[Item], op: SearchOp) -> Iterator[_Fitting]:
        last = 0
        while True:
            page = [*rows.filter(id__gt=last)[:_PAGE]]
            for row in page:
                value = self._value(row) if op.filter else None
                if value is None or fits(value, op.filter):
                    yield _Fitting(row, value)
            if len(page) < _PAGE:
                return
            last = page[-1].pk

    def _list_namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        rows = self._alive()
        for condition in op.match_conditions or ():
            if not _can_hold(condition.path):
                return []
            if condition.match_type == "prefix":
                rows = rows.filter(self._below(_before_a_star(condition.path)))
        kept = rows.values_list("namespace", flat=True).distinct()
        return listed((tuple(joined.split(".")) for joined in kept), op)

    def _below(self, prefix: Sequence[str]) -> Q:
        """A namespace that is `prefix` or begins with its labels; case counts."""
        if not prefix:
            return Q()
        joined = ".".join(prefix)
        same = Q(namespace=joined)
        if connections[self.using].vendor == POSTGRESQL:
            return same | Q(namespace__startswith=f"{joined}.")
        # LIKE takes a for A on SQLite, but texts sort by their bytes: "/" follows ".".
        return same | Q(namespace__gte=f"{joined}.", namespace__lt=f"{joined}/")

    def _value(self, row: Item) -> dict[str, Any]:
        if ids.digest(row.value) != row.digest:
            raise DamagedValueError(
                f"item {row.key!r} of namespace {row.namespace!r} does not match its "
                "digest; put it anew, or restore the row from a backup"
            )
        text = unseal(row.value, *_sealed_at(row.namespace, row.key))
        found: dict[str, Any] = self._serde.loads(text)
        return found

    # writing

    def _text(self, op: PutOp) -> str | None:
        return None if op.value is None else self._serde.dumps(dict(op.value))

    def _place_to_put(self, op: PutOp) -> tuple[str, str]:
        joined, key = ".".join(op.namespace), str(op.key)
        check_name("namespace", joined, _LONGEST)
        check_name("key", key, _LONGEST)
        return joined, key

    def _write(self, puts: Mapping[tuple[str, str], _Put]) -> None:
        now = ids.now()
        rows = []
        for (namespace, key), (ttl, text, vectors) in puts.items():
            over = self._rows().filter(namespace=namespace, key=key)
            if text is None:
                over.delete()
                continue
            over.filter(expires_at__lte=now).delete()  # what is put there is a new item
            text = seal(text, *_sealed_at(namespace, key))
            rows.append(
                Item(
                    namespace=namespace,
                    key=key,
                    value=text,
                    digest=ids.digest(text),
                    vectors=vectors
                    and seal(vectors, *_sealed_at(namespace, key, _VECTORS)),
                    ttl_minutes=ttl,
                    expires_at=None if ttl is None else now + timedelta(minutes=ttl),
                    created_at=now,
                    updated_at=now,
                )
            )
        self._rows().bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["namespace", "key"],
            update_fields=_MOVED,
        )

    def _refresh(self, rows: Iterable[Item]) -> None:
        """Give items that were read their minutes again."""
        by_ttl: dict[float, list[int]] = {}
        for row in rows:
            if row.ttl_minutes is not None:
                by_ttl.setdefault(row.ttl_minutes, []).append(row.pk)
        for minutes, found in by_ttl.items():
            self._alive().filter(pk__in=found).update(
                expires_at=ids.now() + timedelta(minutes=minutes)
            )


class _Fitting(NamedTuple):
    """A row that a search asks for, before its window is taken; its value where that was read."""

    row: Item
    value: dict[str, Any] | None


class _Put(NamedTuple):
    """What is written at one place; a text of None deletes it."""

    ttl: float | None
    text: str | None
    vectors: str | None


def _sealed_at(namespace: str, key: str, part: str = "item") -> tuple[str, str]:
    return f"store:{namespace}", f"{part} {key}"


def _vectors(row: Item) -> list[Vector]:
    if not row.vectors:
        return []
    text = unseal(row.vectors, *_sealed_at(row.namespace, row.key, _VECTORS))
    try:
        return from_text(text)
    except ValueError as error:
        raise DamagedValueError(
            f"item {row.key!r} of namespace {row.namespace!r} has vectors that cannot be "
            "read; put it anew, or restore the row from a backup"
        ) from error


def _can_hold(path: Sequence[str]) -> bool:
    """Say whether anything can lie below: what is put has no labels that a row cannot hold."""
    return all(map(_is_storable, path))


def _is_storable(text: str) -> bool:
    try:
        check_name("name", text, _LONGEST)
    except ValueError:
        return False
    return True


def _before_a_star(path: Sequence[str]) -> Sequence[str]:
    return path[: path.index("*")] if "*" in path else path
