"""What a `where` asks of the tables: names, kinds and comparisons (RB.11).

Nothing of the text reaches the database but as a parameter. Only threads that the asker may see
say which attributes there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from workflows.engine.attributes import FIELDS
from workflows.models import Thread, ThreadAttribute
from workflows.services.where import (
    Comparison,
    Junction,
    Literal,
    Negation,
    Tree,
    WhereError,
    parse,
)
from workflows.storage.attributes import instant_text, key_of
from workflows.storage.connections import POSTGRESQL

Kind = ThreadAttribute.Kind
Kinds = Mapping[str, frozenset[str]]
_NUMBERS = (Kind.INT, Kind.FLOAT)
_LOOKUP = {"=": "", "!=": "", "<": "__lt", "<=": "__lte", ">": "__gt", ">=": "__gte"}
_EQUALITIES = frozenset({"=", "!=", "in", "not in"})
_NEGATED = frozenset({"!=", "not in"})
_MOST_NAMES = 1_000
_WORDS = {
    Kind.TEXT: "a text",
    Kind.INT: "a number",
    Kind.FLOAT: "a number",
    Kind.BOOL: "true or false",
    Kind.INSTANT: "an instant",
    Kind.LIST: "a list",
}


def narrowed(threads: QuerySet[Thread], where: str) -> QuerySet[Thread]:
    """Those of `threads` that `where` describes; an attribute that none of them has is unknown.

    Raises WhereError, with the place in the text.
    """
    tree = parse(where)
    known = _kinds(threads, [each.name for each in _comparisons(tree)])
    return threads.filter(_condition(tree, known, threads))


def having(attributes: Mapping[str, Any]) -> Q:
    """Threads whose attributes have these values; TypeError for what no attribute equals."""
    found = Q()
    for name, value in attributes.items():
        found &= _threads_with(name, _equals(name, value))
    return found


def _comparisons(tree: Tree) -> Iterator[Comparison]:
    if isinstance(tree, Comparison):
        yield tree
    else:
        for part in tree.parts if isinstance(tree, Junction) else (tree.part,):
            yield from _comparisons(part)


def _kinds(threads: QuerySet[Thread], names: Iterable[str]) -> Kinds:
    """The kinds under which threads have attributes of these names.

    One step through the index a kind, however many threads have it.
    """
    rows = _of(threads).order_by("kind").values_list("kind", flat=True)
    found: dict[str, frozenset[str]] = {}
    for name in {*names} - FIELDS:
        kinds: list[str] = []
        while True:
            later = rows.filter(name=name, kind__gt=kinds[-1] if kinds else "")[:1]
            kind = next(iter(later), None)
            if kind is None:
                break
            kinds.append(kind)
        found[name] = frozenset(kinds)
    return found


def _of(threads: QuerySet[Thread]) -> QuerySet[ThreadAttribute]:
    rows = ThreadAttribute.objects.all()
    if threads.query.where:
        rows = rows.filter(thread__in=threads.order_by().values("pk"))
    return rows


def _condition(tree: Tree, known: Kinds, threads: QuerySet[Thread]) -> Q:
    if isinstance(tree, Negation):
        return ~_condition(tree.part, known, threads)
    if isinstance(tree, Junction):
        parts = [_condition(part, known, threads) for part in tree.parts]
        joined = parts[0]
        for part in parts[1:]:
            joined = joined & part if tree.word == "and" else joined | part
        return joined
    if tree.name in FIELDS:
        return _field(tree)
    kinds = known[tree.name]
    if not kinds:
        raise WhereError(_unknown(tree.name, threads), tree.position)
    return _threads_with(tree.name, _rows(tree, kinds))


def _unknown(name: str, threads: QuerySet[Thread]) -> str:
    names = _of(threads).order_by("name").values_list("name", flat=True).distinct()
    near = difflib.get_close_matches(name, [*FIELDS, *names[:_MOST_NAMES]], 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no thread has an attribute {name}{hint}"


def _threads_with(name: str, rows: Q) -> Q:
    """Threads that have such an attribute, as each database finds many or few of them best.

    PostgreSQL joins an EXISTS from whichever side is smaller, but gathers all that an IN under OR or NOT
    finds (of 200,000 threads: 190 ms instead of 9). SQLite asks EXISTS thread by thread, and looks an IN up.
    """
    found = ThreadAttribute.objects.filter(rows, name=name)
    if connections[found.db].vendor == POSTGRESQL:
        return Q(Exists(found.filter(thread=OuterRef("pk"))))
    return Q(pk__in=found.values("thread"))


def _rows(comparison: Comparison, kinds: frozenset[str]) -> Q:
    """What a row of the attribute has to be."""
    operator = comparison.operator
    if operator == "has":
        return _has(comparison, kinds)
    if kinds == {Kind.LIST}:
        reason = f"{comparison.name} is a list; ask {comparison.name} has 'text'"
        raise WhereError(reason, comparison.position)
    found, comparable = Q(), Q()
    for literal in comparison.values:
        each, of_kind = _compared(comparison, literal, kinds)
        found, comparable = found | each, comparable | of_kind
    return comparable & ~found if operator in _NEGATED else found


def _has(comparison: Comparison, kinds: frozenset[str]) -> Q:
    literal = comparison.values[0]
    if Kind.LIST not in kinds:
        reason = f"{comparison.name} is {_listed(kinds)}, no list; has is for lists"
        raise WhereError(reason, comparison.position)
    if not isinstance(literal.value, str):
        raise WhereError("a list has texts; put it in quotes", literal.position)
    return Q(kind=Kind.LIST) & _text("", literal.value)


def _compared(
    comparison: Comparison, literal: Literal, kinds: frozenset[str]
) -> tuple[Q, Q]:
    """The rows that compare as asked (for != those that are equal), and those that can be compared."""
    value, lookup = literal.value, _LOOKUP.get(comparison.operator, "")
    if isinstance(value, bool) and Kind.BOOL in kinds:
        _only_equality(comparison, "true and false have no order")
        return Q(kind=Kind.BOOL, key=str(value).lower()), Q(kind=Kind.BOOL)
    if type(value) in (int, float) and not kinds.isdisjoint(_NUMBERS):
        number = {f"number{lookup}": float(value)}
        return Q(**number), Q(number__isnull=False)
    if isinstance(value, str):
        found, comparable = Q(pk__in=()), Q(pk__in=())
        if Kind.TEXT in kinds:
            found |= Q(kind=Kind.TEXT) & _text(lookup, value)
            comparable |= Q(kind=Kind.TEXT)
        if Kind.INSTANT in kinds:
            instant = _instant(literal, is_sure=Kind.TEXT not in kinds)
            if instant is not None:
                key = {f"key{lookup}": instant_text(instant)}
                found |= Q(kind=Kind.INSTANT, **key)
                comparable |= Q(kind=Kind.INSTANT)
        if not kinds.isdisjoint((Kind.TEXT, Kind.INSTANT)):
            return found, comparable
    wanted, given = _listed(kinds), _kind_of(value)
    raise WhereError(
        f"{comparison.name} is {wanted}; it cannot be compared with {given}",
        literal.position,
    )


def _text(lookup: str, value: str) -> Q:
    """How texts compare; by the key alone where that decides."""
    key = key_of(value)
    if len(value) < ThreadAttribute.KEY_LENGTH:
        return Q(**{f"key{lookup}": key})
    near = f"__{lookup[2]}te" if lookup else ""
    return Q(**{f"key{near}": key, f"text{lookup}": value})


def _equals(name: str, value: Any) -> Q:
    if isinstance(value, bool):
        return Q(kind=Kind.BOOL, key=str(value).lower())
    if isinstance(value, int | float):
        return Q(number=float(value))
    if isinstance(value, str):
        return Q(kind=Kind.TEXT) & _text("", value)
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return Q(kind=Kind.INSTANT, key=instant_text(value.astimezone(UTC)))
    raise TypeError(
        f"attributes: {name} is {value!r}; give a text, a number, a bool or a datetime with "
        "a timezone (list_threads(where=) asks for more)"
    )


def _field(comparison: Comparison) -> Q:
    """What every thread has: its status, its graph, when it was made and changed last."""
    name, operator = comparison.name, comparison.operator
    if operator == "has":
        raise WhereError(f"{name} is no list", comparison.position)
    found = Q()
    for literal in comparison.values:
        if name in ("status", "graph"):
            _only_equality(comparison, f"{name} has no order")
            found |= Q(**{name: _word(name, literal)})
        else:
            lookup = _LOOKUP.get(operator, "")
            found |= Q(**{f"{name}{lookup}": _instant(literal)})
    return ~found if operator in _NEGATED else found


def _word(name: str, literal: Literal) -> str:
    value = literal.value
    if not isinstance(value, str):
        raise WhereError(f"{name} is a text; put it in quotes", literal.position)
    if name == "status" and value not in Thread.Status.values:
        known = ", ".join(Thread.Status.values)
        raise WhereError(f"no thread is {value!r}; status is {known}", literal.position)
    return value


def _instant(literal: Literal, *, is_sure: bool = True) -> datetime | None:
    """An instant from its ISO text, without offset in the time zone of the site."""
    try:
        if not isinstance(literal.value, str):
            raise ValueError
        found = datetime.fromisoformat(literal.value)
        if found.tzinfo is None:
            found = found.replace(tzinfo=timezone.get_current_timezone())
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        if not is_sure:
            return None
    reason = "expected an instant, such as '2026-11-21' or '2026-11-21T10:00+01:00'"
    raise WhereError(reason, literal.position)


def _only_equality(comparison: Comparison, reason: str) -> None:
    if comparison.operator not in _EQUALITIES:
        text = f"{reason}; ask with =, != or in"
        raise WhereError(text, comparison.position)


def _listed(kinds: Iterable[str]) -> str:
    return " or ".join(sorted({_WORDS[Kind(kind)] for kind in kinds}))


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
