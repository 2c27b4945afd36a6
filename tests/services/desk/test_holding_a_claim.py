"""A claim ends by being left alone: typing renews it, and it can be held longer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workflows.models import Interrupt
from workflows.services.action import InvalidAnswer
from workflows.services.desk.claim_question import ClaimQuestion, ReleaseQuestion
from workflows.services.desk.deciding import holder_of
from workflows.services.desk.drafts import SaveDraft
from workflows.services.desk.preferences import SetClaimTime
from workflows.services.desk.presence import BePresent

pytestmark = pytest.mark.django_db(transaction=True)
TYPED = {"reason": ["so far"]}


def minutes_left(question: Interrupt) -> float:
    question.refresh_from_db()
    return (question.claimed_until - timezone.now()).total_seconds() / 60


def let_it_run(question: Interrupt, *, left: float) -> None:
    """Move the end of the claim to so many minutes from now."""
    until = timezone.now() + timedelta(minutes=left)
    Interrupt.objects.filter(pk=question.pk).update(claimed_until=until)


class TestTyping:
    @pytest.mark.parametrize(
        "act",
        [
            lambda person, number: SaveDraft(person, number, TYPED).execute(),
            lambda person, number: BePresent(person, number, edits=True).execute(),
        ],
        ids=["draft", "presence"],
    )
    def test_it_renews_the_claim(self, people, question, act):
        ClaimQuestion(people.reviewer, question.pk).execute()
        let_it_run(question, left=1)

        act(people.reviewer, question.pk)

        assert minutes_left(question) > 14

    def test_looking_does_not(self, people, question):
        ClaimQuestion(people.reviewer, question.pk).execute()
        let_it_run(question, left=1)

        until = BePresent(people.reviewer, question.pk).execute()

        assert minutes_left(question) < 2
        assert until == question.claimed_until

    def test_that_of_somebody_else_renews_nothing(self, people, question):
        ClaimQuestion(people.reviewer, question.pk).execute()
        let_it_run(question, left=1)

        assert BePresent(people.admin, question.pk, edits=True).execute() is None
        SaveDraft(people.admin, question.pk, TYPED).execute()

        assert minutes_left(question) < 2
        assert holder_of(question) == people.reviewer.pk

    def test_a_claim_that_has_ended_or_was_given_back_does_not_come_again(
        self, people, question
    ):
        ClaimQuestion(people.reviewer, question.pk).execute()
        let_it_run(question, left=-1)
        SaveDraft(people.reviewer, question.pk, TYPED).execute()
        assert minutes_left(question) < 0

        ClaimQuestion(people.reviewer, question.pk).execute()
        ReleaseQuestion(people.reviewer, question.pk).execute()
        BePresent(people.reviewer, question.pk, edits=True).execute()

        question.refresh_from_db()
        assert holder_of(question) is None


class TestLonger:
    def test_one_question_is_held_for_hours_and_typing_takes_nothing_off(
        self, people, question
    ):
        ClaimQuestion(people.reviewer, question.pk).execute()
        ClaimQuestion(people.reviewer, question.pk, seconds=4 * 3600).execute()
        assert minutes_left(question) > 239

        SaveDraft(people.reviewer, question.pk, TYPED).execute()
        ClaimQuestion(people.reviewer, question.pk).execute()

        assert minutes_left(question) > 239

    def test_it_can_still_be_taken_over(self, people, question):
        ClaimQuestion(people.reviewer, question.pk, seconds=4 * 3600).execute()

        ClaimQuestion(people.admin, question.pk, take_over=True).execute()

        assert minutes_left(question) < 16
        assert holder_of(question) == people.admin.pk

    @pytest.mark.parametrize("seconds", [-1, 86_401])
    def test_longer_than_a_day_is_refused(self, people, question, seconds):
        with pytest.raises(InvalidAnswer):
            ClaimQuestion(people.reviewer, question.pk, seconds=seconds).execute()

    def test_all_claims_of_one_person_can_last_longer(self, people, question):
        SetClaimTime(people.reviewer, 3600).execute()
        SetClaimTime(people.admin, 60).execute()

        ClaimQuestion(people.reviewer, question.pk).execute()
        assert 59 < minutes_left(question) <= 60

        # Never shorter than the policy says.
        ClaimQuestion(people.admin, question.pk, take_over=True).execute()
        assert 14 < minutes_left(question) <= 15
