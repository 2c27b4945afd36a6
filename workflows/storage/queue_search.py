"""What lets PostgreSQL find few questions among a million: an index and statistics.

Neither is part of the tables' shape, and nothing is wrong without them, only slower: the
index needs the extension pg_trgm, which a database role may be forbidden to create or a
server may not have. So they are made after every migrate, where they can be.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections, transaction

QUESTIONS = "workflows_interrupt"
FIELDS = "workflows_questionfield"
INDEX = "interrupt_title_search"
STATISTICS = "field_values"
ASIDE = (
    "The queue's search for a text reads every open question: the index "
    f"{INDEX} could not be made, because this role may not create the extension pg_trgm."
)

_SCHEMA = """
SELECT quote_ident(n.nspname) FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'
"""
# Trigrams of titles; ILIKE with a text of three letters or more asks it. New ones are kept in
# a list that is sorted in when it is full: at the usual 4 MB one question in some thousands
# waited 120 ms for that, at 512 kB 25 ms.
_INDEX = f"""
CREATE INDEX IF NOT EXISTS {INDEX} ON {QUESTIONS}
USING gin (title {{schema}}.gin_trgm_ops)
WITH (gin_pending_list_limit = 512) WHERE status = 'pending'
"""
# That "Rome" is a city and no amount: without it the planner takes every value for a rare one.
# Not functional dependencies: they make rare values look frequent.
_STATISTICS = f"""
CREATE STATISTICS IF NOT EXISTS {STATISTICS} (mcv) ON source, name, text FROM {FIELDS}
"""
_HAS_STATISTICS = """
SELECT 1 FROM pg_statistic_ext s
WHERE s.stxname = %s AND pg_statistics_obj_is_visible(s.oid)
"""


def ensure_search(
    using: str = "default", verbosity: int = 0, stdout: Any = None, **_: object
) -> None:
    """Make what is missing of the two; runs after every migrate.

    What the database refuses is left out and told of; nothing else fails for it.
    """
    if not _has_tables(using):
        return
    with connections[using].cursor() as cursor:
        cursor.execute(_HAS_STATISTICS, [STATISTICS])
        if cursor.fetchone() is None:
            # Two processes may migrate at once: one of them comes second.
            _try(using, _STATISTICS, f"ANALYZE {FIELDS}")
        if has_index(using):
            return
        _try(using, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute(_SCHEMA)
        found = cursor.fetchone()
        if found is not None:
            _try(using, _INDEX.format(schema=found[0]))
    if verbosity >= 1 and stdout is not None and not has_index(using):
        stdout.write(f"  {ASIDE}\n")


def lacks_index(using: str) -> bool:
    """Whether the search could have its index here and has none."""
    return _has_tables(using) and not has_index(using)


def has_index(using: str) -> bool:
    """Whether the index is there, and whole."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid",
            [INDEX],
        )
        return cursor.fetchone() is not None


def _has_tables(using: str) -> bool:
    connection = connections[using]
    if connection.vendor != "postgresql":
        return False
    return {QUESTIONS, FIELDS} <= set(connection.introspection.table_names())


def _try(using: str, *statements: str) -> None:
    with suppress(DatabaseError), transaction.atomic(using=using):
        for statement in statements:
            with connections[using].cursor() as cursor:
                cursor.execute(statement)
