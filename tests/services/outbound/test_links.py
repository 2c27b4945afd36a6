"""Links to decide by: for one person, one round of one question, once, for a while."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import signing
from django.db import connection
from django.utils import timezone

from tests.services.conftest import ask
from workflows.models import (
    ApprovalLink,
    AuditEntry,
    Decision,
    Interrupt,
    Policy,
    Vote,
)
from workflows.services import registry
from workflows.services.action import InvalidAnswer, NotVisible
from workflows.services.desk.claim_question import ClaimQuestion
from workflows.services.desk.deciding import ClaimedByOther
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.outbound.links import (
    LOST_RIGHTS,
    SALT,
    DecideByLink,
    LinkSpent,
    find_link,
    look_at,
    make_link,
    revoke_lost,
)
from workflows.services.resume_run import ResumeRun
from workflows.services.tidy import forget_outbound

pytestmark = pytest.mark.django_db(transaction=True)


def token_of(person: Any, question: Interrupt) -> str:
    made = make_link(person, question)
    assert made is not None
    return made.url.rstrip("/").rpartition("/")[2]


@pytest.fixture
def token(people, question) -> str:
    return token_of(people.reviewer, question)


def spent(token: str) -> LinkSpent:
    """Why the link decides nothing; it does not, whatever is tried."""
    with pytest.raises(LinkSpent) as caught:
        DecideByLink(token, "approve").execute()
    page = look_at(find_link(token))
    assert page.outside is None
    assert page.spent.kind == caught.value.kind
    return caught.value


class TestDeciding:
    def test_it_decides_as_the_person_and_says_by_what(self, people, question, token):
        decision = DecideByLink(token, "reject", "too dear").execute()

        assert isinstance(decision, Decision)
        assert (decision.person, decision.kind) == (people.reviewer, "reject")
        assert (decision.channel, decision.reason) == ("link", "too dear")
        entry = AuditEntry.objects.get(action="question.decided")
        assert (entry.channel, entry.person_name) == ("link", "Reviewer")

    def test_words_are_an_answer(self, token):
        DecideByLink(token, "respond", "Ask Ada").execute()

        assert "Ask Ada" in Decision.objects.get().answer

    def test_it_sends_back_with_what_should_change(self, token):
        DecideByLink(token, "changes", "Add the total").execute()

        decision = Decision.objects.get()
        assert (decision.kind, decision.reason) == ("changes", "Add the total")

    def test_a_quorum_counts_it_as_one_vote(self, people, question):
        Policy.objects.create(body='{"quorum": 2}')
        token = token_of(people.reviewer, question)

        assert isinstance(DecideByLink(token, "approve").execute(), Vote)
        assert spent(token).kind == "approve"

    def test_what_the_question_refuses_leaves_the_link_good(self, people, thread):
        schema = {
            "type": "object",
            "properties": {"amount": {"type": "number"}},
            "required": ["amount"],
        }
        token = token_of(people.reviewer, ask(thread, "How much?", schema))

        with pytest.raises(InvalidAnswer):
            DecideByLink(token, "approve").execute()

        assert ApprovalLink.objects.get().used_at is None
        assert look_at(find_link(token)).spent is None

    def test_a_claim_of_somebody_else_stands_in_the_way(self, people, question, token):
        ClaimQuestion(people.admin, question.pk).execute()

        with pytest.raises(ClaimedByOther):
            DecideByLink(token, "approve").execute()

        assert ApprovalLink.objects.get().used_at is None


class TestOnce:
    def test_a_replay_decides_nothing(self, token):
        DecideByLink(token, "approve").execute()

        refusal = spent(token)

        assert (refusal.who, refusal.kind) == ("Reviewer", "approve")
        assert Decision.objects.count() == 1

    def test_not_even_after_the_decision_was_taken_back(self, people, token, settings):
        settings.UNDO_SECONDS = 60
        decision = DecideByLink(token, "approve").execute()
        UndoDecision(people.reviewer, decision.pk).execute()

        spent(token)

        assert Interrupt.objects.get().status == "pending"

    def test_of_many_at_once_one_wins(self, token):
        start = threading.Barrier(4)
        ends: list[str] = []

        def use() -> None:
            start.wait()
            try:
                DecideByLink(token, "approve").execute()
                ends.append("decided")
            except LinkSpent:
                ends.append("spent")
            finally:
                connection.close()

        threads = [threading.Thread(target=use) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert sorted(ends) == ["decided", "spent", "spent", "spent"]
        assert Decision.objects.count() == 1

    def test_looking_decides_nothing_and_uses_nothing_up(self, token):
        before = ApprovalLink.objects.values().get()

        for _ in range(3):
            look_at(find_link(token))

        assert ApprovalLink.objects.values().get() == before
        assert not Decision.objects.exists()


class TestEnd:
    def test_it_expires(self, token):
        gone = timezone.now() - timedelta(seconds=1)
        row = ApprovalLink.objects.get()
        # The moment is part of what is signed, so time goes by for all of it.
        token = again_until(row, gone)

        assert spent(token).kind == "expired"

    def test_how_long_it_lasts_is_said_by_policy_or_setting(
        self, people, question, settings
    ):
        settings.APPROVAL_LINK_SECONDS = 100
        made = make_link(people.reviewer, question)
        assert 90 < (made.expires_at - timezone.now()).total_seconds() <= 100

        Policy.objects.create(body='{"link": 7}')
        made = make_link(people.reviewer, question)
        assert 0 < (made.expires_at - timezone.now()).total_seconds() <= 7

    def test_a_policy_or_the_site_may_want_none(self, people, question, settings):
        settings.APPROVAL_LINK_SECONDS = 0
        assert make_link(people.reviewer, question) is None

        settings.APPROVAL_LINK_SECONDS = 100
        Policy.objects.create(body='{"link": 0}')
        assert make_link(people.reviewer, question) is None

    def test_who_decided_meanwhile_is_named(self, people, question, token):
        ResumeRun(people.admin, question.pk, "reject", version=1, round=1).execute()

        refusal = spent(token)

        assert (refusal.who, refusal.kind) == ("Admin", "reject")

    def test_a_question_asked_again_wants_another_link(self, token):
        Interrupt.objects.update(round=2, version=3)

        assert spent(token).kind == "changed"

    @pytest.mark.parametrize("status", ["withdrawn", "superseded", "expired"])
    def test_a_question_that_is_closed_says_so(self, token, status):
        Interrupt.objects.update(status=status)

        assert spent(token).kind == "closed"


class TestRights:
    def test_nobody_gets_one_who_may_not_decide(self, people, question):
        assert make_link(people.viewer, question) is None
        assert make_link(people.stranger, question) is None

    def test_it_ends_with_the_person(self, people, token):
        people.reviewer.is_active = False
        people.reviewer.save()

        assert spent(token).kind == "revoked"
        # For good: it does not come back with them.
        people.reviewer.is_active = True
        people.reviewer.save()
        assert spent(token).kind == "revoked"
        assert ApprovalLink.objects.get().revoked_because == LOST_RIGHTS
        assert AuditEntry.objects.filter(action="link.revoked").count() == 1

    def test_it_ends_with_the_right(self, people, token):
        people.reviewer.groups.clear()

        assert spent(token).kind == "revoked"
        people.reviewer.groups.add(Group.objects.get(name="reviewer"))
        assert spent(token).kind == "revoked"

    def test_a_question_that_somebody_else_was_given_may_come_back(
        self, people, question, token
    ):
        Interrupt.objects.update(assignee=people.admin)

        refusal = spent(token)

        assert refusal.kind == "theirs"
        assert "assigned to admin" in str(refusal)
        assert revoke_lost() == 0
        Interrupt.objects.update(assignee=None)
        assert look_at(find_link(token)).spent is None

    def test_a_sweep_revokes_what_nobody_tried(self, people, question, token):
        other = token_of(people.admin, question)
        people.reviewer.is_active = False
        people.reviewer.save()

        assert (revoke_lost(), revoke_lost()) == (1, 0)

        people.reviewer.is_active = True
        people.reviewer.save()
        assert spent(token).kind == "revoked"
        assert look_at(find_link(other)).spent is None

    def test_a_workflow_that_is_missing_here_revokes_nothing(self, token, letter):
        before = registry.get("letter")
        registry.unregister("letter")

        assert spent(token).kind == "hidden"
        assert revoke_lost() == 0

        registry._graphs["letter"] = before
        assert look_at(find_link(token)).spent is None


class TestForgery:
    @pytest.mark.parametrize(
        "change",
        [
            lambda token: token[:-1],
            lambda token: token + "x",
            lambda token: "x" + token,
            lambda token: "",
            lambda token: "1.a.b:c",
            lambda token: signing.Signer(salt="another").sign(token),
            lambda token: signing.Signer(salt=SALT).sign("1.guess.guess"),
            lambda token: signing.Signer(salt=SALT).sign("99.guess.guess"),
            lambda token: signing.Signer(salt=SALT).sign("x"),
            lambda token: token.replace(".", ".\x00", 1),
        ],
    )
    def test_what_is_not_ours_is_unknown(self, token, change):
        with pytest.raises(NotVisible):
            find_link(change(token))

    @pytest.mark.parametrize("field", ["person", "interrupt", "round", "expires_at"])
    def test_a_row_that_was_changed_fits_no_token(
        self, people, thread, question, token, field
    ):
        values: dict[str, Any] = {
            "person": people.admin,
            "interrupt": ask(thread),
            "round": 2,
            "expires_at": timezone.now() + timedelta(days=300),
        }
        ApprovalLink.objects.update(**{field: values[field]})

        with pytest.raises(NotVisible):
            find_link(token)

    def test_the_token_is_kept_nowhere(self, token):
        nonce = token.split(".")[1]

        assert nonce not in str(ApprovalLink.objects.values().get())
        assert nonce not in str(list(AuditEntry.objects.values()))


class TestWhatIsShown:
    def test_decisions_that_the_question_takes_without_a_form(
        self, people, thread, question
    ):
        def kinds(row: Interrupt) -> tuple[str, ...]:
            return look_at(find_link(token_of(people.reviewer, row))).outside.kinds

        schema = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
        amount = {"type": "object", "properties": {"amount": {"type": "number"}}}
        assert kinds(question) == ("approve", "reject", "respond", "changes")
        assert "reject" in kinds(ask(thread, "Ok?", schema))
        assert kinds(ask(thread, "How much?", amount)) == ("approve",)

        Policy.objects.create(
            body='{"decisions": ["approve", "close"], "close": "cancel"}'
        )
        assert kinds(question) == ("approve", "close")

    def test_what_cannot_be_read_says_so(self, token):
        Interrupt.objects.update(value="$sealed:x")

        assert look_at(find_link(token)).spent.kind == "hidden"

    def test_question_and_proposal_but_neither_state_nor_secrets(self, people, thread):
        question = ask(
            thread,
            {
                "question": "Pay it?",
                "amount": 12,
                "api_key": "k-1",
                "in": {"token": "t"},
            },
        )
        shown = look_at(find_link(token_of(people.reviewer, question))).outside

        assert shown.question == "Pay it?"
        assert shown.proposed == {
            "amount": 12,
            "api_key": "••••••",
            "in": {"token": "••••••"},
        }

    def test_only_the_fields_that_the_policy_names(self, people, thread):
        Policy.objects.create(body='{"outside": ["amount", "none"]}')
        question = ask(thread, {"question": "Pay it?", "amount": 12, "iban": "IT60"})

        shown = look_at(find_link(token_of(people.reviewer, question))).outside

        assert (shown.fields, shown.proposed) == ((("amount", 12),), None)


def test_old_links_are_forgotten(token, settings):
    settings.OUTBOX_KEEP_DAYS = 30.0
    assert forget_outbound() == 0

    ApprovalLink.objects.update(expires_at=timezone.now() - timedelta(days=31))

    assert forget_outbound() == 1


def again_until(row: ApprovalLink, moment: Any) -> str:
    """The token of a link that was made so that it ends at that moment."""
    from workflows.services.outbound import links

    row.expires_at = moment
    nonce = "n" * 32
    row.digest = links._digest(nonce)
    row.save()
    return links._signer().sign(f"{row.pk}.{nonce}.{links._bound(row)}")
