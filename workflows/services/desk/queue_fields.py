"""Filters of the queue on a field of a question's payload or of its thread's state."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from workflows.models import QuestionField

FIELD = re.compile(
    r"^(payload|state)\.([A-Za-z0-9_.-]{1,200})\s*(<=|>=|!=|=|<|>|~)\s*(.*)$", re.DOTALL
)
_OPERATORS = {"=": "", "<": "__lt", "<=": "__lte", ">": "__gt", ">=": "__gte"}


@dataclass(frozen=True)
class FieldFilter:
    """`payload.amount > 500`; `problem` says why it cannot be used."""

    text: str
    source: str = ""
    name: str = ""
    operator: str = ""
    value: str = ""
    problem: str = ""


def read_field(text: str) -> FieldFilter:
    """A filter on a field of payload or state, as people type it."""
    found = FIELD.match(text)
    if found is None:
        problem = (
            f"{text!r} is no filter: write payload.amount > 500 or state.city = Rome "
            "(=, !=, <, <=, >, >=, and ~ for contains)"
        )
        return FieldFilter(text, problem=problem)
    source, name, operator, value = found.groups()
    value = value.strip()
    if operator in {"<", "<=", ">", ">="} and _number(value) is None:
        problem = f"{text!r}: {operator} compares numbers, and {value!r} is none"
        return FieldFilter(text, problem=problem)
    return FieldFilter(text, source, name, operator, value)


def has_field(each: FieldFilter) -> Q:
    """The questions with such a field."""
    fields = QuestionField.objects.filter(
        interrupt=OuterRef("pk"), source=each.source, name=each.name
    )
    number = _number(each.value)
    if each.operator == "~":
        return Q(Exists(fields.filter(text__icontains=each.value)))
    if each.operator == "!=":
        return Q(Exists(fields)) & ~Q(Exists(fields.filter(text=each.value)))
    if number is None:
        return Q(Exists(fields.filter(text=each.value)))
    lookup = f"number{_OPERATORS[each.operator]}"
    wanted = Q(**{lookup: number})
    if each.operator == "=":
        wanted |= Q(text=each.value)
    return Q(Exists(fields.filter(wanted)))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
