"""Tokens: how a program comes in somebody's name, with a part of what they may do.

A token is 32 random bytes, so its SHA-256 is enough to keep: nobody finds the text from it,
and nobody guesses one. What a token may do is asked anew for each request: its scopes, and
within them what its owner may do at that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
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
    name_of,
)
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible
from workflows.services.desk import audit
from workflows.services.strict_json import text_fault
from workflows.storage.clock import machine_now

PREFIX = "dw_"
LONGEST_NAME = 80
MOST_DAYS = 3_660
# More than this many that still work are a mistake, or a program that makes them.
MOST_OF_ONE = 50
_START = 8
_NOTED = timedelta(minutes=1)

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


@dataclass(frozen=True)
class TokenLine:
    """One token as a page shows it; its text is never shown again."""

    number: int
    name: str
    start: str
    scopes: tuple[str, ...]
    owner: str
    is_mine: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    status: str
    """works, expired, revoked, or inactive where the owner's account is."""


def own_tokens(person: Person) -> list[TokenLine]:
    """The person's tokens, the newest first."""
    _come_oneself(person)
    return _lines(person, ApiToken.objects.filter(owner=person.pk))


def all_tokens(person: Person) -> list[TokenLine]:
    """Everybody's tokens, the newest first; raises NotVisible for all but admins."""
    _come_oneself(person)
    if not Rights(person).is_admin:
        raise NotVisible("page", "tokens of others")
    return _lines(person, ApiToken.objects.all())


def possible_scopes(person: Person) -> tuple[str, ...]:
    """The scopes that would let a token of this person do anything now."""
    rights = Rights(person)
    names = registry.names()
    # A policy may put questions to any group.
    decides = rights.is_admin or bool(rights.has_business and rights.groups - {VIEWER})
    may = {
        READ: rights.has_business,
        RUN: any(map(rights.can_start, names)),
        EDIT: decides,
        DECIDE: decides,
        SECRETS: any(map(rights.can_see_secret, names)),
    }
    return tuple(scope for scope in SCOPES if may[scope])


@dataclass(frozen=True)
class MakeToken:
    """`person` makes a token of their own; it ends after `days`, or with None never."""

    person: Person
    name: str
    scopes: frozenset[str]
    days: int | None = 90

    def check(self) -> None:
        """Raise NotAllowed, or InvalidAnswer with a text per field."""
        _come_oneself(self.person)
        possible = possible_scopes(self.person)
        if not possible:
            raise NotAllowed("You have no role here, so a token could do nothing.")
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
            errors["scopes"] = f"of yours a token can have {', '.join(possible)}"
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            errors["days"] = f"a number from 1 to {MOST_DAYS:,}"
        if not errors and _working(self.person).count() >= MOST_OF_ONE:
            errors["name"] = f"you have {MOST_OF_ONE} tokens; revoke one first"
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
            _note(self.person, "token.made", row, scopes=row.scopes, ends=until)
        return row, text


@dataclass(frozen=True)
class RevokeToken:
    """`person` ends a token of their own, or as an admin anybody's. It works no more at once."""

    person: Person
    number: int

    def check(self) -> ApiToken:
        """The token, where it is this person's to end."""
        _come_oneself(self.person)
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
                _note(self.person, "token.revoked", row, owner=name_of(row.owner))
            row.refresh_from_db()
        return row


def person_with(text: str) -> Person | None:
    """The owner of the token of this text, as who comes with it; None where it does not work.

    The person carries it as `api_token`: `Rights` and the audit look there.
    """
    if not text.startswith(PREFIX) or not text.isascii() or len(text) > 100:
        return None
    row = (
        _of_use(ApiToken.objects.all())
        .select_related("owner")
        .filter(digest=digest_of(text))
        .first()
    )
    if row is None:
        return None
    _note_use(row)
    person: Any = row.owner
    person.api_token = row
    return person  # type: ignore[no-any-return]


def digest_of(text: str) -> str:
    """SHA-256 (hex) of a token's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _come_oneself(person: Person) -> None:
    if getattr(person, "api_token", None) is not None:
        raise NotAllowed("A token cannot look after tokens: log in yourself.")


def _of_use(rows: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
    living = Q(expires_at=None) | Q(expires_at__gt=machine_now())
    return rows.filter(living, revoked_at=None, owner__is_active=True)


def _working(person: Person) -> QuerySet[ApiToken]:
    return _of_use(ApiToken.objects.filter(owner=person.pk))


def _note_use(row: ApiToken) -> None:
    now = machine_now()
    if row.last_used_at is None or row.last_used_at <= now - _NOTED:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)


def _lines(person: Person, rows: QuerySet[ApiToken]) -> list[TokenLine]:
    return [_line(person, row) for row in rows.select_related("owner").order_by("-id")]


def _line(person: Person, row: ApiToken) -> TokenLine:
    return TokenLine(
        row.pk,
        row.name,
        row.start,
        tuple(row.scopes.split()),
        name_of(row.owner),
        row.owner_id == person.pk,
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
        row.revoked_by,
        _status(row),
    )


def _status(row: ApiToken) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= machine_now():
        return "expired"
    return "works" if row.owner.is_active else "inactive"


def _note(person: Person, action: str, row: ApiToken, **data: Any) -> None:
    named: dict[str, Any] = {"name": row.name, "start": row.start, **data}
    audit.record(person, action, subject=f"token {row.pk}", data=named)


def scope_words(scopes: Iterable[str]) -> list[str]:
    """The scopes as people read them."""
    return [WORDS[scope] for scope in scopes if scope in WORDS]
