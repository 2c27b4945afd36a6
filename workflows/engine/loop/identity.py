"""Which code wrote a checkpoint: a graph's name, its version and a fingerprint, as one text.

The text (a stamp) goes into the metadata of every checkpoint, hidden from snapshots. It is made
once for a compiled graph, when the first checkpoint is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from workflows.engine.loop.fingerprint import fingerprint, parts_that_differ

if TYPE_CHECKING:
    from workflows.engine.loop.program import Program

STAMP = "code"
"""The key of the metadata that holds the stamp."""

Migrate = Callable[[str | None, dict[str, Any]], dict[str, Any]]
OnChange = Literal["continue", "warn", "refuse"] | Migrate | None
_WORDS = ("continue", "warn", "refuse")


class Stamp(NamedTuple):
    """A stamp in its parts; `version` and `name` are "" where the author gave none."""

    fingerprint: str
    version: str
    name: str

    def __str__(self) -> str:
        if not self.version and not self.name:
            return self.fingerprint
        return f"{self.fingerprint} {self.version} {self.name}"

    @classmethod
    def read(cls, text: Any) -> Stamp | None:
        """The stamp of a checkpoint; None where it has none, as one of another engine."""
        if not isinstance(text, str):
            return None
        found, version, name = (*text.split(" ", 2), "", "")[:3]
        return cls(found, version, name)

    def is_same_code(self, other: Stamp) -> bool:
        """Say whether both were made by the same version of the same code."""
        return self[:2] == other[:2]

    def difference(self, now: Stamp) -> list[str]:
        """What is another now, one line each, for people to read."""
        lines = []
        if self.version != now.version:
            lines.append(
                f"version: {self.version or 'none'} -> {now.version or 'none'}"
            )
        parts = parts_that_differ(self.fingerprint, now.fingerprint)
        lines += [f"changed: {part}" for part in parts]
        return lines


class Identity:
    """Who a compiled graph is, and what it does with threads that other code has begun."""

    __slots__ = ("_stamp", "_text", "aliases", "name", "on_change", "version")

    def __init__(
        self,
        name: str = "",
        version: str | None = None,
        on_change: OnChange = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.version = version or ""
        self.on_change = on_change
        self.aliases = dict(aliases or {})
        self._stamp: Stamp | None = None
        self._text = ""

    def stamp(self, program: Program) -> Stamp:
        """The stamp of `program`, whose identity this is."""
        if self._stamp is None:
            self._stamp = Stamp(fingerprint(program), self.version, self.name)
            self._text = str(self._stamp)
        return self._stamp

    def text(self, program: Program) -> str:
        """The stamp as a checkpoint's metadata holds it."""
        return self._text or str(self.stamp(program))


def checked_identity(
    owner: str,
    nodes: Mapping[str, Any],
    *,
    name: str,
    version: Any,
    on_change: Any,
    aliases: Any,
) -> Identity:
    """An identity from what an author gave; `name` is "" where the graph has none of its own.

    Raises TypeError and ValueError that say what is wrong with which keyword of `owner`.
    """
    if version is not None and not isinstance(version, str):
        raise TypeError(f"{owner}: version must be a text such as '2', not {version!r}")
    if version is not None and (not version or version.split() != [version]):
        raise ValueError(
            f"{owner}: version {version!r} is empty or has spaces; write it like '2'"
        )
    if on_change is not None and on_change not in _WORDS and not callable(on_change):
        raise ValueError(
            f"{owner}: on_change must be {', '.join(map(repr, _WORDS))} or a function "
            f"migrate(old_version, checkpoint), not {on_change!r}"
        )
    for old, new in (aliases or {}).items():
        if new not in nodes:
            raise ValueError(
                f"{owner}: aliases={{{old!r}: {new!r}}} leads to {new!r}, which is no node"
            )
        if old in nodes:
            raise ValueError(
                f"{owner}: aliases={{{old!r}: {new!r}}} renames {old!r}, which still is a "
                "node; give the names that are gone"
            )
    return Identity(name, version, on_change, aliases)
