"""The tokens that a person may look at: their own, and for admins everybody's.

Of a token's text only its beginning is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from workflows.models import ApiToken
from workflows.services.access import Person, Rights, name_of
from workflows.services.action import NotVisible
from workflows.services.tokens import RevokeToken, come_oneself, standing_of

MOST_SHOWN = 100


@dataclass(frozen=True)
class TokenLine:
    """One token as a page shows it.

    `status` is how it stands (`standing_of`).
    """

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


@dataclass(frozen=True)
class TokenPage:
    """Tokens, the newest first; where there are older ones, `next` is the number they lie below."""

    items: tuple[TokenLine, ...]
    next: int | None = None


def own_tokens(person: Person, below: int | None = None) -> TokenPage:
    """The person's tokens."""
    come_oneself(person)
    return _page(person, ApiToken.objects.filter(owner=person.pk), below)


def all_tokens(person: Person, below: int | None = None) -> TokenPage:
    """Everybody's tokens; raises NotVisible for all but admins."""
    come_oneself(person)
    if not Rights(person).is_admin:
        raise NotVisible("page", "tokens of others")
    return _page(person, ApiToken.objects.all(), below)


def token_of(person: Person, number: int) -> TokenLine:
    """One token that the person may end; raises NotVisible for any other."""
    return _line(person, RevokeToken(person, number).check())


def _page(person: Person, rows: QuerySet[ApiToken], below: int | None) -> TokenPage:
    if below is not None:
        rows = rows.filter(pk__lt=below)
    found = list(rows.select_related("owner").order_by("-id")[: MOST_SHOWN + 1])
    shown = found[:MOST_SHOWN]
    is_more = len(found) > MOST_SHOWN
    return TokenPage(
        tuple(_line(person, row) for row in shown), shown[-1].pk if is_more else None
    )


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
        standing_of(row),
    )
