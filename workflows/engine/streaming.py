"""What the loop emits -> what one caller reads: the public stream modes (R9.2, R9.5)."""

from __future__ import annotations

import sys
from typing import Any

from workflows.engine.kinds import listed

MODES = frozenset(
    {"values", "updates", "custom", "messages", "tasks", "checkpoints", "debug"}
)
VERSIONS = ("v1", "v2")
DEBUG_PRINTS = ("values", "updates")
"""What `debug=True` prints."""


def wanted_modes(modes: Any, name: str = "stream_mode") -> frozenset[str]:
    """The modes as a set. Raises ValueError for an unknown word, TypeError for none (R9.1)."""
    if modes is None:
        return frozenset()
    words = listed(
        modes, "a stream", name, "a mode such as 'values', or a list of them"
    )
    for mode in words:
        if not isinstance(mode, str) or mode not in MODES:
            raise ValueError(
                f"unknown stream mode {mode!r}; choose from {', '.join(sorted(MODES))}"
            )
    return frozenset(words)


class Reader:
    """One caller of `stream` or `invoke`: which chunks it is handed, and in what shape.

    `print_mode` (and `debug`, which means values and updates) names what is written to the standard output on the
    way; it changes nothing in what is handed out. Raises ValueError for an unknown mode or version.
    """

    __slots__ = ("given", "modes", "printed", "subgraphs", "version")

    def __init__(
        self,
        stream_mode: Any,
        print_mode: Any = (),
        *,
        debug: bool = False,
        subgraphs: bool = False,
        version: str = "v1",
    ) -> None:
        if version not in VERSIONS:
            raise ValueError(
                f"unknown version {version!r}; choose from {', '.join(VERSIONS)}"
            )
        self.given = stream_mode
        self.modes = wanted_modes(stream_mode)
        self.printed = wanted_modes(print_mode, "print_mode")
        if debug:
            self.printed |= wanted_modes(DEBUG_PRINTS)
        self.subgraphs = subgraphs
        self.version = version

    @property
    def all_modes(self) -> frozenset[str]:
        """What the run has to emit."""
        return self.modes | self.printed

    def takes(self, namespace: str, kind: str, chunk: Any) -> bool:
        """Print what is to be printed; say whether the caller is handed this chunk."""
        if kind in self.printed:
            where = f"[graph={_split(namespace)}] " if namespace else ""
            sys.stdout.write(f"[{kind}] {where}{chunk}\n")
        return kind in self.modes

    def shape(self, namespace: str, kind: str, chunk: Any) -> Any:
        """A chunk as the caller asked for it."""
        if self.version == "v2":
            return _part(namespace, kind, chunk)
        if isinstance(self.given, str):
            return (_split(namespace), chunk) if self.subgraphs else chunk
        if self.subgraphs:
            return (_split(namespace), kind, chunk)
        return (kind, chunk)


def _part(namespace: str, kind: str, chunk: Any) -> dict[str, Any]:
    part = {"type": kind, "ns": _split(namespace), "data": chunk}
    if kind == "values":
        part["interrupts"] = ()
        if isinstance(chunk, dict) and "__interrupt__" in chunk:
            part["interrupts"] = chunk["__interrupt__"]
            part["data"] = {k: v for k, v in chunk.items() if k != "__interrupt__"}
    return part


def _split(namespace: str) -> tuple[str, ...]:
    return tuple(namespace.split("|")) if namespace else ()
