"""Which texts of a value are searched by: paths such as `title`, `notes[*].text` or `$`.

A path names keys, joined by periods. `[2]`, `[-1]` and `[*]` stand for items of a list, `*`
for everything in a dict or list, `{title,body.text}` for several paths at once, and `$` for
the whole value as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

WHOLE = "$"
_PART = re.compile(
    r"\[(?P<index>-?\d+|\*)\]|\{(?P<several>[^{}]+)\}|(?P<name>[^.\[\]{}]+)|(?P<dot>\.)"
)


class Part(NamedTuple):
    """One step on the way into a value."""

    kind: str  # index, several, name
    text: str
    paths: tuple[tuple[Part, ...], ...] = ()


Path = tuple[Part, ...]


def parsed(path: Any) -> Path:
    """The parts of a path; none for the whole value. Raises TypeError and ValueError."""
    if not isinstance(path, str):
        raise TypeError(
            f"path {path!r} of an index is no text; give one such as 'title'"
        )
    if path in ("", WHOLE):
        return ()
    parts = []
    at = 0
    while at < len(path):
        found = _PART.match(path, at)
        if found is None:
            raise ValueError(
                f"path {path!r} of an index is not understood from {path[at:]!r} on; write "
                "'a.b', 'a[0]', 'a[*].b', '{a,b}' or '$'"
            )
        at = found.end()
        kind = found.lastgroup or ""
        if kind == "several":
            fields = found["several"].split(",")
            parts.append(Part(kind, "", tuple(parsed(each.strip()) for each in fields)))
        elif kind != "dot":
            parts.append(Part(kind, found[kind]))
    return tuple(parts)


def texts_at(value: Any, path: Path) -> list[str]:
    """The texts that a path leads to, in the order of the value; none where it leads nowhere."""
    return [*map(_text, _reached(value, path))]


def _reached(value: Any, path: Sequence[Part]) -> Iterator[Any]:
    if not path:
        if value is not None:
            yield value
        return
    part, rest = path[0], path[1:]
    for found in _within(value, part):
        yield from _reached(found, rest)


def _within(value: Any, part: Part) -> Iterator[Any]:
    if part.kind == "several":
        for path in part.paths:
            yield from _reached(value, path)
    elif isinstance(value, Mapping) and part.kind == "name":
        if part.text in value:
            yield value[part.text]
        elif part.text == "*":
            yield from value.values()
    elif isinstance(value, list | tuple):
        if part.text == "*":
            yield from value
        elif part.kind == "index" and -len(value) <= int(part.text) < len(value):
            yield value[int(part.text)]


def _text(value: Any) -> str:
    if not isinstance(value, Mapping | list | tuple):
        return str(value)
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # keys of several kinds, or of none that JSON has
        return str(value)
