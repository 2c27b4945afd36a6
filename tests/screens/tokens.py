"""Tokens as the screens show them."""

from datetime import timedelta

from django.contrib.auth.models import User

from workflows.models import ApiToken
from workflows.services.tokens import MakeToken, RevokeToken
from workflows.storage.clock import machine_now


def make_tokens(demo: User) -> dict[str, int]:
    """One that works, one that is revoked, and one that has expired."""
    works, revoked, expired = (
        MakeToken(demo, name, frozenset({"read", *more}), None).execute()[0]
        for name, more in (
            ("nightly import of the orders of all our branches", ("run", "edit")),
            ("bot", ("decide",)),
            ("last year's", ()),
        )
    )
    past = machine_now() - timedelta(days=1)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=past)
    RevokeToken(demo, revoked.pk).execute()
    return {"token": works.pk, "revoked_token": revoked.pk}
