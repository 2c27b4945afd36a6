"""Questions that need several people: each casts a vote, the last one makes the decision."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from workflows.engine import ids
from workflows.models import Interrupt, Vote
from workflows.services.access import Person, name_of, row_of
from workflows.services.action import AlreadyDecided, NotPending
from workflows.storage.sealing import ANSWER, seal


class VotesDiffer(NotPending):
    """Somebody has approved another answer: approve the same one, or reject."""


def cast(
    row: Interrupt, person: Person, kind: str, answer: str, reason: str
) -> tuple[Vote, int]:
    """Keep one person's approval; returns it and how many there are with it.

    Called with the thread's row locked, so of two last votes one comes last. Raises
    VotesDiffer, or AlreadyDecided where the person has voted in this round.
    """
    votes = list(row.votes.filter(round=row.round).order_by("id"))
    digest = ids.digest(answer)
    mine = getattr(row_of(person), "pk", None)
    for vote in votes:
        if vote.person_id == mine:
            raise AlreadyDecided(
                f"You have approved question #{row.pk} already; it waits for others.",
                who=vote.person_name,
                when=vote.created_at,
                kind=vote.kind,
                reason=vote.reason,
            )
    other = next((vote for vote in votes if vote.digest != digest), None)
    if other is not None:
        raise VotesDiffer(
            f"{other.person_name} has approved another answer to question #{row.pk}. "
            "Approve that one, or reject.",
            who=other.person_name,
            when=other.created_at,
            kind=other.kind,
            reason=other.reason,
        )
    try:
        with transaction.atomic():
            vote = Vote.objects.create(
                interrupt=row,
                round=row.round,
                person=row_of(person),
                person_name=name_of(person)[:200],
                kind=kind,
                answer=seal(answer, row.thread_id, ANSWER),
                digest=digest,
                reason=reason,
            )
    except IntegrityError as error:
        raise AlreadyDecided(
            f"You have approved question #{row.pk} already."
        ) from error
    return vote, len(votes) + 1
