"""Filters of the queue on a field of a question's payload or of its thread's state."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q

from workflows.models import QuestionField
from workflows.models.lookups import HasText

FIELD = re.compile(
    r"^(payload|state)\.([A-Za-z0-9_.-]{1,200})\s*(<=|>=|!=|=|<|>|~)\s*(.*)$", re.DOTALL
)
SOURCES = {"payload": "question", "state": "state"}
# What people choose from, in this order.
OPERATOR_WORDS = {
    "=": "is",
    "!=": "is not",
    "~": "contains",
    ">": "more than",
    ">=": "at least",
    "<": "less than",
    "<=": "at most",
}
MOST_NAMES = 200
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

    @property
    def words(self) -> str:
        """The filter as a sentence says it: `amount more than 500`."""
        of = "state: " if self.source == "state" else ""
        return (
            f"{of}{self.name} {OPERATOR_WORDS[self.operator]} {self.value or 'nothing'}"
        )


def names_of(questions: Iterable[int]) -> list[tuple[str, str]]:
    """The fields that these questions have, as (source, name), those of questions first."""
    rows = QuestionField.objects.filter(interrupt__in=list(questions))
    names = rows.order_by("source", "name").values_list("source", "name").distinct()
    return list(names[:MOST_NAMES])


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
        problem = (
            f"{name}: “{OPERATOR_WORDS[operator]}” compares numbers, "
            f"and {value!r} is none"
        )
        return FieldFilter(text, source, name, operator, value, problem)
    return FieldFilter(text, source, name, operator, value)


def has_fields(filters: Iterable[FieldFilter]) -> Q:
    """The questions with such fields.

    What is asked of one field is asked of one row, so that "more than 5 and less than 7" is
    one range of an index.
    """
    wanted: dict[tuple[str, str], Q] = {}
    for each in filters:
        of = (each.source, each.name)
        wanted[of] = wanted.get(of, Q()) & _is_such(each)
    found = Q()
    for (source, name), such in wanted.items():
        rows = QuestionField.objects.filter(
            such, interrupt=OuterRef("pk"), source=source, name=name
        )
        found &= Q(Exists(rows))
    return found


def _is_such(each: FieldFilter) -> Q:
    number = _number(each.value)
    if each.operator == "~":
        return Q(HasText(F("text"), each.value))
    if each.operator == "!=":
        return ~Q(text=each.value)
    if number is None:
        return Q(text=each.value)
    wanted = Q(**{f"number{_OPERATORS[each.operator]}": number})
    return wanted | Q(text=each.value) if each.operator == "=" else wanted


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
