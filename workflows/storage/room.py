"""How much room the database takes, and the rows of single threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import connections

from workflows.storage.connections import POSTGRESQL, read

# Each table with the columns that grow. Both databases know the length of a column without reading it.
_GROWING = (
    ("checkpoint", ("channels", "metadata", "rest", "due")),
    ("channelvalue", ("payload",)),
    ("pendingwrite", ("payload",)),
    ("event", ("data",)),
)
_LENGTH = {"postgresql": "octet_length({})", "sqlite": "length(CAST({} AS blob))"}
# What a row takes besides, roughly.
ROW_BYTES = 100


def database_bytes(using: str = "default") -> int:
    """The size of the whole database, in bytes."""
    wrapper = connections[using]
    if wrapper.vendor == POSTGRESQL:
        found = read(wrapper, "SELECT pg_database_size(current_database())")
    else:
        found = read(
            wrapper,
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        )
    return int(found[0][0])


def bytes_of(thread_ids: Sequence[str], using: str = "default") -> dict[str, int]:
    """About how many bytes the checkpoints, values, writes and events of these threads take."""
    total: Counter[str] = Counter(dict.fromkeys(thread_ids, 0))
    if not thread_ids:
        return total
    wrapper = connections[using]
    places = ", ".join(["%s"] * len(thread_ids))
    for table, columns in _GROWING:
        lengths = " + ".join(_LENGTH[wrapper.vendor].format(name) for name in columns)
        rows = read(
            wrapper,
            f"SELECT thread_id, sum({lengths} + {ROW_BYTES}) FROM workflows_{table}"  # noqa: S608
            f" WHERE thread_id IN ({places}) GROUP BY thread_id",
            tuple(thread_ids),
        )
        for thread_id, size in rows:
            total[thread_id] += int(size)
    return total
