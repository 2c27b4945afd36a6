"""How the day goes for one person: the figures above their queue, and what they did last."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from workflows.models import Decision
from workflows.services.access import Person, Rights
from workflows.services.desk.decision_list import (
    MINE,
    DecisionFilter,
    DecisionLine,
    decision_rows,
    plain_line,
)
from workflows.services.desk.queue_view import SOON, QueueView
from workflows.services.review_queue import count_of, count_shown
from workflows.storage.clock import machine_now


@dataclass(frozen=True)
class Today:
    """Decisions that the person made since midnight, and questions of theirs due within SOON.

    What was taken back is not done; what is overdue is due too.
    """

    done: int
    due: int | str


def today(person: Person, rights: Rights) -> Today:
    """The figures of this moment; `due` as a text where it was not counted to its end."""
    now = machine_now()
    midnight = timezone.localtime(now).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    made = Decision.objects.filter(
        created_at__gte=midnight, person=person.pk, undo=None
    )
    due = QueueView(who="mine").rows(person, rights).filter(due_order__lt=now + SOON)
    return Today(made.count(), count_shown(count_of(due)))


def last_decision_of(person: Person, rights: Rights) -> DecisionLine | None:
    """What this person decided last and has not been taken back, or None."""
    mine = decision_rows(person, DecisionFilter(MINE), rights)
    row = mine.filter(undo=None).first()
    return plain_line(row, rights) if row else None
