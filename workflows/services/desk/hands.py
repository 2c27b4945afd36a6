"""Who had a hand in threads: whoever started them, and whoever changed their state last."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from workflows.models import Decision, Run, SentUpdate, Thread


def hands_on(threads: Collection[str]) -> dict[str, frozenset[object]]:
    """The primary keys of those people for each of these threads, in one statement.

    A state is changed by hand with a decision, by an update or without either; None stands
    for what nobody did.
    """
    found: dict[str, frozenset[object]] = dict.fromkeys(threads, frozenset())
    for thread_id, starter, editor in _people(threads):
        found[thread_id] = frozenset((starter, editor))
    return found


def last_editor(thread_id: str) -> object:
    """Who changed the thread's state last by hand; None for nobody."""
    return next((editor for _, _, editor in _people([thread_id])), None)


def _people(threads: Collection[str]) -> Iterator[tuple[str, object, object]]:
    """Each thread with whoever started it, and whoever changed its state last."""
    runs = Run.objects.filter(thread=OuterRef("pk")).order_by("-id")
    answers = Decision.objects.filter(interrupt__thread=OuterRef("pk"))
    updates = SentUpdate.objects.filter(
        thread_id=OuterRef("pk"),
        status=SentUpdate.Status.DONE,
        sent_by__isnull=False,
    )
    rows = Thread.objects.filter(pk__in=threads).values_list(
        "pk",
        "created_by",
        _first(runs.filter(kind=Run.Kind.START), "created_by"),
        *_when_and_who(runs.filter(kind=Run.Kind.EDIT), "created_at", "created_by"),
        *_when_and_who(
            answers.exclude(edits="").order_by("-id"), "created_at", "person"
        ),
        *_when_and_who(updates.order_by("-answered_at"), "answered_at", "sent_by"),
    )
    for thread_id, maker, starter, *edits in rows:
        yield thread_id, starter if maker is None else maker, _last(edits)


def _when_and_who(rows: QuerySet[Any], when: str, who: str) -> tuple[Subquery, ...]:
    return _first(rows, when), _first(rows, who)


def _first(rows: QuerySet[Any], name: str) -> Subquery:
    return Subquery(rows.values(name)[:1])


def _last(edits: list[Any]) -> object:
    """Who made the last of these edits, which are each a moment and a person."""
    made = [(edits[n], edits[n + 1]) for n in range(0, len(edits), 2) if edits[n]]
    return max(made, key=lambda each: each[0], default=(None, None))[1]
