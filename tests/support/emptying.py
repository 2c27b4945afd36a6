"""The test database as it was after its migrations, once a test has committed rows.

Django's flush empties every table of every app and makes all permissions anew, which
costs 60 ms a test on SQLite and half a second on PostgreSQL. Here only tables that hold
something are emptied, and the rows that the migrations made stay.
"""

from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.test import TransactionTestCase

Rows = frozenset[tuple[Any, ...]]


class Emptying:
    """Knows the rows of a migrated database, and puts it back to them."""

    def __init__(self) -> None:
        """Look at the database as it is now."""
        connection = connections[DEFAULT_DB_ALIAS]
        names = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        self._tables = [connection.ops.quote_name(name) for name in sorted(names)]
        self._asked = " UNION ALL ".join(
            f"SELECT {at} WHERE EXISTS (SELECT 1 FROM {table})"
            for at, table in enumerate(self._tables)
        )
        self._kept: dict[str, Rows] = {}
        self.look()

    def look(self) -> None:
        """Take the rows that there are for those to keep."""
        self._kept = {table: self._rows(table) for table in self._filled()}

    def restore(self) -> bool:
        """Remove what was added; False if a row to keep is gone or changed."""
        added: dict[str, Rows] = {}
        for table, kept in self._kept.items():
            now = self._rows(table)
            if kept - now:
                return False
            added[table] = now - kept
        with transaction.atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            for table in self._filled():
                if table not in self._kept:
                    cursor.execute(f"DELETE FROM {table}")
            for table, rows in added.items():
                for row in rows:
                    # The tables that migrations fill begin with their number.
                    cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row[0]])
        return True

    def _filled(self) -> list[str]:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self._asked)
            return [self._tables[at] for (at,) in cursor.fetchall()]

    def _rows(self, table: str) -> Rows:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            return frozenset(cursor.fetchall())


def empty_quickly(patched: pytest.MonkeyPatch) -> None:
    """Let every TransactionTestCase put back the rows that the first of them has found."""
    set_up = vars(TransactionTestCase)["_fixture_setup"].__func__
    flush = vars(TransactionTestCase)["_fixture_teardown"]
    found: list[Emptying] = []

    def look_and_set_up(case: type[TransactionTestCase]) -> None:
        close_what_is_in_use()
        if not found:
            found.append(Emptying())
        set_up(case)

    def restore_or_flush(case: TransactionTestCase) -> None:
        [emptying] = found
        if not emptying.restore():
            flush(case)
            emptying.look()

    patched.setattr(TransactionTestCase, "_fixture_setup", classmethod(look_and_set_up))
    patched.setattr(TransactionTestCase, "_fixture_teardown", restore_or_flush)
    patched.setattr(TransactionTestCase, "_should_reload_connections", lambda _: False)


def close_what_is_in_use() -> None:
    """Close connections that a test has left in a transaction, or with an error.

    Django closes all of them after each test. A new one to PostgreSQL knows no table and
    no statement yet, which takes its server 20 ms to learn.
    """
    for connection in connections.all(initialized_only=True):
        idle = connection.get_autocommit() and not connection.in_atomic_block
        if not idle or connection.errors_occurred:
            connection.close()
