"""What an edit changes, as rows that a person can read before it is sent."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workflows.services import strict_json
from workflows.services.tagged import text_tag
from workflows.web.schema import MISSING

MAX_ROWS = 300
MAX_LINES = 2000
CONTEXT_LINES = 2
INLINE_TEXT = 80


@dataclass(frozen=True)
class DiffLine:
    """One line of a long text; `sign` is "-", "+", " " or "@" where lines are left out."""

    sign: str
    text: str

    @property
    def word(self) -> str:
        return {"-": "removed", "+": "added", "@": "left out"}.get(
            self.sign, "unchanged"
        )


@dataclass(frozen=True)
class DiffRow:
    """One place whose value differs; `kind` is added, removed or changed."""

    path: str
    kind: str
    old: str = ""
    new: str = ""
    lines: list[DiffLine] = field(default_factory=list)


def diff(old: Any, new: Any) -> list[DiffRow]:
    """List what differs between two plain trees, in the order of the page."""
    rows: list[DiffRow] = []
    for row in _walk(old, new, ""):
        rows.append(row)
        if len(rows) >= MAX_ROWS:
            rows.append(DiffRow("…", "changed", "", "more changes are not listed"))
            break
    return rows


def _walk(old: Any, new: Any, path: str) -> Iterator[DiffRow]:
    if _equal(old, new):
        return
    if text_tag(old) and text_tag(old) == text_tag(new):
        old, new = old["v"], new["v"]
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{path} / {key}" if path else str(key)
            yield from _walk(old.get(key, MISSING), new.get(key, MISSING), place)
    elif isinstance(old, list) and isinstance(new, list):
        for at, before, after in _pairs(old, new):
            yield from _walk(before, after, f"{path} [{at + 1}]".strip())
    else:
        yield _row(old, new, path or "Value")


def _pairs(old: list[Any], new: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Entries side by side: one that was taken out does not shift those behind it."""
    if len(old) == len(new):
        yield from ((at, old[at], new[at]) for at in range(len(old)))
        return
    texts = [[strict_json.dump(item) for item in items] for items in (old, new)]
    matcher = difflib.SequenceMatcher(None, texts[0], texts[1], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(b - a, d - c)):
            before = old[a + step] if a + step < b else MISSING
            after = new[c + step] if c + step < d else MISSING
            yield (a + step if before is not MISSING else c + step), before, after


def _row(old: Any, new: Any, path: str) -> DiffRow:
    if old is MISSING:
        return DiffRow(path, "added", new=_text(new))
    if new is MISSING:
        return DiffRow(path, "removed", old=_text(old))
    if isinstance(old, str) and isinstance(new, str) and _is_long(old, new):
        return DiffRow(path, "changed", lines=_lines(old, new))
    return DiffRow(path, "changed", _text(old), _text(new))


def _lines(old: str, new: str) -> list[DiffLine]:
    all_before, all_after = old.split("\n"), new.split("\n")
    before, after = all_before[:MAX_LINES], all_after[:MAX_LINES]
    matcher = difflib.SequenceMatcher(None, before, after)
    found: list[DiffLine] = []
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT_LINES)):
        if number:
            found.append(DiffLine("@", "…"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                found.extend(DiffLine(" ", line) for line in before[a:b])
            else:
                found.extend(DiffLine("-", line) for line in before[a:b])
                found.extend(DiffLine("+", line) for line in after[c:d])
    if all_before[MAX_LINES:] != all_after[MAX_LINES:]:
        found.append(DiffLine("@", f"more changes after line {MAX_LINES}"))
    return found


def _is_long(old: str, new: str) -> bool:
    return "\n" in old or "\n" in new or max(len(old), len(new)) > INLINE_TEXT


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if value else "(empty text)"
    if text_tag(value):
        return str(value["v"])
    if isinstance(value, dict | list):
        return strict_json.dump(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "null" if value is None else repr(value)


def _equal(one: Any, other: Any) -> bool:
    """Equal in JSON's sense: 1 and True differ, and so do 1 and 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
