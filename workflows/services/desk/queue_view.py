"""What somebody wants to see of the queue: filters and an order, read from an address.

Every filter and every order is one of a fixed list, and names of fields are checked, so
nothing that comes from a browser becomes part of a query except as a bound value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from workflows.models import Interrupt
from workflows.models.lookups import HasText
from workflows.services.access import Person, Rights
from workflows.services.desk.queue_fields import FieldFilter, has_fields, read_field
from workflows.storage.clock import machine_now

LONGEST = 300
MOST_FIELDS = 8
# SQLite compares moments as text, and its own clock writes fewer digits than Django: an
# equal moment is a span of time.
TICK = timedelta(microseconds=1)
SORTS = {
    "age": ("asked_at",),
    "due": ("due_order", "asked_at"),
    "priority": ("-priority", "asked_at"),
}
WHO = ("me", "mine", "nobody", "claimed")
WHO_WORDS = {
    "me": "mine",
    "mine": "mine and unassigned",
    "nobody": "unassigned",
    "claimed": "claimed now",
}
SOON = timedelta(hours=1)
DUE = ("overdue", "soon", "today", "week", "none")
GROUPS = ("", "workflow", "node", "action", "assignee")
# How long a question has waited at least, in seconds, as people choose it.
AGES = {
    3_600: "1 hour",
    4 * 3_600: "4 hours",
    86_400: "1 day",
    3 * 86_400: "3 days",
    7 * 86_400: "1 week",
}
# Parts of an address that say which questions are shown, and how.
NAMES = (
    *("workflow", "node", "who", "group", "due", "q", "age", "snoozed", "f"),
    *("sort", "by"),
)


@dataclass(frozen=True)
class Chip:
    """One filter in words, and the query string of the view without it."""

    text: str
    without: str


@dataclass(frozen=True)
class QueueView:
    """One view of the queue. `who` is one of WHO or `@name`, `age` the least seconds waited."""

    graph: str = ""
    node: str = ""
    who: str = ""
    group: str = ""
    due: str = ""
    text: str = ""
    age: int = 0
    snoozed: bool = False
    fields: tuple[FieldFilter, ...] = ()
    sort: str = "age"
    by: str = ""
    problems: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def standard(cls) -> QueueView:
        """What is shown first: mine and unassigned, due first."""
        return cls(who="mine", sort="due")

    @classmethod
    def asked(cls, given: Mapping[str, Any]) -> QueueView:
        """The view of an address; one that names no view stands for the standard one."""
        return cls.read(given) if any(n in given for n in NAMES) else cls.standard()

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> QueueView:
        """The view of an address; what it does not understand is told in `problems`."""
        problems: list[str] = []

        def word(name: str, allowed: tuple[str, ...] = ()) -> str:
            text = _clean(given.get(name, ""))
            if allowed and text and text not in allowed:
                problems.append(f"{name}: {text!r} is none of {', '.join(allowed)}")
                return ""
            return text

        who = word("who")
        if who and who not in WHO and not who.startswith("@"):
            problems.append(f"who: {who!r} is none of {', '.join(WHO)} or @name")
            who = ""
        getlist: Callable[[str], list[str]] = getattr(given, "getlist", None) or (
            lambda name: [given[name]] if given.get(name) else []
        )
        filters = tuple(
            read_field(_clean(text)) for text in getlist("f")[:MOST_FIELDS] if text
        )
        problems += [each.problem for each in filters if each.problem]
        age = _clean(given.get("age", ""))
        if age and not (age.isascii() and age.isdigit() and len(age) < 10):
            problems.append(f"age: {age!r} is not a number of seconds")
            age = ""
        return cls(
            graph=word("workflow"),
            node=word("node"),
            who=who,
            group=word("group"),
            due=word("due", DUE),
            text=word("q"),
            age=int(age or 0),
            snoozed=word("snoozed") == "1",
            fields=tuple(each for each in filters if not each.problem),
            sort=word("sort", tuple(SORTS)) or "age",
            by=word("by", GROUPS[1:]),
            problems=tuple(problems),
        )

    def query(self, **more: Any) -> str:
        """The query string that gives this view, with `more` parameters."""
        pairs = [
            *(("workflow", self.graph), ("node", self.node), ("who", self.who)),
            *(("group", self.group), ("due", self.due), ("q", self.text)),
            ("age", self.age or ""),
            ("snoozed", "1" if self.snoozed else ""),
            *(("f", each.text) for each in self.fields),
            ("sort", self.sort),
            ("by", self.by),
            *more.items(),
        ]
        return urlencode(
            [(name, value) for name, value in pairs if value not in ("", None)]
        )

    @property
    def chips(self) -> list[Chip]:
        """Its filters in words, each with the view that goes without it."""
        made: list[tuple[str, str, dict[str, Any]]] = [
            ("workflow", self.graph, {"graph": ""}),
            ("step", self.node, {"node": ""}),
            ("whose", WHO_WORDS.get(self.who, self.who), {"who": ""}),
            ("group", self.group, {"group": ""}),
            ("due", self.due, {"due": ""}),
            ("text", self.text, {"text": ""}),
            ("waits at least", age_words(self.age) if self.age else "", {"age": 0}),
            ("put off", "yes" if self.snoozed else "", {"snoozed": False}),
        ]
        return [
            Chip(f"{name}: {text}", self._without(**change))
            for name, text, change in made
            if text
        ] + [
            Chip(
                one.words,
                self._without(fields=tuple(e for e in self.fields if e != one)),
            )
            for one in self.fields
        ]

    def _without(self, **change: Any) -> str:
        return replace(self, **change).query()

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves anything out beside what is put off."""
        return self != QueueView(sort=self.sort, by=self.by)

    def rows(self, person: Person, rights: Rights) -> QuerySet[Interrupt]:
        """The open questions of this view that the person may see, in no order."""
        now = machine_now()
        rows = rights.limit(
            Interrupt.objects.filter(status=Interrupt.Status.PENDING), "graph"
        )
        if self.graph:
            rows = rows.filter(graph=self.graph)
        if self.node:
            rows = rows.filter(node=self.node)
        if self.group:
            # The number first: a join hides from the planner how few these are.
            rows = rows.filter(assigned_group__in=_ids(Group.objects, name=self.group))
        if self.text:
            number = self.text.removeprefix("#")
            wanted = Q(HasText(F("title"), self.text))
            if number.isascii() and number.isdigit() and len(number) < 19:
                wanted |= Q(pk=int(number))
            rows = rows.filter(wanted)
        if self.age:
            rows = rows.filter(asked_at__lte=now - timedelta(seconds=self.age))
        later = Q(snoozed_until__gt=now)
        rows = rows.filter(later) if self.snoozed else rows.exclude(later)
        rows = rows.filter(_whose(self.who, person, now), _when(self.due, now))
        return rows.filter(has_fields(self.fields))


