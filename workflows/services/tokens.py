"""Tokens: how a program comes in somebody's name, with a part of what they may do.

A token is 32 random bytes, so its SHA-256 is enough to keep: nobody finds the text from it,
and nobody guesses one. What a token may do is asked anew for each request: its scopes, and
within them what its owner may do at that moment. So an owner who is

- deactivated takes it out of use at once, and whoever makes them active again brings it back;
- deleted takes it along;
- given a role, or loses one, has it do more or less from the next request on, within its scopes;
- changing the password leaves it as it is: it was not made of that. The page says so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from workflows.models import ApiToken
from workflows.services import registry
from workflows.services.access import (
    DECIDE,
    EDIT,
    READ,
    RUN,
    SCOPES,
    SECRETS,
    VIEWER,
    Person,
    Rights,
    came_with,
    name_of,
)
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible
from workflows.services.desk import audit
from workflows.services.seldom import Seldom
from workflows.services.strict_json import text_fault
from workflows.services.writable import last_refusal
from workflows.storage.clock import machine_now
from workflows.storage.outage import why_unwritable

PREFIX = "dw_"
WORKS, INACTIVE = "works", "inactive"
LONGEST_NAME = 80
MOST_DAYS = 3_660
# More than this many that still work are a mistake, or a program that makes them.
MOST_OF_ONE = 50
_START = 8
_NOTED = timedelta(minutes=1)
_KEPT = timedelta(days=365)

refused = Seldom(3600.0)
"""Which tokens that work no more were told of."""

HOW_TO_COME = (
    "Send a token that works: Authorization: Bearer dw_… People make them on the page "
    "Tokens of their menu."
)
"""What is said to a program that nobody knows."""

WORDS = {
    READ: "read workflows, threads, runs, questions and decisions",
    RUN: "start, continue and cancel runs, send signals and updates",
    EDIT: "change the state of threads",
    DECIDE: "claim and answer questions",
    SECRETS: "see the channels that a workflow marks as secret",
}
"""What each scope lets a token do, of what its owner may."""


def possible_scopes(person: Person) -> tuple[str, ...]:
    """The scopes that would let a token of this person do anything now."""
    rights = Rights(person)
    names = registry.names()
    # A policy may put questions to any group.
    decides = rights.is_admin or bool(rights.has_business and rights.groups - {VIEWER})
    may = {
        READ: rights.has_business,
        RUN: rights.is_admin or any(map(rights.can_start, names)),
        EDIT: decides,
        DECIDE: decides,
        SECRETS: rights.is_admin or any(map(rights.can_see_secret, names)),
    }
    return tuple(scope for scope in SCOPES if may[scope])


@dataclass(frozen=True)
class MakeToken:
    """`person` makes a token of their own; it ends after `days`, or with None never.

    `channel` is the way in which they asked for it, for the audit.
    """

    person: Person
    name: str
    scopes: frozenset[str]
    days: int | None = 90
    channel: str = "web"

    def check(self) -> None:
        """Raise NotAllowed, or InvalidAnswer with a text per field."""
        come_oneself(self.person)
        possible = possible_scopes(self.person)
        if not possible:
            raise NotAllowed("Without a role here a token could do nothing.")
        errors = {}
        if (
            not self.name.strip()
            or not self.name.isprintable()
            or text_fault(self.name)
        ):
            errors["name"] = "give it a name, such as the program that will use it"
        elif len(self.name) > LONGEST_NAME:
            errors["name"] = f"at most {LONGEST_NAME} characters"
        if not self.scopes:
            errors["scopes"] = "choose at least one"
        elif self.scopes - set(possible):
            errors["scopes"] = f"it can have {', '.join(possible)}, and no other"
        elif self.scopes == {SECRETS}:
            errors["scopes"] = "secrets alone lets it do nothing; add read"
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            errors["days"] = f"a number from 1 to {MOST_DAYS:,}"
        if not errors and _working(self.person).count() >= MOST_OF_ONE:
            errors["name"] = f"{MOST_OF_ONE} tokens work already; revoke one first"
        if errors:
            raise InvalidAnswer(errors)

    def execute(self) -> tuple[ApiToken, str]:
        """The token, and its text, which is told this once."""
        self.check()
        text = PREFIX + secrets.token_urlsafe(32)
        owner: Any = self.person
        now = machine_now()
        with transaction.atomic():
            row = ApiToken.objects.create(
                owner=owner,
                name=self.name.strip(),
                start=text[: len(PREFIX) + _START],
                digest=digest_of(text),
                scopes=" ".join(each for each in SCOPES if each in self.scopes),
                created_at=now,
                expires_at=now + timedelta(days=self.days) if self.days else None,
            )
            until = row.expires_at.isoformat() if row.expires_at else "never"
            told = {"scopes": row.scopes, "ends": until}
            _note(self.person, "token.made", row, told, self.channel)
        return row, text


@dataclass(frozen=True)
class RevokeToken:
    """`person` ends a token of their own, or as an admin anybody's. It works no more at once."""

    person: Person
    number: int

    def check(self) -> ApiToken:
        """The token, where it is this person's to end."""
        come_oneself(self.person)
        row = ApiToken.objects.filter(pk=self.number).first()
        if row is None or not (
            row.owner_id == self.person.pk or Rights(self.person).is_admin
        ):
            raise NotVisible("token", self.number)
        return row

    def execute(self) -> ApiToken:
        """The token, revoked; one that was revoked before stays as it is."""
        with transaction.atomic():
            row = self.check()
            ended = ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(
                revoked_at=machine_now(), revoked_by=name_of(self.person)[:200]
            )
            if ended:
                _note(self.person, "token.revoked", row, {"owner": name_of(row.owner)})
            row.refresh_from_db()
        return row


