"""Who one is here: the first thing to ask with a new token."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema

from workflows.api.door import operation, person_of
from workflows.services.access import READ, Rights, name_of
from workflows.version import __version__

router = Router(tags=["Me"])


class Me(Schema):
    """The owner of the token, and what it may do."""

    username: str
    name: str
    token: str
    scopes: list[str]
    expires_at: datetime | None
    groups: list[str]
    version: str


@operation(router, "GET", "/me", READ, response=Me, summary="Who one is")
def me(request: HttpRequest) -> Me:
    """The owner of the token, its scopes, and the version of the site."""
    person = person_of(request)
    token = person.api_token  # type: ignore[union-attr]
    return Me(
        username=person.get_username(),
        name=name_of(person),
        token=token.name,
        scopes=token.scopes.split(),
        expires_at=token.expires_at,
        groups=sorted(Rights(person).groups),
        version=__version__,
    )
