"""The plain records of threads that belong to another; `thread_family.py` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OtherThread:
    """A thread that the page of another names; `status` is that of its last run while nothing goes on in it."""

    id: str
    title: str
    graph_title: str
    status: str


Others = Mapping[str, OtherThread]
"""By their ids those that a page may name; of all others nothing is told but the id."""
