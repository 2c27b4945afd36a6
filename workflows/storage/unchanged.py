"""Rows that are known to be as they were: by reading them again, or by SQLite's own counters.

A connection to a SQLite file counts what it has changed itself (`total_changes`), and can tell
whether anybody else has committed since it asked last (`PRAGMA data_version`). Where neither
has moved, nothing in the file has, and no row need be read to know that.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from workflows.storage.connections import ready

Mark = tuple[int, int, int]
"""A connection's number, the file's version as that connection sees it, its own changes."""

_CONNECTION = (
    "_durableweb_marked"  # on Django's wrapper: the driver's connection, its number
)
_numbers = itertools.count()


class Sign:
    """The rows that a reading was made of; `mark` is the file's when they were last seen so."""

    __slots__ = ("mark", "rows")

    def __init__(self, rows: Sequence[Sequence[Any]], mark: Mark | None) -> None:
        self.rows = rows
        self.mark = mark

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sign) and self.rows == other.rows


def mark_of(wrapper: Any) -> Mark | None:
    """The mark of a SQLite file, to be taken before its rows are read.

    None inside a transaction: what is seen there may be rolled back, which counts nothing.
    """
    connection = ready(wrapper)
    if connection.in_transaction:
        return None
    numbered = getattr(wrapper, _CONNECTION, None)
    if numbered is None or numbered[0] is not connection:
        numbered = connection, next(_numbers)
        setattr(wrapper, _CONNECTION, numbered)
    with wrapper.wrap_database_errors:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
    return numbered[1], version, connection.total_changes
