"""Any stored value as a tree that a page can show: nothing is hidden, nothing is built.

Values arrive as plain trees in which a node `{"$t": tag, "v": ...}` stands for what JSON
cannot say (a date, a tuple, an object of the author). Such a node is shown with its tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

LONG_TEXT = 240
# Longer ones are folded: this much is shown before "show all".
FOLD_TEXT, FOLD_LINES = 1_200, 16
MAX_COLUMNS = 8
OPEN_ITEMS = 12
MAX_NODES = 4000
MASK = "•••"

_TEXT_TAGS = {"datetime", "date", "time", "Decimal", "UUID"}


@dataclass
class ValueNode:
    """One value; `kind` picks the markup, `label` is its key or index in the parent.

    A "table" is a list of records: `columns` are its keys, each child a record whose
    children stand under the columns in order.
    """

    label: str
    kind: str
    text: str = ""
    tag: str = ""
    children: list["ValueNode"] = field(default_factory=list)
    columns: tuple[str, ...] = ()
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
    def head(self) -> str:
        """The beginning of a text that is folded; empty where it is shown whole."""
        return head_of(self.text)

    @property
    def left(self) -> int:
        """How many characters the fold holds back."""
        return len(self.text) - len(self.head)

    @property
    def host(self) -> str:
        """Where an address leads."""
        return host_of(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


def head_of(text: str) -> str:
    """The beginning of a text, where it is too long to be shown whole; else nothing.

    What is left out is at least as long again as a line, so that a fold is worth a press.
    """
    lines = text.split("\n", FOLD_LINES)
    cut = len(text) if len(lines) <= FOLD_LINES else len(text) - len(lines[-1]) - 1
    cut = min(cut, FOLD_TEXT)
    return text[:cut] if len(text) - cut > LONG_TEXT else ""


def host_of(address: str) -> str:
    """The host that an address leads to; empty where it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


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
        table = _table(value, label, depth, budget)
        if table is not None:
            return table
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


def _table(
    value: list[Any] | tuple[Any, ...], label: str, depth: int, budget: _Budget
) -> ValueNode | None:
    """A list of records as a table; None where it is no such list, or too wide for one."""
    columns: dict[str, None] = {}
    for record in value:
        if not isinstance(record, Mapping) or not record or "$t" in record:
            return None
        if not all(_is_cell(cell) for cell in record.values()):
            return None
        columns.update(dict.fromkeys(map(str, record)))
    size = len(value) * (len(columns) + 1)
    if len(value) < 2 or len(columns) > MAX_COLUMNS or size > budget.left:
        return None
    budget.left -= size
    node = ValueNode(label, "table", columns=tuple(columns), depth=depth)
    for at, record in enumerate(value, 1):
        cells = {str(key): cell for key, cell in record.items()}
        row = ValueNode(str(at), "record", depth=depth + 1)
        row.children = [
            _build(cells[name], name, depth + 2, _Budget(1))
            if name in cells
            else ValueNode(name, "missing")
            for name in columns
        ]
        node.children.append(row)
    return node


def _is_cell(value: Any) -> bool:
    """Whether a value is short enough for a cell."""
    if isinstance(value, Mapping):
        value = value.get("v") if value.get("$t") in _TEXT_TAGS else value
    if isinstance(value, str):
        return len(value) <= LONG_TEXT and "\n" not in value
    return value is None or isinstance(value, bool | int | float)


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
