"""One decision with all that is known of it: votes, what it is sealed by, what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from workflows.models import AuditEntry, Decision, Interrupt, Vote
from workflows.services.access import Person, Rights
from workflows.services.desk.decision_list import (
    DecisionLine,
    decision_lines,
    find_decision,
)
from workflows.services.desk.reopen_decision import why_not_reopen
from workflows.services.records import VoteRecord
from workflows.services.state import read_state

_ABOUT = {
    "question.decided": "decided",
    "question.voted": "one approval",
    "decision.undone": "taken back",
    "decision.reopened": "reopened on a fork",
    "question.escalated": "escalated",
    "question.expired": "time ran out",
}
MAX_ENTRIES = 100
MOST_TOGETHER = 20


@dataclass(frozen=True)
class AuditLine:
    """One entry of the audit about the question; `seal` is its link in the chain."""

    number: int
    at: datetime
    what: str
    who: str
    channel: str
    seal: str
    token: str = ""
    """The token with which they came."""


@dataclass(frozen=True)
class DecisionPage:
    """`line` is the decision as its list has it.

    `steps` are those that would run again if it were reopened, `together` the other questions
    that they ask, decided or not; `why_not_reopen` says why that cannot be now.
    """

    line: DecisionLine
    votes: tuple[VoteRecord, ...]
    audit: tuple[AuditLine, ...]
    steps: tuple[str, ...]
    together: tuple[int, ...]
    why_not_reopen: str


def decision_page(person: Person, number: int) -> DecisionPage:
    """The decision of that number; raises NotVisible."""
    rights = Rights(person)
    row = find_decision(rights, number)
    (line,) = decision_lines([row], rights)
    votes = Vote.objects.filter(interrupt=row.interrupt, round=row.round)
    why_not = why_not_reopen(row)
    steps: tuple[str, ...] = ()
    if line.may_operate and not why_not:
        state = read_state(row.interrupt.thread, rights, row.checkpoint)
        steps = state.next
        why_not = state.problem
    return DecisionPage(
        line,
        tuple(
            VoteRecord(each.person_name, each.created_at, each.person_id == person.pk)
            for each in votes.order_by("id")
        ),
        tuple(_entries(line)),
        steps,
        tuple(_asked_with(row)) if steps else (),
        why_not,
    )


def _asked_with(row: Decision) -> list[int]:
    """The other questions of the same step."""
    question = row.interrupt
    same_step = Interrupt.objects.filter(
        thread=question.thread_id,
        checkpoint=question.checkpoint,
        namespace=question.namespace,
    )
    others = same_step.exclude(pk=question.pk).order_by("id")
    return list(others.values_list("pk", flat=True)[:MOST_TOGETHER])


def _entries(line: DecisionLine) -> list[AuditLine]:
    rows = AuditEntry.objects.filter(
        thread=line.thread_id,
        action__in=_ABOUT,
        subject=f"question {line.question}",
    ).order_by("id")
    return [
        AuditLine(
            each.pk,
            each.at,
            _ABOUT[each.action],
            each.person_name,
            each.channel,
            each.seal,
            str(json.loads(each.data).get("token", "")),
        )
        for each in rows[:MAX_ENTRIES]
    ]
