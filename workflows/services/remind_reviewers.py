"""Tell those whose business a question is of it once more, as when it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from workflows.models import Delivery, Interrupt, Notice
from workflows.services.access import Person, Rights, find_interrupt, require
from workflows.services.action import NotPending
from workflows.services.desk.notify import people_of, tell_reviewers
from workflows.services.outbound.events import ASKED, listeners, tell_question
from workflows.services.queueing import lock_thread
from workflows.storage.clock import machine_now

AGAIN_AFTER = timedelta(minutes=1)
NEWEST = 200
"""So many calls of webhooks are looked through for one that told of the question just now."""


@dataclass(frozen=True)
class RemindReviewers:
    """Notices, mails and webhooks tell of the question once more. The question stays as it is."""

    person: Person
    interrupt: int

    def check(self) -> Interrupt:
        """The question, where this person operates its workflow and it has not just been told of."""
        row = find_interrupt(self.person, self.interrupt)
        require(
            Rights(self.person).can_operate(row.graph),
            "You may see this question but not have its reviewers told of it.",
        )
        if row.status != Interrupt.Status.PENDING:
            raise NotPending(
                f"Question #{row.pk} waits for no answer any more: {row.status}."
            )
        if _was_just_told(row):
            raise NotPending(f"Question #{row.pk} was told of less than a minute ago.")
        if not (people_of(row) or listeners(ASKED, row.graph)):
            raise NotPending(
                f"Nobody would hear of question #{row.pk}: neither a person nor a group has it, and no "
                "webhook wants questions that are asked."
            )
        return row

    def execute(self) -> tuple[int, int]:
        """Tell of it; returns how many people and how many webhooks that were."""
        with transaction.atomic():
            lock_thread(self.check().thread_id)
            row = self.check()
            people = tell_reviewers(
                row, "asked", f"“{row.title}” still waits for an answer"
            )
            return people, tell_question(ASKED, row, again=True)


def _was_just_told(row: Interrupt) -> bool:
    since = machine_now() - AGAIN_AFTER
    told = Notice.objects.filter(interrupt=row, kind="asked", created_at__gt=since)
    if told.exists():
        return True
    # A call names its question in its body only.
    calls = Delivery.objects.filter(kind=ASKED).order_by("-id")[:NEWEST]
    return any(
        at > since and f'"question":{row.pk},' in body
        for at, body in calls.values_list("created_at", "body")
    )
