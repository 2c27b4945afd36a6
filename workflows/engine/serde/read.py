"""From a tree of plain JSON values back to the value: tags are looked up, never imported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from workflows.engine.errors import DamagedValueError, SerdeError
from workflows.engine.serde.plain import SAFE
from workflows.engine.serde.registry import Registry
from workflows.engine.serde.write import TAG

_PARTS = frozenset({TAG, "v", "ver"})
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def rebuild(tree: Any, registry: Registry) -> Any:
    """The value that `tree` was written from.

    Raises UnknownTypeError for a tag that is not registered, DamagedValueError where a part does
    not fit its type.
    """
    kind = type(tree)
    if kind is dict:
        if TAG in tree:
            return _tagged(tree, registry)
        return {
            key: item if type(item) in SAFE else rebuild(item, registry)
            for key, item in tree.items()
        }
    if kind is list:
        return [
            item if type(item) in SAFE else rebuild(item, registry) for item in tree
        ]
    return tree


def _tagged(node: dict[str, Any], registry: Registry) -> Any:
    tag = node[TAG]
    if type(tag) is not str or "v" not in node:
        raise DamagedValueError(f"a stored node has a damaged tag: {tag!r:.80}")
    if tag == "dict":
        return _pairs(node["v"], registry)
    entry = registry.get(tag)
    value = rebuild(node["v"], registry)
    rest = _NOTHING
    if len(node) > 2:
        rest = {
            name: rebuild(part, registry)
            for name, part in node.items()
            if name not in _PARTS
        }
    try:
        return entry.rebuild(value, node.get("ver", 1), rest)
    except SerdeError:
        raise
    except Exception as error:
        raise DamagedValueError(
            f"a stored {tag!r} cannot be rebuilt: {type(error).__name__}: {error}; "
            "if its fields have changed, register_type(..., version=, upgrade=)"
        ) from error


def _pairs(pairs: Any, registry: Registry) -> dict[Any, Any]:
    try:
        return {rebuild(k, registry): rebuild(v, registry) for k, v in pairs}
    except (TypeError, ValueError) as error:
        raise DamagedValueError(f"stored pairs cannot be read: {error}") from error
