"""Questions that need several people: each casts a vote, the last one makes the decision."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from workflows.engine import ids
from workflows.models import Interrupt, Vote
from workflows.services.access import Person, by_of, name_of, row_of
from workflows.services.action import AlreadyDecided, NotPending
from workflows.services.desk import audit
from workflows.storage.events import append_events
from workflows.storage.sealing import ANSWER, seal


class AlreadyVoted(AlreadyDecided):
    """This person has approved in this round; the question waits for others."""


class VotesDiffer(NotPending):
    """Somebody has approved another answer: approve the same one, or reject."""


def cast(
    row: Interrupt,
    person: Person,
    kind: str,
    answer: str,
    reason: str,
    *,
    is_repeat: bool = False,
) -> tuple[Vote, int]:
    """Keep one person's approval; returns it and how many there are with it.

    Called with the thread's row locked, so of two last votes one comes last. Raises
    VotesDiffer, or AlreadyVoted where the person has voted in this round. With `is_repeat`,
    the same vote sent again is the one that stands, and the count is 0.
    """
    votes = list(row.votes.filter(round=row.round).order_by("id"))
    digest = ids.digest(answer)
    mine = getattr(row_of(person), "pk", None)
    for vote in votes:
        if vote.person_id == mine:
            if is_repeat and (vote.kind, vote.digest) == (kind, digest):
                return vote, 0
            raise AlreadyVoted(
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


def own_vote(row: Interrupt, person: Person, round: int) -> Vote | None:
    """What this person has approved in that round of a question, open or not."""
    found: Vote | None = row.votes.filter(
        round=round, person=getattr(row_of(person), "pk", None)
    ).first()
    return found


def counted(vote: Vote) -> int:
    """How many approvals there were with this one and before it."""
    same = Vote.objects.filter(interrupt=vote.interrupt_id, round=vote.round)
    return same.filter(pk__lte=vote.pk).count()


def tell(
    row: Interrupt,
    person: Person,
    kind: str,
    channel: str,
    votes: int,
    needed: int,
    *,
    bulk: int | None = None,
) -> None:
    """Say in the timeline and the audit that one of several has approved."""
    told = {
        "interrupt": row.pk,
        "kind": "vote",
        "by": by_of(person),
        "votes": votes,
        "needed": needed,
    }
    append_events(DEFAULT_DB_ALIAS, row.thread_id, None, [("decision", told)])
    audit.record(
        person,
        "question.voted",
        channel=channel,
        graph=row.graph,
        thread=row.thread_id,
        subject=f"question {row.pk}",
        data={
            "kind": kind,
            "votes": votes,
            "needed": needed,
            **({"bulk": bulk} if bulk is not None else {}),
        },
    )
