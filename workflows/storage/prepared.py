"""Rows by a statement that is written once, for what every request asks.

Django makes the text of a query anew each time, which takes five to ten times as long as
the database needs to answer it. What comes back are the same model instances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connections, models, router

from workflows.storage.connections import read


class Prepared:
    """`Prepared("FROM workflows_run r WHERE r.id = %s", r=Run)`: whole rows of these models.

    Each name of a model is that of its table in `tail`, which is an outer join of none.
    """

    def __init__(self, tail: str, **tables: type[models.Model]) -> None:
        self._tail = tail
        self._tables = tables
        self._readers: dict[str, list[_Reader]] = {}

    def rows(self, *given: Any) -> list[tuple[Any, ...]]:
        """For each row that is found one instance of each model, in their order."""
        wrapper = self.wrapper
        readers = self._readers.get(wrapper.vendor)
        if readers is None:
            readers = self._readers[wrapper.vendor] = self._made_for(wrapper)
        return [
            tuple(each.instance(wrapper, row) for each in readers)
            for row in read(wrapper, self._sql, given)
        ]

    @property
    def wrapper(self) -> Any:
        """The connection that the rows are read on."""
        return connections[router.db_for_read(next(iter(self._tables.values())))]

    def first(self, *given: Any) -> Any:
        """The first model's instance of the first row; None where there is no row."""
        found = self.rows(*given)
        return found[0][0] if found else None

    @cached_property
    def _sql(self) -> str:
        columns = ", ".join(
            f'{name}."{field.column}"'
            for name, model in self._tables.items()
            for field in model._meta.concrete_fields
        )
        return f"SELECT {columns} {self._tail}"

    def _made_for(self, wrapper: Any) -> list[_Reader]:
        made: list[_Reader] = []
        start = 0
        for model in self._tables.values():
            made.append(_Reader.of(model, start, wrapper))
            start += len(made[-1].names)
        return made


class _Reader(NamedTuple):
    """Makes instances of one model from its part of a row, as Django's own queries do."""

    model: type[models.Model]
    names: list[str]
    part: slice
    # Place in the part -> what the database returns becomes what the field holds.
    changes: list[tuple[int, Sequence[Callable[..., Any]], Any]]

    @classmethod
    def of(cls, model: type[models.Model], start: int, wrapper: Any) -> _Reader:
        fields = model._meta.concrete_fields
        changes: list[tuple[int, Sequence[Callable[..., Any]], Any]] = []
        for place, field in enumerate(fields):
            column = field.get_col(model._meta.db_table)
            needed = [
                *wrapper.ops.get_db_converters(column),
                *column.get_db_converters(wrapper),
            ]
            if needed:
                changes.append((place, needed, column))
        names = [field.attname for field in fields]
        return cls(model, names, slice(start, start + len(names)), changes)

    def instance(self, wrapper: Any, row: Sequence[Any]) -> models.Model:
        values = list(row[self.part])
        for place, needed, column in self.changes:
            for change in needed:
                values[place] = change(values[place], column, wrapper)
        return self.model.from_db(wrapper.alias, self.names, values)
