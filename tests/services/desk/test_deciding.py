"""Undo, several pairs of eyes, claims: what stands between a person and a decision."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction
from django.utils import timezone

from tests.services.conftest import ask
from tests.support.deciding import decided
from workflows.models import AuditEntry, Decision, Policy, Preference, Run, Undo, Vote
from workflows.services.action import AlreadyDecided, NotAllowed
from workflows.services.desk import audit
from workflows.services.desk.deciding import ClaimedByOther, Decider
from workflows.services.desk.undo_decision import TooLate, UndoDecision
from workflows.services.desk.votes import VotesDiffer
from workflows.services.resume_run import ResumeRun
from workflows.storage import append_only
from workflows.storage.claims import claim_run
from workflows.storage.leases import keeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_leases_left() -> Iterator[None]:
    yield
    keeper.clear()


SHOWN: dict[str, Any] = {"version": 1, "round": 1}


def policy(**body: Any) -> None:
    Policy.objects.create(graph="letter", body=json.dumps(body))


def second_reviewer() -> User:
    person = User.objects.create_user("second", first_name="Second")
    person.groups.add(Group.objects.get(name="reviewer"))
    return person


class TestUndo:
    """A decision waits for a while before the workflow goes on with it."""

    def test_its_run_waits_and_can_be_called_back(self, people, question):
        policy(undo=60)
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))
        assert decision.start_at is not None
        assert claim_run(decision.run_id, "w") is None

        row = UndoDecision(people.reviewer, decision.pk).execute()

        assert (row.status, row.round) == ("pending", 2)
        decision.refresh_from_db()
        assert decision.run.status == "cancelled"
        assert decision.run.reason == "undone"
        again = decided(
            ResumeRun(people.reviewer, row.pk, "reject", version=row.version, round=2)
        )
        assert again.kind == "reject"
        assert [e.action for e in AuditEntry.objects.order_by("id")] == [
            "question.decided",
            "decision.undone",
            "question.decided",
        ]
        assert [*audit.verify()] == []

    def test_what_has_begun_is_not_called_back(self, people, question):
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))
        assert claim_run(decision.run_id, "worker") is not None

        with pytest.raises(TooLate, match="gone on"):
            UndoDecision(people.reviewer, decision.pk).execute()

        question.refresh_from_db()
        assert question.status == "decided"
        assert not Undo.objects.exists()

    def test_twice_is_too_late(self, people, question):
        policy(undo=60)
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))
        UndoDecision(people.reviewer, decision.pk).execute()

        with pytest.raises(TooLate):
            UndoDecision(people.reviewer, decision.pk).execute()

    def test_only_its_author_or_an_admin_may(self, people, question):
        policy(undo=60)
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))

        with pytest.raises(NotAllowed):
            UndoDecision(second_reviewer(), decision.pk).execute()

        assert UndoDecision(people.admin, decision.pk).execute().status == "pending"

    def test_a_person_may_ask_for_more_time_never_for_less(self, people, question):
        policy(undo=60)
        Preference.objects.create(person=people.reviewer, undo_seconds=120)
        Preference.objects.create(person=people.admin, undo_seconds=1)

        assert Decider(people.reviewer).undo_seconds(question) == 120
        assert Decider(people.admin).undo_seconds(question) == 60


class TestQuorum:
    """n people approve; one rejection is enough."""

    def test_the_last_vote_decides(self, people, question):
        policy(quorum=2)
        first = ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()
        assert isinstance(first, Vote)
        question.refresh_from_db()
        assert question.status == "pending"
        assert not Run.objects.filter(kind="resume").exists()

        second = ResumeRun(second_reviewer(), question.pk, "approve", **SHOWN).execute()

        assert isinstance(second, Decision)
        assert Vote.objects.count() == 2

    def test_nobody_votes_twice(self, people, question):
        policy(quorum=2)
        ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

        with pytest.raises(AlreadyDecided, match="waits for others"):
            ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

    def test_approvals_of_different_answers_do_not_add_up(self, people, question):
        policy(quorum=2)
        ResumeRun(people.reviewer, question.pk, "edit", "One", **SHOWN).execute()

        with pytest.raises(VotesDiffer, match="Reviewer"):
            ResumeRun(second_reviewer(), question.pk, "edit", "Two", **SHOWN).execute()

        assert Vote.objects.count() == 1

    def test_one_rejection_is_enough(self, people, question):
        policy(quorum=3)
        ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

        made = ResumeRun(
            second_reviewer(), question.pk, "reject", None, "no", **SHOWN
        ).execute()

        assert isinstance(made, Decision)


class TestFourEyes:
    """Whoever began or changed the work does not judge it."""

    def test_the_starter_may_not(self, people, thread, question):
        policy(four_eyes=True)
        thread.created_by = people.reviewer
        thread.save()

        with pytest.raises(NotAllowed, match="second pair of eyes"):
            ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

        assert decided(ResumeRun(second_reviewer(), question.pk, "approve", **SHOWN))

    def test_the_last_editor_may_not_not_even_an_admin(self, people, thread, question):
        policy(four_eyes=True)
        Run.objects.create(
            thread=thread, kind="edit", status="success", created_by=people.admin
        )

        with pytest.raises(NotAllowed, match="second pair of eyes"):
            ResumeRun(people.admin, question.pk, "approve", **SHOWN).execute()


class TestGroups:
    """A policy names who decides."""

    def test_only_they_decide(self, people, question):
        policy(decide_groups=["finance"])
        finance = Group.objects.create(name="finance")

        with pytest.raises(NotAllowed, match="finance"):
            ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

        people.reviewer.groups.add(finance)
        assert decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))

    def test_whoever_may_not_see_the_workflow_gains_nothing(self, people, question):
        policy(decide_groups=["finance"])
        people.stranger.groups.add(Group.objects.create(name="finance"))

        assert not Decider(people.stranger).may(question)


class TestClaims:
    """A claim keeps others off, until it ends."""

    def test_others_are_told_who_has_it(self, people, question):
        question.claimed_by = people.admin
        question.claimed_until = timezone.now() + timedelta(minutes=5)
        question.save()

        with pytest.raises(ClaimedByOther, match="Take it over") as refused:
            ResumeRun(people.reviewer, question.pk, "approve", **SHOWN).execute()

        assert refused.value.who == "admin"
        assert decided(ResumeRun(people.admin, question.pk, "approve", **SHOWN))

    def test_an_ended_claim_is_none(self, people, question):
        question.claimed_by = people.admin
        question.claimed_until = timezone.now() - timedelta(seconds=1)
        question.save()

        assert decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))


def test_a_decision_cannot_be_changed_afterwards(people, question):
    decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **SHOWN))
    append_only.ensure_triggers()
    try:
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Decision.objects.filter(pk=decision.pk).update(kind="reject")
        Run.objects.filter(pk=decision.run_id).delete()  # only the link goes
    finally:
        append_only.drop_triggers()

    decision.refresh_from_db()
    assert (decision.kind, decision.run) == ("approve", None)


def test_the_answers_of_one_thread_are_audited_in_one_chain(people, thread):
    for _ in range(3):
        decided(ResumeRun(people.reviewer, ask(thread).pk, "approve", **SHOWN))

    assert AuditEntry.objects.filter(thread=thread.pk).count() == 3
    assert [*audit.verify()] == []
