"""Notices by mail: who gets one, and what stands in it.

A mail holds a title and an address; the state of a workflow never leaves by mail, and fields
of the question only where its policy names them. Whether the mail is still wanted, still
allowed and still of use is asked when it is sent, not when the notice was written.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from workflows.models import Delivery, Interrupt, Notice
from workflows.services.access import Person, Rights
from workflows.services.action import InvalidAnswer, Refused
from workflows.services.desk.policies import rules_for
from workflows.services.one_line import one_line
from workflows.services.outbound import outbox
from workflows.services.outbound.choices import (
    MailChoices,
    address_of,
    choices_of,
    choices_of_all,
)
from workflows.services.outbound.events import address
from workflows.services.outbound.links import make_link
from workflows.services.outbound.outside import mailed_fields
from workflows.storage.clock import database_now

log = logging.getLogger(__name__)

TEST = "test"
# Notices that ask for something: once it is done, nobody needs the mail.
_ASKING = frozenset({"asked", "reminder", "escalation"})
_LONGEST_SUBJECT = 140
# The mail server is well, it does not like this one mail.
_ABOUT_ONE_MAIL = (SMTPRecipientsRefused, SMTPDataError, ValueError)


class Unwanted(Exception):
    """The mail need not be sent any more; the text says why."""


def mail_notices(notices: Sequence[Notice]) -> int:
    """Put these notices into the outbox for whoever wants them by mail; returns how many.

    Called in the transaction that writes the notices.
    """
    reachable = [each for each in notices if address_of(each.person)]
    if not reachable:
        return 0
    choices = choices_of_all(each.person for each in reachable)
    now = database_now()
    made = Delivery.objects.bulk_create(
        Delivery(
            channel=Delivery.Channel.MAIL,
            kind=each.kind,
            person=each.person,
            notice=each,
            next_at=now,
        )
        for each in reachable
        if each.kind in choices.get(each.person_id, MailChoices()).kinds
    )
    return len(made)


def send_test_mail(person: Person) -> Delivery:
    """Put a mail to oneself into the outbox; raises InvalidAnswer without an address."""
    if not address_of(person):
        raise InvalidAnswer({"email": "there is no mail address in your account"})
    waiting = {
        "channel": Delivery.Channel.MAIL,
        "kind": TEST,
        "person_id": person.pk,
        "status": Delivery.Status.PENDING,
    }
    # Pressed again and again it is still one mail.
    found = Delivery.objects.filter(**waiting).first()
    return found or Delivery.objects.create(**waiting, next_at=database_now())


def last_mail(person: Person) -> Delivery | None:
    """The mail to this person that was written last."""
    return Delivery.objects.filter(person=person.pk).order_by("-id").first()


def deliver(row: Delivery) -> bool:
    """Send one taken row and note how that went; False where the mail server is in trouble."""
    try:
        message = _message(row)
    except (Unwanted, Refused) as why:
        outbox.dropped(row, str(why))
        return True
    try:
        message.send()
    except (OSError, ValueError) as error:  # what smtplib raises is an OSError
        # A text of a mail server may hold addresses, never our mail.
        if outbox.failed(row, f"{type(error).__name__}: {error}"):
            log.warning("mail %s was given up", row.pk)
        return isinstance(error, _ABOUT_ONE_MAIL)
    outbox.sent(row)
    return True


def _message(row: Delivery) -> EmailMultiAlternatives:
    person: Any = row.person
    to = address_of(person)
    if not person.is_active:
        raise Unwanted("the person is not active")
    if not to:
        raise Unwanted("the person has no mail address")
    about = _about(row, person)
    subject = one_line(about["title"], _LONGEST_SUBJECT)
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("workflows/mail/notice.txt", about),
        to=[to],
        headers={
            "Message-ID": f"<{row.message_id}@{_host()}>",
            # No answering machine is to answer.
            "Auto-Submitted": "auto-generated",
        },
    )
    html = render_to_string("workflows/mail/notice.html", about)
    message.attach_alternative(html, "text/html")
    return message


def _about(row: Delivery, person: Person) -> dict[str, Any]:
    own = address("notices")
    if row.notice is None:
        return {
            "title": "A test from durableweb",
            "url": own,
            "settings_url": own,
            "is_test": True,
        }
    question = row.notice.interrupt
    wanted = choices_of(person)
    if row.kind not in wanted.kinds:
        raise Unwanted("the person does not want this by mail any more")
    if row.notice.read_at is not None:
        raise Unwanted("the person has read the notice")
    about = {
        "title": one_line(row.notice.text),
        "kind": row.kind,
        "url": str(settings.PUBLIC_URL) + row.notice.url,
        "settings_url": own,
    }
    if question is not None:
        about |= _about_question(row, question, person, wanted)
    return about


def _about_question(
    row: Delivery, question: Interrupt, person: Person, wanted: MailChoices
) -> dict[str, Any]:
    if row.kind in _ASKING and question.status != Interrupt.Status.PENDING:
        raise Unwanted("the question is answered")
    if not Rights(person).can_see(question.graph):
        raise Unwanted("the person may not see the question any more")
    rules = rules_for(question)
    if not rules.mail:
        raise Unwanted("the policy of the question wants no mail")
    found: dict[str, Any] = {
        "number": question.pk,
        "fields": mailed_fields(question, rules),
        "due_at": question.due_at,
    }
    if wanted.links and question.status == Interrupt.Status.PENDING:
        made = make_link(person, question)
        if made is not None:
            found |= {"link": made.url, "link_until": made.expires_at}
    return found


def _host() -> str:
    return urlsplit(str(settings.PUBLIC_URL)).hostname or "localhost"
