"""Claims, assignments, comments and drafts: several people at one queue."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from tests.support.deciding import decided
from workflows.models import AuditEntry, Comment, Draft, Event, Notice
from workflows.models.interrupt import END_OF_TIME
from workflows.services.action import (
    AlreadyDecided,
    InvalidAnswer,
    NotAllowed,
    NotVisible,
)
from workflows.services.desk.assign_question import ArrangeQuestion
from workflows.services.desk.claim_question import ClaimQuestion, ReleaseQuestion
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.deciding import ClaimedByOther, holder_of
from workflows.services.desk.drafts import SaveDraft, draft_of, fields_of
from workflows.services.resume_run import ResumeRun

pytestmark = pytest.mark.django_db(transaction=True)


class TestClaim:
    """Of two claims one wins; the other is told whose it is."""

    def test_it_lasts_as_long_as_the_policy_says_and_is_renewed(self, people, question):
        row = ClaimQuestion(people.reviewer, question.pk).execute()
        first = row.claimed_until

        again = ClaimQuestion(people.reviewer, question.pk).execute()

        assert holder_of(row) == people.reviewer.pk
        assert first - timezone.now() > timedelta(minutes=14)
        assert again.claimed_until > first
        assert Event.objects.filter(kind="desk").count() == 1

    def test_somebody_else_has_it(self, people, question):
        ClaimQuestion(people.reviewer, question.pk).execute()

        with pytest.raises(ClaimedByOther) as refused:
            ClaimQuestion(people.admin, question.pk).execute()

        assert refused.value.who == "reviewer"

    def test_it_can_be_taken_over_and_the_draft_stays(self, people, question):
        ClaimQuestion(people.reviewer, question.pk).execute()
        SaveDraft(people.reviewer, question.pk, {"reason": ["so far"]}).execute()

        row = ClaimQuestion(people.admin, question.pk, take_over=True).execute()

        assert holder_of(row) == people.admin.pk
        assert draft_of(people.reviewer, question.pk) is not None
        assert AuditEntry.objects.get(action="question.taken_over").data == (
            '{"from": "reviewer"}'
        )

    def test_it_is_given_back_by_its_holder_only(self, people, question):
        ClaimQuestion(people.reviewer, question.pk).execute()
        Group.objects.get(name="reviewer").user_set.add(people.viewer)

        with pytest.raises(NotAllowed):
            ReleaseQuestion(people.viewer, question.pk).execute()
        row = ReleaseQuestion(people.reviewer, question.pk).execute()

        assert holder_of(row) is None

    def test_who_may_not_decide_may_not_claim(self, people, question):
        with pytest.raises(NotAllowed):
            ClaimQuestion(people.viewer, question.pk).execute()
        with pytest.raises(NotVisible):
            ClaimQuestion(people.stranger, question.pk).execute()

    def test_a_decided_question_is_not_claimed(self, people, question):
        decided(ResumeRun(people.reviewer, question.pk, "approve", version=1, round=1))

        with pytest.raises(AlreadyDecided):
            ClaimQuestion(people.reviewer, question.pk).execute()


class TestArrange:
    """Who answers, and by when."""

    def test_it_is_told_what_changed(self, people, question):
        due = timezone.now() + timedelta(days=1)
        row = ArrangeQuestion(
            people.operator, question.pk, assignee="reviewer", due_at=due, priority=5
        ).execute()

        assert (row.assignee, row.due_at, row.priority) == (people.reviewer, due, 5)
        assert row.due_order == due
        entry = AuditEntry.objects.get(action="question.arranged")
        assert '"assignee": "reviewer"' in entry.data

    def test_nothing_new_tells_nothing(self, people, question):
        row = ArrangeQuestion(people.reviewer, question.pk, assignee="").execute()

        assert row.due_order == END_OF_TIME
        assert not AuditEntry.objects.exists()

    def test_every_wrong_field_is_named_and_nothing_is_changed(self, people, question):
        with pytest.raises(InvalidAnswer) as refused:
            ArrangeQuestion(
                people.reviewer,
                question.pk,
                assignee="nobody",
                group="none",
                priority=1000,
                snooze_until=timezone.now() - timedelta(hours=1),
            ).execute()

        assert set(refused.value.errors) == {
            "assignee",
            "group",
            "priority",
            "snooze_until",
        }

    def test_only_who_may_decide_is_assigned(self, people, question):
        with pytest.raises(InvalidAnswer, match="may not decide"):
            ArrangeQuestion(people.reviewer, question.pk, assignee="viewer").execute()

    def test_a_viewer_arranges_nothing(self, people, question):
        with pytest.raises(NotAllowed):
            ArrangeQuestion(people.viewer, question.pk, priority=1).execute()


class TestComments:
    """Anybody who sees a question may say something about it."""

    def test_whoever_is_named_is_told(self, people, question):
        text = "Is this right, @operator? cc @stranger, @nobody, mail@admin"

        comment = CommentOn(people.viewer, question.pk, text).execute()

        assert [*comment.mentioned.all()] == [people.operator]
        notice = Notice.objects.get()
        assert notice.person == people.operator
        assert notice.url == f"/review/{question.pk}/"

    @pytest.mark.parametrize("text", ["", "  ", "x" * 5001])
    def test_nothing_and_too_much_are_refused(self, people, question, text):
        with pytest.raises(InvalidAnswer):
            CommentOn(people.viewer, question.pk, text).execute()

        assert not Comment.objects.exists()


class TestDrafts:
    """Nothing typed is lost, and nobody reads another's draft."""

    def test_it_is_kept_and_thrown_away(self, people, question):
        SaveDraft(people.reviewer, question.pk, {"a": ["1", "2"]}).execute()
        SaveDraft(people.reviewer, question.pk, {"a": ["3"]}, version=2).execute()

        draft = draft_of(people.reviewer, question.pk)
        assert draft is not None
        assert (fields_of(draft), draft.version) == ({"a": ["3"]}, 2)
        assert draft_of(people.admin, question.pk) is None

        SaveDraft(people.reviewer, question.pk, {}).execute()
        assert not Draft.objects.exists()
