"""Who is told what: lines in people's own lists, and mails for those who want them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from workflows.models import Interrupt, Notice
from workflows.services.access import Rights
from workflows.services.outbound.mailing import mail_notices

MOST_PEOPLE = 200


def people_of(row: Interrupt) -> list[Any]:
    """Whose business the question is: its assignee, or else the people of its group."""
    if row.assignee_id is not None:
        return [row.assignee]
    if row.assigned_group_id is None:
        return []
    users = get_user_model()._default_manager
    found = users.filter(groups=row.assigned_group_id, is_active=True)
    return [each for each in found[:MOST_PEOPLE] if Rights(each).can_see(row.graph)]


def tell_reviewers(row: Interrupt, kind: str, text: str) -> int:
    """Tell those whose business the question is; returns how many that were."""
    return tell_people(people_of(row), row, kind, text)


def tell_people(people: list[Any], row: Interrupt, kind: str, text: str) -> int:
    """Tell each of these people of the question, in the caller's transaction.

    One line in their own list, and a mail for those who want one; returns how many people.
    """
    made = Notice.objects.bulk_create(
        Notice(
            person=each,
            kind=kind,
            text=text[:300],
            url=f"/review/{row.pk}/",
            interrupt=row,
        )
        for each in people
    )
    mail_notices(made)
    return len(made)
