"""What an edit changes: rows of path, old and new, with word for word parts of long texts.

Computed on the server over plain trees, so it can be printed and read aloud.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
MAX_ROWS = 500
# Below this a text is shown whole, before and after.
LONG_TEXT = 80
_MISSING = object()


@dataclass(frozen=True)
class Piece:
    """A part of a text: `kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True)
class DiffRow:
    """One changed place. `path` is empty for the whole value; `pieces` tell a long text's change."""

    path: str
    kind: str
    old: Any = None
    new: Any = None
    pieces: tuple[Piece, ...] = ()

    @property
    def old_text(self) -> str:
        """The old part as text; empty where it was added."""
        return "" if self.kind == ADDED else text_of(self.old)

    @property
    def new_text(self) -> str:
        """The new part as text; empty where it was removed."""
        return "" if self.kind == REMOVED else text_of(self.new)


def diff(old: Any, new: Any) -> list[DiffRow]:
    """The rows that lead from one plain tree to another, in reading order."""
    rows = []
    for row in _walk("", old, new):
        rows.append(row)
        if len(rows) >= MAX_ROWS:
            break
    return rows


def text_of(value: Any) -> str:
    """A part as a person reads it: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def text_pieces(old: str, new: str) -> tuple[Piece, ...]:
    """The change of a text by lines, within a changed line by words."""
    pieces: list[Piece] = []
    before, after = _parts(old), _parts(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, i, j, k, n in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[i:j])))
            continue
        if j > i:
            pieces.append(Piece(REMOVED, "".join(before[i:j])))
        if n > k:
            pieces.append(Piece(ADDED, "".join(after[k:n])))
    return tuple(pieces)


def _parts(text: str) -> list[str]:
    """Words for a text of some pages, lines for more: the comparison is quadratic."""
    if len(text) > 20_000:
        return text.splitlines(keepends=True)
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        word = ""
        for character in line:
            word += character
            if character.isspace():
                parts.append(word)
                word = ""
        if word:
            parts.append(word)
    return parts


def _walk(path: str, old: Any, new: Any) -> Iterator[DiffRow]:
    if old is _MISSING:
        yield DiffRow(path, ADDED, new=new)
    elif new is _MISSING:
        yield DiffRow(path, REMOVED, old=old)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _walk(
                f"{path}.{key}" if path else str(key),
                old.get(key, _MISSING),
                new.get(key, _MISSING),
            )
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _walk(
                f"{path}[{index}]",
                old[index] if index < len(old) else _MISSING,
                new[index] if index < len(new) else _MISSING,
            )
    elif not _equal(old, new):
        pieces: tuple[Piece, ...] = ()
        if (
            isinstance(old, str)
            and isinstance(new, str)
            and max(len(old), len(new)) > LONG_TEXT
        ):
            pieces = text_pieces(old, new)
        yield DiffRow(path, CHANGED, old, new, pieces)


def _equal(old: Any, new: Any) -> bool:
    """Equal as JSON: 1 and 1.0 differ, and so do 1 and true."""
    return type(old) is type(new) and bool(old == new)
