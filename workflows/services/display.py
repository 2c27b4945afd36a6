"""Values as plain trees for pages: tags kept as they are stored, big parts cut with a flag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.storage.sealing import unseal

MAX_TEXT = 20_000
MAX_ITEMS = 200
MAX_DEPTH = 40
MAX_NODES = 5_000


@dataclass(frozen=True)
class Shown:
    """A tree to show. `is_cut`: something was left out; `size` counts stored characters."""

    tree: Any
    is_cut: bool = False
    size: int = 0
    problem: str = ""


class _Cutter:
    """Copies a tree within the limits."""

    def __init__(self) -> None:
        self.is_cut = False
        self.nodes_left = MAX_NODES

    def copy(self, tree: Any, depth: int = 0) -> Any:
        self.nodes_left -= 1
        if isinstance(tree, str) and len(tree) > MAX_TEXT:
            self.is_cut = True
            return tree[:MAX_TEXT] + "…"
        if not isinstance(tree, dict | list):
            return tree
        if depth >= MAX_DEPTH or self.nodes_left <= 0:
            self.is_cut = True
            return "…"
        if isinstance(tree, list):
            if len(tree) > MAX_ITEMS:
                self.is_cut = True
            return [self.copy(item, depth + 1) for item in tree[:MAX_ITEMS]]
        items = list(tree.items())
        if len(items) > MAX_ITEMS:
            self.is_cut = True
        return {key: self.copy(item, depth + 1) for key, item in items[:MAX_ITEMS]}


def show_stored(text: str, thread_id: str, place: str) -> Shown:
    """`show_text` of a column that may be encrypted; `place` as `storage/sealing.py` names it."""
    try:
        return show_text(unseal(text, thread_id, place))
    except SerdeError as error:
        return Shown(None, is_cut=True, size=len(text), problem=str(error))


def show_text(text: str) -> Shown:
    """What stored tagged JSON text looks like; damage is told, not raised."""
    if not text:
        return Shown(None)
    try:
        tree = serde.tree(text)
    except SerdeError as error:
        return Shown(None, is_cut=True, size=len(text), problem=str(error))
    return show_tree(tree, len(text))


def show_value(value: Any) -> Shown:
    """What a live value looks like once stored."""
    try:
        text = serde.dumps(value)
    except SerdeError as error:
        return Shown(None, is_cut=True, problem=str(error))
    return show_text(text)


def show_tree(tree: Any, size: int = 0) -> Shown:
    """A plain tree within the limits."""
    cutter = _Cutter()
    return Shown(cutter.copy(tree), cutter.is_cut, size)
