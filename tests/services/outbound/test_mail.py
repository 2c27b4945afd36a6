"""Notices by mail: to whom, when no more, and what stands in them."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.utils import timezone

from tests.services.conftest import ask
from tests.services.outbound.conftest import pass_time
from workflows.models import ApprovalLink, Delivery, Interrupt, Notice, Policy
from workflows.services.action import InvalidAnswer
from workflows.services.desk.arranging import arrange_new
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.notify import tell_people
from workflows.services.outbound import outbox
from workflows.services.outbound.choices import (
    KINDS,
    USUAL,
    SetMailChoices,
    choices_of,
)
from workflows.services.outbound.delivering import deliver_due
from workflows.services.outbound.links import find_link
from workflows.services.outbound.mailing import send_test_mail
from workflows.services.tidy import forget_outbound
from workflows.storage.clock import database_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer(people) -> Any:
    """Has an address, and wants everything."""
    people.reviewer.email = "reviewer@example.org"
    people.reviewer.save()
    SetMailChoices(people.reviewer, frozenset(KINDS), False).execute()
    return people.reviewer


@pytest.fixture
def with_link(reviewer) -> Any:
    SetMailChoices(reviewer, frozenset(KINDS), True).execute()
    return reviewer


def tell(
    person: Any, question: Interrupt, text: str = "“Send it?” is due soon"
) -> None:
    with transaction.atomic():
        tell_people([person], question, "reminder", text)


def sent() -> Any:
    """The one mail that was sent, read as a mail program reads it."""
    deliver_due()
    assert len(mail.outbox) == 1
    return message_from_bytes(mail.outbox[0].message().as_bytes(), policy=default)


def dropped() -> str:
    """Why the one mail was not sent."""
    deliver_due()
    assert mail.outbox == []
    row = Delivery.objects.get()
    assert row.status == "dropped"
    return row.last_error


class TestWho:
    def test_a_new_question_is_mailed_to_its_people(self, reviewer, people, question):
        leads = Group.objects.create(name="leads")
        for each in (people.reviewer, people.operator):
            each.groups.add(leads)
        Policy.objects.create(body='{"assign_group": "leads"}')

        arrange_new("t1")

        # The operator has no address: a notice, and no mail.
        assert Notice.objects.count() == 2
        found = sent()
        assert found["To"] == "reviewer@example.org"
        assert found["Subject"] == "“Send it?” waits for an answer"

    def test_a_mention_is_mailed(self, reviewer, people, question):
        CommentOn(people.admin, question.pk, "@reviewer look").execute()

        assert sent()["Subject"] == "Admin named you on “Send it?”"

    def test_who_says_nothing_gets_what_is_pressing(self, people):
        assert choices_of(people.reviewer).kinds == USUAL
        assert "asked" not in USUAL

    def test_only_the_kinds_that_are_wanted(self, reviewer, question):
        SetMailChoices(reviewer, frozenset({"mention"}), False).execute()

        tell(reviewer, question)

        assert not Delivery.objects.exists()

    def test_a_kind_that_does_not_exist_is_refused(self, reviewer):
        with pytest.raises(InvalidAnswer):
            SetMailChoices(reviewer, frozenset({"everything"}), False).execute()

    def test_it_is_written_with_the_notice_or_not_at_all(self, reviewer, question):
        with transaction.atomic():
            tell_people([reviewer], question, "reminder", "x")
            transaction.set_rollback(True)

        assert (Notice.objects.count(), Delivery.objects.count()) == (0, 0)


class TestNoMore:
    """What is asked when a mail is sent, not when its notice was written."""

    def test_an_answered_question(self, reviewer, question):
        tell(reviewer, question)
        Interrupt.objects.update(status="decided")
        assert dropped() == "the question is answered"

    def test_a_notice_that_was_read(self, reviewer, question):
        tell(reviewer, question)
        Notice.objects.update(read_at=timezone.now())
        assert dropped() == "the person has read the notice"

    def test_a_person_who_left(self, reviewer, question):
        tell(reviewer, question)
        reviewer.is_active = False
        reviewer.save()
        assert dropped() == "the person is not active"

    def test_a_person_who_may_not_see_it_any_more(self, reviewer, question):
        tell(reviewer, question)
        reviewer.groups.clear()
        assert dropped() == "the person may not see the question any more"

    def test_a_person_who_does_not_want_it_any_more(self, reviewer, question):
        tell(reviewer, question)
        SetMailChoices(reviewer, frozenset(), False).execute()
        assert dropped() == "the person does not want this by mail any more"

    def test_a_policy_without_mails(self, reviewer, question):
        tell(reviewer, question)
        Policy.objects.create(graph="letter", body='{"mail": false}')
        assert dropped() == "the policy of the question wants no mail"


class TestWhatStandsInIt:
    def test_title_and_address_and_no_payload(self, reviewer, thread):
        question = ask(thread, {"amount": "9 guineas", "iban": "IT60X05428"})
        tell(reviewer, question, "“Pay it?” is due soon")

        found = sent()

        text, html = (part.get_content() for part in found.iter_parts())
        for body in (text, html):
            assert f"/review/{question.pk}/" in body
            assert "guineas" not in body
            assert "IT60X05428" not in body
            assert "/link/" not in body

    def test_fields_that_the_policy_names_and_no_secret_ones(self, reviewer, thread):
        Policy.objects.create(body='{"outside": ["amount", "password"]}')
        question = ask(
            thread, {"amount": "9 guineas", "password": "hush", "iban": "IT60X"}
        )
        tell(reviewer, question)

        text = sent().get_body(("plain",)).get_content()

        assert "amount: 9 guineas" in text
        assert "hush" not in text
        assert "IT60X" not in text

    def test_no_field_where_values_are_encrypted(self, reviewer, thread, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.TinyCipher"
        settings.VALUE_CIPHER_ACCEPTS_PLAIN = True
        Policy.objects.create(body='{"outside": ["amount"]}')
        tell(reviewer, ask(thread, {"amount": "9 guineas"}))

        assert all("guineas" not in p.get_content() for p in sent().iter_parts())

    @pytest.mark.parametrize(
        "title",
        [
            "Hi\r\nBcc: everybody@example.org\r\n\r\nbody",
            "Hi\nX-Header: 1",
            "Hi\u2028Bcc: a@example.org",
            "Hi\x1b[31mred",
            "ab\u202egnp.exe",
        ],
    )
    def test_a_title_ends_no_header(self, reviewer, question, title):
        tell(reviewer, question, title)

        found = sent()

        assert set(found.keys()) == {
            *("Content-Type", "MIME-Version", "Subject", "From", "To", "Date"),
            *("Message-ID", "Auto-Submitted"),
        }
        assert found["Subject"].isprintable()
        assert mail.outbox[0].recipients() == ["reviewer@example.org"]
        first = found.get_body(("plain",)).get_content().splitlines()[0]
        assert first == found["Subject"]

    def test_markup_stays_text(self, reviewer, thread):
        Policy.objects.create(body='{"outside": ["who"]}')
        question = ask(thread, {"who": '<img src="https://spy.example/x">'})
        tell(reviewer, question, "<script>alert(1)</script><a href='x'>Send</a>")

        html = sent().get_body(("html",)).get_content()

        assert "&lt;script&gt;" in html
        assert "<script" not in html
        assert "<img" not in html
        assert html.count("<a ") == 2

    def test_a_long_title_is_cut(self, reviewer, question):
        tell(reviewer, question, "x" * 300)

        # Folded, its line begins with a space.
        assert len(sent()["Subject"].strip()) == 140


class TestLink:
    def test_who_asked_for_one_gets_one(self, with_link, question):
        tell(with_link, question)

        text = sent().get_body(("plain",)).get_content()

        address = next(line for line in text.splitlines() if "/link/" in line)
        link = find_link(address.rstrip("/").rpartition("/")[2])
        assert (link.person, link.interrupt) == (with_link, question)

    def test_not_where_the_person_may_not_decide(self, with_link, question):
        Group.objects.create(name="finance")
        Policy.objects.create(body='{"decide_groups": ["finance"]}')
        tell(with_link, question)

        assert "/link/" not in sent().as_string()
        assert not ApprovalLink.objects.exists()

    def test_not_where_the_policy_wants_none(self, with_link, question):
        Policy.objects.create(body='{"link": 0}')
        tell(with_link, question)

        assert "/link/" not in sent().as_string()


class Broken(EmailBackend):
    """A mail server in trouble; the class says with what."""

    error: Exception = OSError("connection refused\r\nforged line")
    asked = 0

    def send_messages(self, messages: Any) -> int:
        type(self).asked += 1
        raise self.error


class TestTryingAgain:
    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch):
        monkeypatch.setattr(Broken, "asked", 0)

    def use(self, monkeypatch: Any, backend: Any) -> None:
        monkeypatch.setattr(
            "django.core.mail.get_connection", lambda **_: backend(fail_silently=False)
        )

    def test_it_is_tried_later_and_arrives(self, reviewer, question, monkeypatch):
        tell(reviewer, question)
        with monkeypatch.context() as broken:
            self.use(broken, Broken)
            deliver_due()
        row = Delivery.objects.get()
        assert (row.status, row.attempts) == ("pending", 1)
        assert row.last_error == "OSError: connection refused forged line"

        deliver_due()
        assert mail.outbox == []
        pass_time(6)
        deliver_due()

        assert Delivery.objects.get().status == "sent"
        assert len(mail.outbox) == 1

    def test_it_is_given_up(self, reviewer, question, monkeypatch):
        tell(reviewer, question)
        self.use(monkeypatch, Broken)
        for _ in range(outbox.MOST_ATTEMPTS):
            assert Delivery.objects.get().status == "pending"
            deliver_due()
            pass_time(40_000)

        assert Delivery.objects.get().status == "dead"

    def test_a_server_in_trouble_is_asked_once_a_round(
        self, reviewer, question, monkeypatch
    ):
        self.use(monkeypatch, Broken)
        for _ in range(3):
            tell(reviewer, question)

        deliver_due()

        assert Broken.asked == 1

    def test_one_bad_address_holds_up_nobody(self, reviewer, question, monkeypatch):
        monkeypatch.setattr(Broken, "error", SMTPRecipientsRefused({}))
        self.use(monkeypatch, Broken)
        for _ in range(3):
            tell(reviewer, question)

        deliver_due()

        assert Broken.asked == 3

    def test_a_repetition_has_the_same_id(self, reviewer, question):
        tell(reviewer, question)
        row = Delivery.objects.get()
        deliver_due()
        Delivery.objects.update(status="pending", next_at=database_now())
        deliver_due()

        ids = {each.message()["Message-ID"] for each in mail.outbox}
        assert len(mail.outbox) == 2
        assert len(ids) == 1
        assert str(row.message_id) in ids.pop()


def test_a_test_mail_goes_to_oneself_and_once(reviewer, people):
    assert send_test_mail(reviewer) == send_test_mail(reviewer)

    assert sent()["Subject"] == "A test from durableweb"
    with pytest.raises(InvalidAnswer):
        send_test_mail(people.viewer)


def test_what_ended_is_forgotten_and_what_waits_is_kept(reviewer, question, settings):
    settings.OUTBOX_KEEP_DAYS = 30.0
    for _ in range(3):
        tell(reviewer, question)
    old = timezone.now() - timedelta(days=31)
    ended, fresh, _ = Delivery.objects.order_by("id")
    Delivery.objects.filter(pk=ended.pk).update(status="sent", ended_at=old)
    Delivery.objects.filter(pk=fresh.pk).update(status="sent", ended_at=timezone.now())

    assert forget_outbound() == 1
    assert not Delivery.objects.filter(pk=ended.pk).exists()
