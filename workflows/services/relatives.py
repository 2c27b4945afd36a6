"""The plain records of threads that belong to another; `thread_family.py` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class OtherThread:
    """A thread that the page of another names; `status` is that of its last run while nothing goes on in it."""

    id: str
    title: str
    graph_title: str
    status: str
    has_ended: bool


Others = Mapping[str, OtherThread]
"""By their ids those that a page may name; of all others nothing is told but the id."""


@dataclass(frozen=True)
class ChildRecord:
    """A thread that another has started; `at_end` is what becomes of it at the other's end, "" when that is over."""

    id: str
    started_at: datetime
    at_end: str


@dataclass(frozen=True)
class Family:
    """The newest threads that a thread has started, and the first ids of those that have started it, with how many there are."""

    children: tuple[ChildRecord, ...] = ()
    children_count: int = 0
    parents: tuple[str, ...] = ()
    parents_count: int = 0

    @property
    def more_children(self) -> int:
        """How many there are beside those."""
        return self.children_count - len(self.children)

    @property
    def more_parents(self) -> int:
        """How many there are beside those."""
        return self.parents_count - len(self.parents)