def age_words(seconds: int) -> str:
    """A least waiting time in words."""
    return AGES.get(seconds) or f"{seconds} s"


def page(
    rows: QuerySet[Interrupt], sort: str, after: str, limit: int
) -> list[Interrupt]:
    """`limit` rows in this order, after the row whose `cursor_of` is `after`."""
    found: list[Interrupt] = []
    for part in parts_after(rows, sort, after):
        if len(found) < limit:
            found += part[: limit - len(found)]
    return found


def parts_after(
    rows: QuerySet[Interrupt], sort: str, after: str
) -> list[QuerySet[Interrupt]]:
    """`rows` in this order after this cursor, with what a list shows; one part after another.

    Each part is one range of the order's index. As one condition, "later, or as late and of a
    greater number", they would be read from the very first row on.
    """
    names = SORTS[sort]
    rows = rows.select_related("thread", "assignee", "assigned_group", "claimed_by")
    rows = rows.order_by(*names, "id")
    place = _place(after, names)
    if place is None:
        return [rows]
    is_exact = connections[rows.db].vendor != "sqlite"
    return [rows.filter(beyond) for beyond in _beyond(names, *place, is_exact)]


def cursor_of(row: Interrupt, sort: str) -> str:
    """Where the page after this row begins."""
    values = [getattr(row, name.lstrip("-")) for name in SORTS[sort]]
    return ",".join(
        [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
        + [str(row.pk)]
    )


def is_cursor(text: str, sort: str) -> bool:
    """Whether a page in this order can begin after this."""
    return _place(text, SORTS[sort]) is not None


def _beyond(
    names: tuple[str, ...], values: list[Any], number: int, is_exact: bool
) -> list[Q]:
    """Rows after these values, the nearest first: those that share most with them."""
    found: list[Q] = []
    equal = Q()
    for name, value in zip(names, values, strict=True):
        column = name.lstrip("-")
        if isinstance(value, datetime):
            found.append(equal & Q(**{f"{column}__gte": value + TICK}))
            same = {f"{column}__gte": value - TICK, f"{column}__lt": value + TICK}
            equal &= Q(**{column: value}) if is_exact else Q(**same)
        else:
            # The greatest comes first.
            found.append(equal & Q(**{f"{column}__lt": value}))
            equal &= Q(**{column: value})
    return [equal & Q(id__gt=number), *reversed(found)]


def _place(after: str, names: tuple[str, ...]) -> tuple[list[Any], int] | None:
    parts = after.split(",")
    if len(parts) != len(names) + 1:
        return None
    try:
        values: list[Any] = [
            int(part) if name == "-priority" else datetime.fromisoformat(part)
            for name, part in zip(names, parts, strict=False)
        ]
        number = int(parts[-1])
    except (ValueError, OverflowError):
        return None
    if any(isinstance(v, datetime) and not v.tzinfo for v in values):
        return None
    return (values, number) if abs(number) < 2**62 else None


def _whose(who: str, person: Person, now: datetime) -> Q:
    if not who:
        return Q()
    free = Q(assignee=None, assigned_group=None)
    mine = Q(assignee=person.pk) | Q(claimed_by=person.pk, claimed_until__gt=now)
    if who == "me":
        return mine
    if who == "mine":
        groups: Any = getattr(person, "groups", None)
        own = groups.values("pk") if groups is not None else []
        return mine | Q(assignee=None, assigned_group__in=own) | free
    if who == "nobody":
        return free
    if who == "claimed":
        return Q(claimed_until__gt=now)
    people = get_user_model()
    named = {people.USERNAME_FIELD: who[1:]}
    return Q(assignee__in=_ids(people._default_manager, **named))


def _ids(rows: Any, **wanted: str) -> list[Any]:
    """The primary keys of the rows of that name: one, or none."""
    return list(rows.filter(**wanted).values_list("pk", flat=True)[:1])


def _when(due: str, now: datetime) -> Q:
    if not due:
        return Q()
    if due == "none":
        return Q(due_at=None)
    if due == "overdue":
        return Q(due_order__lt=now)
    if due == "soon":
        return Q(due_order__gte=now, due_order__lt=now + SOON)
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return Q(due_order__lt=midnight + timedelta(days=1 if due == "today" else 7))


def _clean(text: Any) -> str:
    """A text of an address without what no column takes."""
    return (
        str(text)[:LONGEST].replace("\0", "").encode("utf-8", "ignore").decode().strip()
    )
