"""What a store offers: items in namespaces, shared by all threads (R11.1 to R11.9).

A store implements `batch` and `abatch`; every other verb is one of their operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypedDict

from workflows.engine.errors import InvalidNamespaceError
from workflows.engine.kinds import refused
from workflows.engine.serde import register_type

Namespace = tuple[str, ...]


class NotProvided:
    """Stands for an argument that was not given, where None means something."""

    def __bool__(self) -> Literal[False]:
        return False


NOT_PROVIDED: Final = NotProvided()
"""Says that no ttl was given, so the store's own holds; None means for ever."""


class Item:
    """A stored value with its place and its times."""

    __slots__ = ("created_at", "key", "namespace", "updated_at", "value")

    def __init__(
        self,
        *,
        value: dict[str, Any],
        key: str,
        namespace: Namespace,
        created_at: datetime,
        updated_at: datetime,
    ) -> None:
        self.value = value
        self.key = key
        self.namespace = tuple(namespace)
        self.created_at = _instant(created_at)
        self.updated_at = _instant(updated_at)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Item)
            and (self.namespace, self.key) == (other.namespace, other.key)
            and self.value == other.value
            and self.created_at == other.created_at
            and self.updated_at == other.updated_at
        )

    def __hash__(self) -> int:
        return hash((self.namespace, self.key))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.dict().items())
        return f"{type(self).__name__}({fields})"

    def dict(self) -> dict[str, Any]:
        """The item as plain data."""
        return {
            "namespace": list(self.namespace),
            "key": self.key,
            "value": self.value,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


class SearchItem(Item):
    """An item that a search found; `score` is set where meaning was searched."""

    __slots__ = ("score",)

    def __init__(
        self,
        namespace: Namespace,
        key: str,
        value: dict[str, Any],
        created_at: datetime,
        updated_at: datetime,
        score: float | None = None,
    ) -> None:
        super().__init__(
            value=value,
            key=key,
            namespace=namespace,
            created_at=created_at,
            updated_at=updated_at,
        )
        self.score = score

    def dict(self) -> dict[str, Any]:
        """The item as plain data, with its score."""
        return {**super().dict(), "score": self.score}


class GetOp(NamedTuple):
    """Read one item."""

    namespace: Namespace
    key: str
    refresh_ttl: bool = True


class SearchOp(NamedTuple):
    """Read the items below a namespace."""

    namespace_prefix: Namespace
    filter: dict[str, Any] | None = None
    limit: int = 10
    offset: int = 0
    query: str | None = None
    refresh_ttl: bool = True


class PutOp(NamedTuple):
    """Write one item; a value of None deletes it. `ttl` in minutes."""

    namespace: Namespace
    key: str
    value: Mapping[str, Any] | None
    index: Literal[False] | list[str] | None = None  # type: ignore[assignment]
    ttl: float | None = None


class MatchCondition(NamedTuple):
    """A namespace begins (or ends) with `path`; "*" stands for any one label."""

    match_type: Literal["prefix", "suffix"]
    path: tuple[str, ...]


class ListNamespacesOp(NamedTuple):
    """Read which namespaces hold something."""

    match_conditions: tuple[MatchCondition, ...] | None = None
    max_depth: int | None = None
    limit: int = 100
    offset: int = 0


class TTLConfig(TypedDict, total=False):
    """How long a store keeps items: minutes, and whether a reading gives them again (R11.7)."""

    default_ttl: float | None
    refresh_on_read: bool


class IndexConfig(TypedDict, total=False):
    """How a store finds by meaning (R11.8).

    `embed` turns texts into vectors of `dims` numbers; `fields` are the paths whose texts are
    searched by, by default ["$"], the whole value.
    """

    dims: int
    embed: Any
    fields: list[str] | None


Op = GetOp | SearchOp | PutOp | ListNamespacesOp
"""One operation of `batch`."""
Result = Any
"""What an operation gives: an item or None, a list of search items, a list of namespaces, or None."""


class BaseStore:
    """The verbs over `batch` and `abatch`. Writes are done at once, outside of any step."""

    supports_ttl: bool = False
    ttl_config: Mapping[str, Any] | TTLConfig | None = None

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; reads see the state before the writes of the same batch."""
        raise NotImplementedError

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Async twin of `batch`."""
        raise NotImplementedError

    def get(
        self, namespace: Namespace, key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """The item, or None."""
        found: Item | None = self.batch([self._get_op(namespace, key, refresh_ttl)])[0]
        return found

    def put(
        self,
        namespace: Namespace,
        key: str,
        value: Mapping[str, Any] | None,
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Write an item, or with None delete it. `ttl` in minutes; None: for ever."""
        self.batch([self._put_op(namespace, key, value, index, ttl)])

    def delete(self, namespace: Namespace, key: str) -> None:
        """Delete an item; one that is not there is fine."""
        self.batch([PutOp(namespace, key_text(key), None)])

    def search(
        self,
        namespace_prefix: Namespace,
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """The items below a namespace, in the order they were first put."""
        op = self._search_op(
            namespace_prefix, filter, limit, offset, query, refresh_ttl
        )
        found: list[SearchItem] = self.batch([op])[0]
        return found

    def list_namespaces(
        self,
        *,
        prefix: tuple[str, ...] | None = None,
        suffix: tuple[str, ...] | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """The namespaces that hold something, sorted; `max_depth` cuts them and makes them unique."""
        op = _namespaces_op(prefix, suffix, max_depth, limit, offset)
        found: list[Namespace] = self.batch([op])[0]
        return found

    async def aget(
        self, namespace: Namespace, key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """Async twin of `get`."""
        ops = [self._get_op(namespace, key, refresh_ttl)]
        found: Item | None = (await self.abatch(ops))[0]
        return found

    async def aput(
        self,
        namespace: Namespace,
        key: str,
        value: Mapping[str, Any] | None,
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Async twin of `put`."""
        await self.abatch([self._put_op(namespace, key, value, index, ttl)])

    async def adelete(self, namespace: Namespace, key: str) -> None:
        """Async twin of `delete`."""
        await self.abatch([PutOp(namespace, key_text(key), None)])

    async def asearch(
        self,
        namespace_prefix: Namespace,
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Async twin of `search`."""
        op = self._search_op(
            namespace_prefix, filter, limit, offset, query, refresh_ttl
        )
        found: list[SearchItem] = (await self.abatch([op]))[0]
        return found

    async def alist_namespaces(
        self,
        *,
        prefix: tuple[str, ...] | None = None,
        suffix: tuple[str, ...] | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """Async twin of `list_namespaces`."""
        op = _namespaces_op(prefix, suffix, max_depth, limit, offset)
        found: list[Namespace] = (await self.abatch([op]))[0]
        return found

    def _refreshes(self, asked: bool | None) -> bool:
        if asked is not None:
            return asked
        return bool((self.ttl_config or {}).get("refresh_on_read", True))

    def _get_op(self, namespace: Namespace, key: str, refresh: bool | None) -> GetOp:
        return GetOp(namespace, key_text(key), self._refreshes(refresh))

    def _search_op(
        self,
        prefix: Namespace,
        filter: dict[str, Any] | None,
        limit: int,
        offset: int,
        query: str | None,
        refresh: bool | None,
    ) -> SearchOp:
        return SearchOp(prefix, filter, limit, offset, query, self._refreshes(refresh))

    def _put_op(
        self,
        namespace: Namespace,
        key: str,
        value: Mapping[str, Any] | None,
        index: Literal[False] | list[str] | None,
        ttl: float | NotProvided | None,
    ) -> PutOp:
        if isinstance(ttl, NotProvided):
            ttl = (self.ttl_config or {}).get("default_ttl")
        elif ttl is not None and not self.supports_ttl:
            raise NotImplementedError(
                f"{type(self).__name__} knows no ttl; leave it out, or use a store that does"
            )
        return PutOp(namespace, key_text(key), value, index, ttl)


def key_text(key: Any) -> str:
    """A key as text. Raises TypeError for None and for what holds others, which would be hard to find again."""
    if key is None or isinstance(key, bytes | list | tuple | dict | set | frozenset):
        raise refused("a store", "key", key, "a text")
    return str(key)


def _namespaces_op(
    prefix: tuple[str, ...] | None,
    suffix: tuple[str, ...] | None,
    max_depth: int | None,
    limit: int,
    offset: int,
) -> ListNamespacesOp:
    conditions = []
    if prefix:
        conditions.append(MatchCondition("prefix", prefix))
    if suffix:
        conditions.append(MatchCondition("suffix", suffix))
    return ListNamespacesOp(tuple(conditions) or None, max_depth, limit, offset)


def _instant(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


# What a search found may be kept in a state (R10.1).
register_type("store.Item", Item, pack=Item.dict, unpack=lambda parts: Item(**parts))
register_type(
    "store.SearchItem",
    SearchItem,
    pack=SearchItem.dict,
    unpack=lambda parts: SearchItem(**parts),
)


__all__ = [
    "NOT_PROVIDED",
    "BaseStore",
    "GetOp",
    "IndexConfig",
    "InvalidNamespaceError",
    "Item",
    "ListNamespacesOp",
    "MatchCondition",
    "Namespace",
    "NotProvided",
    "Op",
    "PutOp",
    "Result",
    "SearchItem",
    "SearchOp",
    "TTLConfig",
]
