"""Take a decision back, as long as the engine has not begun with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import F

from workflows.models import Decision, Draft, Interrupt, Run, Undo
from workflows.services.access import (
    DECIDE,
    Person,
    Rights,
    by_of,
    name_of,
    require,
    row_of,
)
from workflows.services.action import NotVisible, Refused
from workflows.services.desk import audit
from workflows.services.desk.deciding import Decider
from workflows.services.queueing import lock_thread
from workflows.storage.events import append_events


class TooLate(Refused):
    """The decision on `question` cannot be taken back any more; `when` is when its work began."""

    def __init__(
        self, text: str, *, question: int, when: datetime | None = None
    ) -> None:
        super().__init__(text)
        self.question = question
        self.when = when


def is_theirs(decision: Decision, rights: Rights) -> bool:
    """Whether the person may take the decision back, time aside."""
    mine = getattr(row_of(rights.person), "pk", None)
    return decision.person_id == mine or rights.is_admin


def may_take_back(decision: Decision, rights: Rights) -> bool:
    """Whether there still is something to take back; `decision` comes with its run."""
    is_allowed = rights.allows(DECIDE) and is_theirs(decision, rights)
    return is_allowed and is_waiting(decision)


def is_waiting(decision: Decision) -> bool:
    """Whether the engine has not begun with it and may be kept from it; it comes with its run."""
    run = decision.run
    waits = run is not None and run.status == Run.Status.PENDING and run.fence == 0
    return waits and decision.start_at is not None


@dataclass(frozen=True)
class UndoDecision:
    """`person` takes back decision number `decision`: their own, or as an admin anybody's."""

    person: Person
    decision: int
    channel: str = "web"

    def check(self) -> Decision:
        """The decision, where this person may take it back."""
        row = (
            Decision.objects.filter(pk=self.decision)
            .select_related("interrupt__thread", "run")
            .first()
        )
        if row is None:
            raise NotVisible("decision", self.decision)
        decider = Decider(self.person)
        question = row.interrupt
        if not decider.rights.can_see(question.thread.graph):
            raise NotVisible("decision", self.decision)
        decider.rights.require_scope(DECIDE)
        require(
            is_theirs(row, decider.rights) and decider.is_decider(question),
            "Only whoever made a decision and may still decide, or an admin, may take it "
            "back.",
        )
        return row

    def execute(self) -> Interrupt:
        """Open the question again, in its next round; raises TooLate."""
        with transaction.atomic():
            return self._take_back(self.check())

    def _take_back(self, decision: Decision) -> Interrupt:
        question = decision.interrupt
        thread = lock_thread(question.thread_id)
        stopped = Run.objects.filter(
            decisions=decision, status=Run.Status.PENDING, fence=0
        ).update(status=Run.Status.CANCELLED, reason="undone")
        if not stopped:
            begun = decision.run.started_at if decision.run else None
            raise TooLate(
                "It is too late to take the decision back: the workflow has gone on with "
                "it. Reopen it on a fork, from the list of decisions, to have it asked again.",
                question=question.pk,
                when=begun,
            )
        try:
            Undo.objects.create(
                decision=decision,
                person=row_of(self.person),
                person_name=name_of(self.person)[:200],
            )
        except IntegrityError as error:
            raise TooLate(
                f"Decision {self.decision} was already taken back.",
                question=question.pk,
            ) from error
        Interrupt.objects.filter(pk=question.pk).update(
            status=Interrupt.Status.PENDING,
            version=F("version") + 1,
            round=F("round") + 1,
            closed_at=None,
            reason="",
        )
        question.refresh_from_db(
            fields=["status", "version", "round", "closed_at", "reason"]
        )
        Draft.objects.filter(interrupt=question, person=decision.person_id).update(
            version=question.version, round=question.round
        )
        who = by_of(self.person)
        told = {
            "interrupt": question.pk,
            "node": question.node,
            "title": question.title,
            "status": Interrupt.Status.PENDING.value,
            "round": question.round,
        }
        append_events(
            DEFAULT_DB_ALIAS,
            thread.pk,
            decision.run_id,
            [
                ("interrupt", told),
                ("decision", {"interrupt": question.pk, "kind": "undo", "by": who}),
                (
                    "run",
                    {"run": decision.run_id, "kind": "resume", "status": "cancelled"},
                ),
            ],
        )
        audit.record(
            self.person,
            "decision.undone",
            channel=self.channel,
            graph=thread.graph,
            thread=thread.pk,
            subject=f"question {question.pk}",
            data={"decision": decision.pk, "round": decision.round},
        )
        return question
