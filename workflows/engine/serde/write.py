"""From a value to a tree of plain JSON values: the careful walk, which knows where it is.

A value that JSON has no form for becomes `{"$t": tag, "v": parts}` (`"ver"` beside it from
version 2 on). A dict with other than text keys, or with a key "$t", becomes a list of pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec

from workflows.engine.errors import SerializationError
from workflows.engine.serde.langchain import is_text
from workflows.engine.serde.plain import SAFE
from workflows.engine.serde.registry import Registered, Registry

TAG = "$t"
ASSIGNED_ID = "auto-"  # begins the ids that the engine gives to messages
MAX_DEPTH = 128
_MAX_CONTAINERS = 4_000_000
_PLAIN_INT = 1 << 2048  # Python refuses to print ints of more than 4,300 digits
_in_order = msgspec.json.Encoder(order="sorted").encode

Find = Callable[[type], Registered | None]


class Writer:
    """One walk over one value.

    `careful_text` looks at every text for lone surrogates; it costs time, so it is asked for only
    after msgspec has refused one. `canonical` writes for a digest.
    """

    __slots__ = ("canonical", "careful_text", "containers", "find", "path", "registry")

    def __init__(
        self,
        registry: Registry,
        find: Find,
        *,
        root: str = "$",
        canonical: bool = False,
        careful_text: bool = False,
    ) -> None:
        self.registry = registry
        self.find = find
        self.path: list[str | int] = [root]
        self.canonical = canonical
        self.careful_text = careful_text
        self.containers = 0

    def tree(self, value: Any) -> Any:
        """`value` as dicts, lists, texts, numbers, booleans and None."""
        kind = type(value)
        if kind is str:
            return self._text(value) if self.careful_text else value
        if kind is int:
            if -_PLAIN_INT < value < _PLAIN_INT:
                return value
            return {TAG: "int", "v": hex(value)}
        if kind in SAFE:
            return value
        if kind is float:
            return value if isfinite(value) else {TAG: "float", "v": repr(value)}
        if kind is dict:
            return self._dict(value)
        if kind is list:
            return self._list(value)
        entry = self.registry.by_class.get(kind) or self.find(kind)
        if entry is None:
            if is_text(kind):
                return self.tree(str.__str__(value))
            raise self.refuse(value)
        return self._tagged(entry, value)

    def refuse(self, value: Any) -> SerializationError:
        """The error for a value that has no stored form."""
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return SerializationError(
            self.where(),
            f"a value of type {name} cannot be stored; turn it into plain data, or call "
            "register_type(tag, cls, pack=..., unpack=...)",
        )

    def where(self) -> str:
        """The present place as text: `$.orders[3].total`."""
        parts = [str(self.path[0])]
        for step in self.path[1:]:
            if type(step) is int:
                parts.append(f"[{step}]")
            elif str(step).isidentifier():
                parts.append(f".{step}")
            else:
                parts.append(f"[{step!r}]")
        return "".join(parts)

    def _enter(self) -> None:
        self.containers += 1
        if len(self.path) > MAX_DEPTH:
            raise SerializationError(
                self._short_place(),
                f"a value is nested deeper than {MAX_DEPTH} levels, or contains itself",
            )
        if self.containers > _MAX_CONTAINERS:
            raise SerializationError(
                self._short_place(),
                f"a value has more than {_MAX_CONTAINERS} containers, or the same one many times",
            )

    def _short_place(self) -> str:
        del self.path[12:]
        return self.where() + "..."

    def _list(self, items: Any) -> list[Any]:
        self._enter()
        out = []
        path = self.path
        path.append(0)
        easy = () if self.careful_text else (str, bool, type(None))
        for index, item in enumerate(items):
            if type(item) in easy:
                out.append(item)
            else:
                path[-1] = index
                out.append(self.tree(item))
        path.pop()
        return out

    def _dict(self, items: dict[Any, Any]) -> dict[str, Any]:
        others = set(map(type, items)) - {str}
        if others and all(map(is_text, others)):
            items, others = {str.__str__(key): items[key] for key in items}, set()
        if TAG in items or others:
            return self._pairs(items)
        if self.careful_text and any(map(_has_surrogate, items)):
            return self._pairs(items)
        self._enter()
        out = {}
        path = self.path
        path.append("")
        easy = () if self.careful_text else (str, bool, type(None))
        for key, item in items.items():
            if type(item) in easy:
                out[key] = item
            else:
                path[-1] = key
                out[key] = self.tree(item)
        path.pop()
        return out

    def _pairs(self, items: dict[Any, Any]) -> dict[str, Any]:
        self._enter()
        pairs = []
        path = self.path
        path.append("")
        for key, item in items.items():
            path[-1] = key if type(key) in (str, int) else _short(key)
            pairs.append([self.tree(key), self.tree(item)])
        path.pop()
        if self.canonical:
            pairs.sort(key=lambda pair: _in_order(pair[0]))
        return {TAG: "dict", "v": pairs}

    def _tagged(self, entry: Registered, value: Any) -> dict[str, Any]:
        form = entry.form
        try:
            packed = form.pack(value)
        except (AttributeError, TypeError, ValueError) as error:
            raise SerializationError(
                self.where(), f"a {entry.tag} cannot be taken apart: {error}"
            ) from error
        if self.canonical and type(packed) is dict:
            packed = _without_assigned_id(packed)
        if type(packed) is list:
            tree: Any = self._list(packed)
            if form.sort:
                tree.sort(key=_in_order)
        else:
            tree = self.tree(packed)
        node: dict[str, Any] = {TAG: entry.tag, "v": tree}
        if entry.version != 1:
            node["ver"] = entry.version
        if form.also is not None:
            for name, part in form.also(value).items():
                if not (self.canonical and name in form.unhashed):
                    node[name] = self.tree(part)
        return node

    def _text(self, value: str) -> Any:
        if not _has_surrogate(value):
            return value
        escaped = value.encode("unicode_escape").decode("ascii")
        return {TAG: "str", "v": escaped}


def _without_assigned_id(parts: dict[Any, Any]) -> dict[Any, Any]:
    # The id is new in every run, so a digest over it would never repeat (R4.14).
    given = parts.get("id")
    if type(given) is str and given.startswith(ASSIGNED_ID):
        return {name: part for name, part in parts.items() if name != "id"}
    return parts


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _short(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 40 else text[:37] + "..."