def forget_tokens() -> int:
    """Forget what has been of no use for a year, which the audit still tells; how many rows."""
    before = machine_now() - _KEPT
    gone = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    return ApiToken.objects.filter(gone).delete()[0]


def person_with(text: str) -> Person | None:
    """The owner of the token of this text, as who comes with it; None where it does not work.

    The person carries it as `api_token`: `Rights` and the audit look there.
    """
    if not text.startswith(PREFIX) or not text.isascii() or len(text) > 100:
        return None
    found = ApiToken.objects.filter(digest=digest_of(text))
    row = found.select_related("owner").first()
    if row is None:
        return None
    standing = standing_of(row)
    if standing != WORKS:
        _note_refused(row, standing)
        return None
    _note_use(row)
    person: Any = row.owner
    person.api_token = row
    return person  # type: ignore[no-any-return]


def digest_of(text: str) -> str:
    """SHA-256 (hex) of a token's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def come_oneself(person: Person) -> None:
    """Raise NotAllowed for whoever comes with a token: it makes and ends none."""
    if came_with(person) is not None:
        raise NotAllowed("A token cannot look after tokens: log in yourself.")


def standing_of(row: ApiToken) -> str:
    """WORKS, or why it works no more: revoked, expired, or INACTIVE where the owner's account is."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= machine_now():
        return "expired"
    # Whether accounts can be inactive at all is for the model of the host's people.
    return WORKS if row.owner.is_active else INACTIVE


def _note_refused(row: ApiToken, standing: str) -> None:
    """Tell the audit, once an hour and process: a program still has it, or somebody who should not."""
    if refused.ask(str(row.pk)) is None:
        return
    why = f"owner {standing}" if standing == INACTIVE else standing
    told = {"why": why, "owner": name_of(row.owner)}
    with _where_writable():
        _note(None, "token.refused", row, told, audit.API)


def _of_use(rows: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
    living = Q(expires_at=None) | Q(expires_at__gt=machine_now())
    return rows.filter(living, revoked_at=None)


def _working(person: Person) -> QuerySet[ApiToken]:
    return _of_use(ApiToken.objects.filter(owner=person.pk))


def _note_use(row: ApiToken) -> None:
    now = machine_now()
    if row.last_used_at is not None and row.last_used_at > now - _NOTED:
        return
    # Of several requests at once one notes it.
    rows = ApiToken.objects.filter(pk=row.pk, last_used_at=row.last_used_at)
    with _where_writable():
        rows.update(last_used_at=now)


@contextmanager
def _where_writable() -> Iterator[None]:
    """A note beside a request: what only reads is answered where nothing can be written."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        if not why_unwritable(error):
            raise
        last_refusal.note(error)


def _note(
    person: Person | None,
    action: str,
    row: ApiToken,
    data: Mapping[str, str],
    channel: str = "web",
) -> None:
    named = {"name": row.name, "start": row.start, **data}
    audit.record(person, action, channel=channel, subject=f"token {row.pk}", data=named)
