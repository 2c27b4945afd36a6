"""How one person wants the pages to behave: time to undo and to hold, single keys."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workflows.services.action import InvalidAnswer
from workflows.services.desk.keys import KNOWN, SetKeys, SwitchKeys, keys_of
from workflows.services.desk.preferences import (
    SetClaimTime,
    SetPreferences,
    preferences_of,
)

PREFIX = "key-"


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The page; a POST keeps the part that its field `part` names."""
    if request.method != "POST":
        return _page(request)
    part = request.POST.get("part", "undo")
    try:
        PARTS.get(part, _keep_undo)(request)
    except InvalidAnswer as refusal:
        return _page(request, part, refusal.errors)
    messages.success(request, "Your preferences are kept.")
    return HttpResponseRedirect(reverse("workflows:preferences"), status=303)


def _keep_undo(request: HttpRequest) -> None:
    seconds = _whole_number(request, "undo_seconds", "a whole number of seconds")
    SetPreferences(request.user, seconds).execute()


def _keep_claim(request: HttpRequest) -> None:
    minutes = _whole_number(request, "claim_minutes", "a whole number of minutes")
    seconds = None if minutes is None else 60 * minutes
    SetClaimTime(request.user, seconds).execute()


def _whole_number(request: HttpRequest, name: str, words: str) -> int | None:
    text = request.POST.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidAnswer({name: words})
    return int(text) if text else None


def _switch_keys(request: HttpRequest) -> None:
    SwitchKeys(request.user, "on" in request.POST).execute()


def _keep_keys(request: HttpRequest) -> None:
    SetKeys(request.user, _typed_keys(request)).execute()


def _reset_keys(request: HttpRequest) -> None:
    SetKeys(request.user, {}).execute()


PARTS = {
    "undo": _keep_undo,
    "claim": _keep_claim,
    "switch": _switch_keys,
    "keys": _keep_keys,
    "reset": _reset_keys,
}


def _typed_keys(request: HttpRequest) -> dict[str, str]:
    names = [name for name in request.POST if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): request.POST[name][:20] for name in names}


def _page(
    request: HttpRequest, part: str = "", errors: dict[str, str] | None = None
) -> HttpResponse:
    """The page with what is kept, or with what was typed and what is wrong with it."""
    kept = preferences_of(request.user)
    faults = errors or {}
    keys = dict(kept.keys)
    undo: Any = kept.undo_seconds
    claim: Any = None if kept.claim_seconds is None else kept.claim_seconds // 60
    if part == "keys":
        keys = {k: v for k, v in _typed_keys(request).items() if k in KNOWN}
    elif part == "undo":
        undo = request.POST.get("undo_seconds", "")[:20]
    elif part == "claim":
        claim = request.POST.get("claim_minutes", "")[:20]
    groups = [
        (title, [(key, faults.get(key.first, "")) for key in found])
        for title, found in keys_of(keys)
    ]
    context = {
        "section": "preferences",
        "undo_seconds": undo,
        "undo_error": faults.get("undo_seconds", ""),
        "claim_minutes": claim,
        "claim_error": faults.get("claim_minutes", ""),
        "key_groups": groups,
        "other_error": faults.get("", ""),
        "has_own_keys": bool(kept.keys),
        "keys_on": not kept.keys_off,
        "has_errors": bool(faults),
    }
    status = 400 if faults else 200
    return render(request, "workflows/preferences.html", context, status=status)
