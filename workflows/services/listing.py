"""Who is waiting for what: questions and threads as plain records, page by page (RA.11).

For code of the site, not for people: nobody's rights are asked. Every list is one scan of an
index in the order of the list, so a page costs the same at any number of rows; where attributes
are asked for, what they find is read and put into that order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from workflows.engine.kinds import check_count
from workflows.models import Child, Interrupt, Thread
from workflows.services.action import Unreadable
from workflows.services.questions import read_question, title_shown
from workflows.services.where_query import having, narrowed
from workflows.storage.attributes import attributes_of_threads

MAX_PAGE = 1_000
R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some records, and `next`: the cursor of those after them, None where these are the last."""

    items: tuple[R, ...]
    next: str | None = None

    def __iter__(self) -> Iterator[R]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Question:
    """A question to a person: `number` as people see it, `interrupt_id` as the engine does.

    `value` is what the workflow asked, `schema` the JSON Schema of the answer, if it gave one.
    Where it cannot be read, `problem` says why, and `value` is None.
    """

    number: int
    interrupt_id: str
    thread_id: str
    graph: str
    node: str
    key: str
    status: str
    title: str
    value: Any
    schema: Any
    round: int
    version: int
    asked_at: datetime
    closed_at: datetime | None
    problem: str = ""


@dataclass(frozen=True)
class ThreadSummary:
    """A thread: `status` idle, busy, interrupted, waiting (it sleeps, or waits for a signal, an event or a thread) or error; `head` is its newest checkpoint.

    `attributes` is what its workflow has set of it, by name.
    """

    thread_id: str
    graph: str
    title: str
    status: str
    head: str
    created_at: datetime
    updated_at: datetime
    attributes: dict[str, Any] = field(default_factory=dict)


def list_interrupts(
    *,
    status: str = "pending",
    graph: str | None = None,
    node: str | None = None,
    key: str | None = None,
    thread_id: str | None = None,
    older_than: timedelta | float | None = None,
    attributes: Mapping[str, Any] | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[Question]:
    """Questions of that status, the oldest first.

    `attributes` are values that those of the thread must have: `{"customer": "c7"}`.
    `older_than` (a timedelta, or seconds) leaves out what was asked more lately; `after` is
    the `next` of the page before. One that cannot be read is listed with its `problem`. Raises
    ValueError for an unknown status or a wrong cursor.
    """
    _check_status(status, Interrupt.Status.values)
    rows = Interrupt.objects.filter(status=status).order_by("asked_at", "id")
    given = {"graph": graph, "node": node, "key": key, "thread_id": thread_id}
    rows = rows.filter(**{k: v for k, v in given.items() if v is not None})
    if older_than is not None:
        rows = rows.filter(asked_at__lt=Now() - _span(older_than))
    if attributes:
        rows = rows.filter(thread__in=Thread.objects.filter(having(attributes)))
    if after is not None:
        asked_at, number = _cursor(after)
        later = Q(asked_at__gt=asked_at) | Q(id__gt=_number(number, after))
        rows = rows.filter(later, asked_at__gte=asked_at)
    found, more = _page(rows, limit)
    last = _text(found[-1].asked_at, found[-1].pk) if more else None
    return Page(tuple(_question(row) for row in found), last)


def list_threads(
    *,
    status: str | None = None,
    graph: str | None = None,
    parent: str | None = None,
    older_than: timedelta | float | None = None,
    where: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[ThreadSummary]:
    """Threads, the one whose status changed last first.

    `parent` is the id of a thread: only those that its tasks have started (RB.5).
    `where` asks for attributes and fields: "amount > 100 and status = 'interrupted'" (RB.11);
    what it does not make clear is a WhereError.
    `older_than` (a timedelta, or seconds) leaves out those that changed more lately; `after`
    is the `next` of the page before. Raises ValueError for an unknown status or a wrong
    cursor.
    """
    rows = Thread.objects.order_by("-updated_at", "-id")
    if where is not None:
        rows = narrowed(rows, where)
    if status is not None:
        _check_status(status, Thread.Status.values)
        rows = rows.filter(status=status)
    if graph is not None:
        rows = rows.filter(graph=graph)
    if parent is not None:
        started = Child.objects.filter(thread_id=parent)
        rows = rows.filter(pk__in=started.values("child_id"))
    if older_than is not None:
        rows = rows.filter(updated_at__lt=Now() - _span(older_than))
    if after is not None:
        updated_at, thread_id = _cursor(after)
        earlier = Q(updated_at__lt=updated_at) | Q(id__lt=thread_id)
        rows = rows.filter(earlier, updated_at__lte=updated_at)
    found, more = _page(rows, limit)
    last = _text(found[-1].updated_at, found[-1].pk) if more else None
    known = attributes_of_threads(row.pk for row in found)
    return Page(tuple(_thread(row, known.get(row.pk, {})) for row in found), last)


def _page(rows: QuerySet[Any], limit: int) -> tuple[list[Any], bool]:
    check_count(limit, "a list", "limit", 1)
    size = min(limit, MAX_PAGE)
    found = list(rows[: size + 1])
    return found[:size], len(found) > size


def _check_status(status: str, known: list[str]) -> None:
    if status not in known:
        raise ValueError(f"status is one of {', '.join(known)}, not {status!r}")


def _span(given: timedelta | float) -> timedelta:
    return given if isinstance(given, timedelta) else timedelta(seconds=given)


def _text(instant: datetime, key: object) -> str:
    return f"{instant.isoformat()} {key}"


def _cursor(text: str) -> tuple[datetime, str]:
    instant, _, key = text.partition(" ")
    try:
        return datetime.fromisoformat(instant), key
    except ValueError:
        raise ValueError(f"{text!r} is no cursor; give the `next` of a page") from None


def _number(key: str, text: str) -> int:
    if not key.isdigit():
        raise ValueError(f"{text!r} is no cursor; give the `next` of a page")
    return int(key)


def _question(row: Interrupt) -> Question:
    value, problem = None, ""
    try:
        value = read_question(row)
    except Unreadable as refusal:
        problem = str(refusal)
    return Question(
        number=row.pk,
        interrupt_id=row.interrupt_id,
        thread_id=row.thread_id,
        graph=row.graph,
        node=row.node,
        key=row.key,
        status=row.status,
        title=title_shown(row),
        value=value,
        schema=json.loads(row.response_schema) if row.response_schema else None,
        round=row.round,
        version=row.version,
        asked_at=row.asked_at,
        closed_at=row.closed_at,
        problem=problem,
    )


def _thread(row: Thread, attributes: dict[str, Any]) -> ThreadSummary:
    return ThreadSummary(
        thread_id=row.pk,
        graph=row.graph,
        title=row.title,
        status=row.status,
        head=row.head,
        created_at=row.created_at,
        updated_at=row.updated_at,
        attributes=attributes,
    )
