"""Values as tagged JSON text: an explicit list of types, no pickle, no import by name from data.

Plain JSON values are written as they are; all else is `{"$t": tag, "v": parts}`. These
functions work on one common registry; `Serde` is for a registry of one's own.
"""

from __future__ import annotations

from typing import Any

from workflows.engine.ids import digest
from workflows.engine.serde.codec import Serde
from workflows.engine.serde.schema import register_reachable as _register_reachable

__all__ = [
    "Serde",
    "canonical",
    "decode",
    "default",
    "digest",
    "dumps",
    "encode",
    "loads",
    "register_reachable",
    "register_type",
    "tree",
]

default = Serde()
dumps = default.dumps
loads = default.loads
encode = default.encode
decode = default.decode
tree = default.tree
canonical = default.canonical
register_type = default.register_type


def register_reachable(*hints: Any) -> None:
    """Register every storable class that these annotations, classes or functions mention."""
    _register_reachable(default, *hints)
