"""Around a question: claim it, give it back, say something, arrange who answers it."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from workflows.api.bodies import ArrangeBody, ClaimBody, CommentBody, NoBody
from workflows.api.door import operation, person_of
from workflows.api.results import Arranged, Claimed, Commented
from workflows.models import Interrupt
from workflows.services.access import DECIDE
from workflows.services.desk.assign_question import ArrangeQuestion
from workflows.services.desk.claim_question import ClaimQuestion, ReleaseQuestion
from workflows.services.desk.comment_on import CommentOn

router = Router(tags=["Questions"])


@operation(
    router,
    "POST",
    "/questions/{number}/claim",
    DECIDE,
    response=Claimed,
    summary="Claim a question",
)
def claim(
    request: HttpRequest,
    number: int,
    body: ClaimBody = ClaimBody(),  # noqa: B008 - nobody changes it
) -> Claimed:
    """Takes a question for a while, so that nobody else decides it. A second claim of the same person lengthens it.

    What somebody else has claimed is refused (409 `claimed`), without `take_over`.
    """
    action = ClaimQuestion(person_of(request), number, body.take_over, body.seconds)
    return _claimed(action.execute())


@operation(
    router,
    "POST",
    "/questions/{number}/release",
    DECIDE,
    response=Claimed,
    summary="Give a question back",
)
def release(
    request: HttpRequest,
    number: int,
    body: NoBody = NoBody(),  # noqa: B008
) -> Claimed:
    """Gives a claimed question back; a second call changes nothing. Admins give anybody's back."""
    return _claimed(ReleaseQuestion(person_of(request), number).execute())


@operation(
    router,
    "POST",
    "/questions/{number}/comments",
    DECIDE,
    response={201: Commented},
    summary="Comment on a question",
)
def comment(request: HttpRequest, number: int, body: CommentBody) -> Status[Commented]:
    """Says something about a question, open or closed. Whoever is named with @ and may see it is told."""
    made = CommentOn(person_of(request), number, body.text).execute()
    said = Commented(
        number=made.pk,
        question=made.interrupt_id,
        who=made.person_name,
        text=made.text,
        at=made.created_at,
    )
    return Status(201, said)


@operation(
    router,
    "POST",
    "/questions/{number}/arrange",
    DECIDE,
    response=Arranged,
    summary="Arrange a question",
)
def arrange(request: HttpRequest, number: int, body: ArrangeBody) -> Arranged:
    """Says who should answer a question, until when it is put off, when it is due and how urgent it is.

    What is left out stays as it is.
    """
    given = body.model_dump(exclude_unset=True)
    for name in ("assignee", "group"):
        if name in given:
            given[name] = given[name] or ""
    row = ArrangeQuestion(person_of(request), number, **given).execute()
    return Arranged(
        question=row.pk,
        assignee=str(row.assignee or ""),
        group=str(row.assigned_group or ""),
        snooze_until=row.snoozed_until,
        due_at=row.due_at,
        priority=row.priority,
    )


def _claimed(row: Interrupt) -> Claimed:
    return Claimed(
        question=row.pk,
        claimed_by=str(row.claimed_by or ""),
        claimed_until=row.claimed_until,
    )
