"""Comparisons that databases answer faster when they are put otherwise than Django does."""

from __future__ import annotations

from typing import Any

from django.db.models.lookups import IContains


class HasText(IContains):
    """`icontains` that a trigram index on PostgreSQL can answer: `HasText(F("title"), "a")`.

    Django compares UPPER(column) there. Of that the planner knows no statistics, so it takes
    every text for a rare one. ILIKE is compared with those of the column itself.
    """

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """`column ILIKE '%text%'`, the signs that mean something there escaped."""
        column, column_params = compiler.compile(self.lhs)
        text, text_params = self.process_rhs(compiler, connection)
        return f"{column} ILIKE {text}", (*column_params, *text_params)
