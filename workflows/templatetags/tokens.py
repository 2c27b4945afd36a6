"""How tokens stand, and what they may do, in words."""

from collections.abc import Iterable

from django import template
from django.utils.safestring import SafeString

from workflows.services.access import DECIDE, EDIT, READ, RUN, SECRETS
from workflows.templatetags.formatting import badge

register = template.Library()

# Status of services/token_list.py -> colour, icon, word.
STATUSES = {
    "works": ("success", "check", "Works"),
    "expired": ("quiet", "clock", "Expired"),
    "revoked": ("quiet", "stop", "Revoked"),
    "inactive": ("error", "alert", "Owner inactive"),
}
SCOPES = {
    READ: "read",
    RUN: "start and cancel runs",
    EDIT: "change states",
    DECIDE: "answer questions",
    SECRETS: "see secret channels",
}


@register.simple_tag
def token_status(word: str) -> SafeString:
    """The status of a token, as icon and word."""
    return badge(*STATUSES.get(word, ("quiet", "dot", word)))


@register.filter
def scope_words(scopes: Iterable[str]) -> str:
    """What a token may do, in few words."""
    return ", ".join(SCOPES.get(scope, scope) for scope in scopes)
