"""Who is at a question: others see it, and it fades."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workflows.models import Presence
from workflows.services.action import NotVisible
from workflows.services.desk.presence import (
    BePresent,
    Here,
    forget_faded,
    present_at,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_others_see_who_looks_and_who_types_first(people, question):
    BePresent(people.reviewer, question.pk).execute()
    BePresent(people.admin, question.pk, edits=True).execute()

    assert present_at(people.viewer, [question.pk]) == {
        question.pk: [Here("Admin", True), Here("Reviewer", False)]
    }
    # Nobody is told of themselves.
    assert present_at(people.admin, [question.pk]) == {
        question.pk: [Here("Reviewer", False)]
    }


def test_looking_on_does_not_end_typing(people, question):
    BePresent(people.reviewer, question.pk, edits=True).execute()
    BePresent(people.reviewer, question.pk).execute()

    assert present_at(people.admin, [question.pk])[question.pk][0].edits
    assert Presence.objects.count() == 1


def test_it_ends_with_leaving(people, question):
    BePresent(people.reviewer, question.pk).execute()
    BePresent(people.reviewer, question.pk, leaves=True).execute()

    assert present_at(people.admin, [question.pk]) == {}


@pytest.mark.parametrize(
    ("seconds", "edited", "expected"),
    [
        (29, 29, [Here("Reviewer", True)]),
        (31, 31, None),
        (5, 61, [Here("Reviewer", False)]),
    ],
)
def test_it_fades(people, question, seconds, edited, expected):
    BePresent(people.reviewer, question.pk, edits=True).execute()
    now = timezone.now()
    Presence.objects.update(
        seen_at=now - timedelta(seconds=seconds),
        edited_at=now - timedelta(seconds=edited),
    )

    assert present_at(people.admin, [question.pk]).get(question.pk) == expected


def test_who_was_deactivated_is_not_there(people, question):
    BePresent(people.reviewer, question.pk).execute()
    people.reviewer.is_active = False
    people.reviewer.save()

    assert present_at(people.admin, [question.pk]) == {}


def test_who_may_not_see_the_question_is_not_there_and_is_told_nothing(
    people, question
):
    with pytest.raises(NotVisible):
        BePresent(people.stranger, question.pk).execute()
    BePresent(people.reviewer, question.pk).execute()

    assert present_at(people.stranger, [question.pk]) == {}


def test_what_faded_long_ago_is_removed(people, question):
    BePresent(people.reviewer, question.pk).execute()
    assert forget_faded() == 0
    Presence.objects.update(seen_at=timezone.now() - timedelta(hours=2))

    assert forget_faded() == 1
