"""The open questions of one thread, for a card on a page that is not ours."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.models import Decision, Interrupt
from workflows.services.access import Person, Rights, find_thread
from workflows.services.action import NotVisible
from workflows.services.desk.deciding import Decider
from workflows.services.desk.undo_decision import may_take_back
from workflows.services.records import DecisionRecord, ReviewItem
from workflows.services.review_item import review_item
from workflows.services.thread_history import decision_record

MAX_CARDS = 10


@dataclass(frozen=True)
class ThreadQuestions:
    """What waits in a thread, and how its newest question was decided.

    `more` counts the open questions beyond the ten that are in `open`. `undo_until` (unix
    milliseconds) says until when this person can take `last` back; 0 where they cannot.
    """

    thread_id: str
    status: str
    open: tuple[ReviewItem, ...]
    more: int
    last: DecisionRecord | None
    undo_until: int


def thread_questions(person: Person, thread_id: str) -> ThreadQuestions | None:
    """The questions of a thread; None where this person may not see it, or it is not there."""
    decider = Decider(person)
    try:
        thread = find_thread(person, thread_id, rights=decider.rights)
    except NotVisible:
        return None
    numbers = list(
        Interrupt.objects.filter(thread=thread, status=Interrupt.Status.PENDING)
        .order_by("asked_at", "id")
        .values_list("pk", flat=True)
    )
    last = (
        Decision.objects.filter(interrupt__thread=thread)
        .select_related("run", "interrupt")
        .order_by("-pk")
        .first()
    )
    return ThreadQuestions(
        thread_id=thread.pk,
        status=thread.status,
        open=tuple(
            review_item(person, number, decider) for number in numbers[:MAX_CARDS]
        ),
        more=max(len(numbers) - MAX_CARDS, 0),
        last=decision_record(last, thread, decider.rights) if last else None,
        undo_until=_undo_until(last, decider.rights),
    )


def _undo_until(decision: Decision | None, rights: Rights) -> int:
    if decision is None or decision.start_at is None:
        return 0
    if not may_take_back(decision, rights):
        return 0
    return int(decision.start_at.timestamp() * 1000)
