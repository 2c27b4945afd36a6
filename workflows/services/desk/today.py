"""How the day goes for one person: the figures above their queue, and what they did last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, QuerySet, Subquery
from django.utils import timezone

from workflows.models import Decision
from workflows.services.access import Person, Rights
from workflows.services.desk.decision_list import (
    DecisionFilter,
    DecisionLine,
    decision_list,
)
from workflows.services.desk.queue_view import QueueView

SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Today:
    """Decisions that the person made since midnight, and questions of theirs due within SOON.

    What is overdue is due too.
    """

    done: int
    due: int


def today(person: Person, rights: Rights) -> Today:
    """The figures of this moment, in one query."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    made = Decision.objects.filter(created_at__gte=midnight, person=person.pk)
    due = QueueView(who="mine").rows(person, rights).filter(due_order__lt=now + SOON)
    me: Any = person.pk
    found = (
        get_user_model()
        .objects.filter(pk=me)
        .values_list(_number_of(made), _number_of(due))
        .first()
    )
    done, soon = found or (0, 0)
    return Today(done or 0, soon or 0)


def last_decision_of(person: Person) -> DecisionLine | None:
    """What this person decided last, or None."""
    return next(iter(decision_list(person, DecisionFilter(mine=True), limit=1)), None)


def _number_of(rows: QuerySet) -> Subquery:  # type: ignore[type-arg]
    """How many rows there are, as a part of another query; nothing for none."""
    counted = rows.order_by().annotate(all_of_them=Count("pk")).values("all_of_them")
    counted.query.group_by = None
    return Subquery(counted)
