"""What an operation of a store means, apart from where items are kept: checks, filters, lists.

Every store uses these, so a filter or a wildcard gives the same items whatever is below.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from workflows.engine.errors import InvalidNamespaceError
from workflows.engine.kinds import check_count, refused, several
from workflows.engine.store.base import (
    GetOp,
    ListNamespacesOp,
    MatchCondition,
    Namespace,
    Op,
    PutOp,
    SearchOp,
)

_RESERVED = ("langgraph", "durableweb")
_FILTER_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_LONGEST_TTL = 100 * 366 * 24 * 60.0  # minutes; beyond it no calendar holds the end
_MISSING = object()
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
OPERATORS = frozenset({"$eq", "$ne", *_COMPARE})


def checked(ops: Iterable[Op], *, has_index: bool = False) -> list[Op]:
    """The operations of a batch, each of which a store can do, with an index or without."""
    found = several(ops, "batch", "ops", "a list of operations such as GetOp(...)")
    for op in found:
        check(op, has_index=has_index)
    return found


def check(op: Op, *, has_index: bool) -> None:
    """Refuse an operation that no store can do (R11.2, R11.3, R11.5, R11.8)."""
    if isinstance(op, PutOp):
        check_namespace(op.namespace)
        if op.value is not None and not isinstance(op.value, Mapping):
            raise TypeError(
                f"a store keeps dicts; {op.key!r} was given a {type(op.value).__name__}"
            )
        where = f"put({op.key!r})"
        if op.index not in (None, False):
            wanted = "the paths to search by as a list of texts, False, or None"
            several(op.index, where, "index", wanted)
        if isinstance(op.ttl, bool) or not isinstance(op.ttl, int | float | None):
            wanted = "a number of minutes, or None for ever"
            raise refused(where, "ttl", op.ttl, wanted)
        if op.ttl is not None and not 0 <= op.ttl <= _LONGEST_TTL:
            raise ValueError(
                f"put({op.key!r}, ttl={op.ttl!r}): a ttl is a number of minutes from 0 to "
                f"{_LONGEST_TTL:.0f}, None for ever"
            )
    elif isinstance(op, GetOp):
        check_path(op.namespace)
    elif isinstance(op, SearchOp):
        check_path(op.namespace_prefix)
        check_filter(op.filter)
        _check_window(op.limit, op.offset, "search")
        if op.query is not None and not has_index:
            raise NotImplementedError(
                "search(query=...): this store has no index of meanings; use filter=, or make "
                "the store with index={'dims': ..., 'embed': ...}"
            )
        if not isinstance(op.query, str | None):
            raise refused("search", "query", op.query, "a text, or None")
    elif isinstance(op, ListNamespacesOp):
        for condition in op.match_conditions or ():
            check_path(condition.path)
            if condition.match_type not in ("prefix", "suffix"):
                raise ValueError(
                    f"list_namespaces: match_type is {condition.match_type!r}; give "
                    "'prefix' or 'suffix'"
                )
        _check_window(op.limit, op.offset, "list_namespaces")
        if op.max_depth is not None:
            check_count(op.max_depth, "list_namespaces", "max_depth", 1)
    else:
        raise TypeError(f"no operation of a store: {op!r}")


def check_path(path: Any) -> None:
    """Refuse labels below which nothing can lie; a plain text would be read letter by letter."""
    if not isinstance(path, tuple | list):
        raise InvalidNamespaceError(
            f"a namespace is a tuple of texts, not {path!r}; write ({path!r},)"
        )
    for label in path:
        if not isinstance(label, str):
            raise InvalidNamespaceError(
                f"namespace label {label!r} in {path!r} is no text but a {type(label).__name__}"
            )
        if not label:
            raise InvalidNamespaceError(
                f"empty label in namespace {path!r}; leave it out or name it"
            )
        if "\0" in label:
            raise InvalidNamespaceError(
                f"namespace label {label!r} in {path!r} contains a NUL, which a database "
                "cannot hold; leave it out"
            )
        if "." in label:
            raise InvalidNamespaceError(
                f"namespace label {label!r} in {path!r} contains a period; "
                "write one label for each part"
            )


def check_namespace(namespace: Any) -> None:
    """Refuse a namespace that nothing may be put in (R11.2)."""
    check_path(namespace)
    if not namespace:
        raise InvalidNamespaceError(
            "namespace () needs at least one label, such as ('people',)"
        )
    if namespace[0] in _RESERVED:
        raise InvalidNamespaceError(
            f"namespace {namespace!r}: what begins with {namespace[0]!r} is reserved; "
            "choose another first label"
        )


def check_filter(filter: Mapping[str, Any] | None) -> None:
    """Refuse unknown operators and keys that could be read as more than a key (R10.8, R11.5)."""
    if filter is None:
        return
    if not isinstance(filter, Mapping):
        raise refused("search", "filter", filter, "a dict such as {'age': {'$gt': 30}}")
    for key, wanted in filter.items():
        if not isinstance(key, str) or not _FILTER_KEY.fullmatch(key):
            raise ValueError(
                f"filter key {key!r} may hold letters, digits, '_', '.' and '-' only"
            )
        _check_operators(wanted)


def _check_operators(wanted: Any) -> None:
    if _has_operators(wanted):
        unknown = {str(name) for name in wanted} - OPERATORS
        if unknown:
            raise ValueError(
                f"unknown filter operator {min(unknown)!r}; known: "
                f"{', '.join(sorted(OPERATORS))}"
            )
    elif isinstance(wanted, Mapping):
        for inner in wanted.values():
            _check_operators(inner)
    elif isinstance(wanted, list | tuple):
        for inner in wanted:
            _check_operators(inner)


def _check_window(limit: Any, offset: Any, where: str) -> None:
    check_count(limit, where, "limit")
    check_count(offset, where, "offset")


def fits(value: Mapping[str, Any], filter: Mapping[str, Any] | None) -> bool:
    """Say whether an item's value is what a filter wants (R11.5)."""
    return all(
        _fits_one(value.get(key, _MISSING), wanted)
        for key, wanted in (filter or {}).items()
    )


def _fits_one(value: Any, wanted: Any) -> bool:
    """A dict of a filter asks for these keys, whatever else stands beside them; so inside a list."""
    if _has_operators(wanted):
        return all(_compare(value, name, other) for name, other in wanted.items())
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and fits(value, wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(wanted)
            and all(map(_fits_one, value, wanted))
        )
    return _compare(value, "$eq", wanted)


def _has_operators(wanted: Any) -> bool:
    return isinstance(wanted, Mapping) and any(
        str(name).startswith("$") for name in wanted
    )


def _compare(value: Any, name: str, other: Any) -> bool:
    if name in ("$eq", "$ne"):
        is_same = other is None if value is _MISSING else bool(value == other)
        return is_same is (name == "$eq")
    if value is _MISSING:
        return False
    try:
        return bool(_COMPARE[name](value, other))
    except TypeError:
        return False  # of different kinds, so neither is before the other


def listed(namespaces: Iterable[Namespace], op: ListNamespacesOp) -> list[Namespace]:
    """What `list_namespaces` answers, given all namespaces that hold something (R11.6)."""
    found = {
        namespace[: op.max_depth]
        for namespace in namespaces
        if all(_matches(namespace, one) for one in op.match_conditions or ())
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(namespace: Namespace, condition: MatchCondition) -> bool:
    path: Sequence[str] = condition.path
    if len(path) > len(namespace):
        return False
    part = namespace[: len(path)]
    if condition.match_type == "suffix":
        part = namespace[len(namespace) - len(path) :]
    return all(want in ("*", label) for want, label in zip(path, part, strict=True))
