"""Tokens for programs: one's own, for admins everybody's; a new one is shown once."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from workflows.services.access import LARGEST_NUMBER, READ
from workflows.services.action import InvalidAnswer, NotAllowed
from workflows.services.token_list import all_tokens, own_tokens, token_of
from workflows.services.tokens import (
    LONGEST_NAME,
    WORDS,
    MakeToken,
    RevokeToken,
    possible_scopes,
)
from workflows.web.frame import has_api

NEVER = "never"
# What the form offers, in the order of the page.
LIVES = {
    "30": (30, "30 days"),
    "90": (90, "90 days"),
    "365": (365, "A year"),
    NEVER: (None, "No end: until it is revoked"),
}
FIELDS = {"name": "Name", "scopes": "What it may do", "days": "How long it works"}
LONGEST = 2_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One's own tokens; with `?whose=all`, for admins, everybody's."""
    is_all = request.GET.get("whose") == "all"
    found = (all_tokens if is_all else own_tokens)(request.user, _below(request))
    context = {
        "section": "tokens",
        "page": found,
        "is_all": is_all,
        "api": api_address(request),
        "may_make": bool(possible_scopes(request.user)),
    }
    return render(request, "workflows/tokens/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new token; its text is shown in the answer and never again."""
    possible = possible_scopes(request.user)
    if not possible:
        raise NotAllowed("Without a role here a token could do nothing.")
    if request.method != "POST":
        return _form(request, {"scopes": [READ], "days": "90"}, possible)
    typed = _typed(request)
    try:
        row, text = _made_of(request, typed).execute()
    except InvalidAnswer as refusal:
        return _form(request, typed, possible, refusal.errors)
    context = {
        "section": "tokens",
        "item": token_of(request.user, row.pk),
        "text": text,
        "api": api_address(request),
        "may_ask": READ in row.scopes.split(),
    }
    response = render(request, "workflows/tokens/text.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """Asks whether that token is meant; a POST ends it."""
    item = token_of(request.user, number)
    back = reverse("workflows:tokens") + ("" if item.is_mine else "?whose=all")
    if request.method != "POST":
        context = {"section": "tokens", "item": item, "back": back}
        return render(request, "workflows/tokens/revoke.html", context)
    RevokeToken(request.user, number).execute()
    messages.success(request, f"“{item.name}” is revoked: it works no more.")
    return HttpResponseRedirect(back, status=303)


def api_address(request: HttpRequest) -> str:
    """Where the API is, as whoever asks reaches this site; "" where it is not part of the site."""
    if not has_api():
        return ""
    path = reverse("workflows_api:api-root")
    public = urlsplit(settings.PUBLIC_URL)
    if public.netloc == request.get_host():
        # A proxy may have ended https without telling us.
        return f"{public.scheme}://{public.netloc}{path}"
    return request.build_absolute_uri(path)


def _made_of(request: HttpRequest, typed: dict[str, Any]) -> MakeToken:
    """The token of the form; of a length that is not offered the service says so."""
    days, _ = LIVES.get(typed["days"], (0, ""))
    return MakeToken(request.user, typed["name"], frozenset(typed["scopes"]), days)


def _typed(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", "")[:LONGEST],
        "scopes": request.POST.getlist("scopes"),
        "days": request.POST.get("days", ""),
    }


def _form(
    request: HttpRequest,
    values: dict[str, Any],
    possible: tuple[str, ...],
    errors: dict[str, str] | None = None,
) -> HttpResponse:
    if errors and "days" in errors:
        errors = {**errors, "days": "choose one"}
    context = {
        "section": "tokens",
        "values": values,
        "scopes": [(scope, WORDS[scope]) for scope in possible],
        "lives": [(value, words) for value, (_, words) in LIVES.items()],
        "longest": LONGEST_NAME,
        "errors": errors or {},
        "faults": [
            (field, words, errors[field])
            for field, words in FIELDS.items()
            if errors and field in errors
        ],
    }
    status = 400 if errors else 200
    return render(request, "workflows/tokens/new.html", context, status=status)


def _below(request: HttpRequest) -> int | None:
    """The number that older tokens lie below; None for the first page."""
    text = request.GET.get("below", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return min(int(text), LARGEST_NUMBER) if is_number else None
