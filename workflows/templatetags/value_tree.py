"""Any stored value as a tree that a page can show: nothing is hidden, nothing is built.

Values arrive as plain trees in which a node `{"$t": tag, "v": ...}` stands for what JSON
cannot say (a date, a tuple, an object of the author). Such a node is shown with its tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LONG_TEXT = 240
OPEN_ITEMS = 12
MAX_NODES = 4000
MASK = "•••"

_TEXT_TAGS = {"datetime", "date", "time", "Decimal", "UUID"}


@dataclass
class ValueNode:
    """One value; `kind` picks the markup, `label` is its key or index in the parent."""

    label: str
    kind: str
    text: str = ""
    tag: str = ""
    children: list["ValueNode"] = field(default_factory=list)
    depth: int = 0

    @property
    def is_group(self) -> bool:
        return self.kind in {"object", "list"}

    @property
    def is_bare(self) -> bool:
        """Whether the group needs no line of its own: it is the whole value, and short."""
        return self.depth == 0 and not self.tag and len(self.children) <= OPEN_ITEMS

    @property
    def is_open(self) -> bool:
        return self.depth < 2 and len(self.children) <= OPEN_ITEMS

    @property
    def size(self) -> str:
        count = len(self.children)
        word = "key" if self.kind == "object" else "entry"
        if count == 1:
            return f"1 {word}"
        return f"{count} {'keys' if word == 'key' else 'entries'}"

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


class _Budget:
    def __init__(self, nodes: int) -> None:
        self.left = nodes


def build(value: Any, label: str = "", depth: int = 0) -> ValueNode:
    """Make the tree of a value; past MAX_NODES nodes the rest is said to be left out."""
    return _build(value, label, depth, _Budget(MAX_NODES))


def _build(value: Any, label: str, depth: int, budget: _Budget) -> ValueNode:
    budget.left -= 1
    if isinstance(value, Mapping):
        if "$t" in value:
            return _tagged(value, label, depth, budget)
        pairs: list[tuple[str, Any]] = [(str(k), v) for k, v in value.items()]
        return _group("object", pairs, label, depth, budget)
    if isinstance(value, list | tuple):
        numbered = [(str(at), item) for at, item in enumerate(value, 1)]
        return _group("list", numbered, label, depth, budget)
    kind, text = _scalar(value)
    return ValueNode(label, kind, text, depth=depth)


def _group(
    kind: str, pairs: list[tuple[str, Any]], label: str, depth: int, budget: _Budget
) -> ValueNode:
    node = ValueNode(label, kind, depth=depth)
    for at, (key, item) in enumerate(pairs):
        if budget.left <= 0:
            left = len(pairs) - at
            node.children.append(
                ValueNode("", "left_out", f"{left} more not shown", depth=depth + 1)
            )
            break
        node.children.append(_build(item, key, depth + 1, budget))
    return node


def _tagged(
    value: Mapping[str, Any], label: str, depth: int, budget: _Budget
) -> ValueNode:
    tag = str(value["$t"])
    inner = value.get("v")
    if isinstance(inner, str) and tag in _TEXT_TAGS:
        kind = "moment" if tag == "datetime" and _moment(inner) else "plain"
        return ValueNode(label, kind, inner, tag, depth=depth)
    if tag == "dict" and isinstance(inner, list):
        # Keys that JSON does not know, such as numbers, are kept as pairs.
        pairs = [(str(pair[0]), pair[1]) for pair in inner if _is_pair(pair)]
        return _group("object", pairs, label, depth, budget)
    node = _build(inner, label, depth, budget)
    node.tag = tag
    return node


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _scalar(value: Any) -> tuple[str, str]:
    if value is None:
        return "null", "null"
    if isinstance(value, bool):
        return "boolean", "yes" if value else "no"
    if isinstance(value, int | float):
        return "number", repr(value)
    text = str(value)
    if text == "":
        return "empty", "empty text"
    if _moment(text):
        return "moment", text
    if text.startswith(("http://", "https://")) and not any(map(str.isspace, text)):
        return "address", text
    if "\n" in text or len(text) > LONG_TEXT:
        return "long", text
    return "text", text


def _moment(text: str) -> bool:
    if not 16 <= len(text) <= 40 or text[4:5] != "-" or text[10:11] not in {"T", " "}:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
