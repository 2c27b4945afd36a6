"""The page of an approval link: no log-in, no frame, nothing decided by looking (S11).

The address is the whole authority, so the session and its cookies are not asked. That is why
Django's check of forms, which is about cookies, is replaced by one about the address: the
form sends back a proof that only a reader of this very page has. (With no-referrer, which
keeps the address to itself, browsers send "Origin: null", which Django's check refuses.)
"""

from dataclasses import dataclass, replace
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from workflows.models import Vote
from workflows.services import strict_json
from workflows.services.action import InvalidAnswer, NotVisible, Refused
from workflows.services.outbound.links import (
    KINDS,
    DecideByLink,
    LinkPage,
    LinkSpent,
    find_link,
    is_proof,
    look_at,
    proof_of,
)
from workflows.services.statuses import status_of

METHODS = ("GET", "HEAD", "POST")
# How often one address on the net, and one link, may be used within a window.
PER_WINDOW = 60
WINDOW_SECONDS = 60
LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Box:
    """A decision with words to it, and what somebody has typed there."""

    kind: str
    label: str
    prompt: str
    icon: str
    colour: str
    typed: str = ""


BOXES = (
    Box("reject", "Reject", "Why do you reject it?", "x", "danger"),
    Box("changes", "Send back", "What should change?", "return", "primary"),
    Box("respond", "Send answer", "Your answer in words", "message", "primary"),
    Box("close", "Close without an answer", "Why?", "stop", "danger"),
)


def _alone(view: Any) -> Any:
    """Nobody keeps the page, nobody lists it, and neither Referer nor log tells its address."""

    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        response: HttpResponse = view(request, token)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        # Django would log the address of a refusal, and with it a link that may still work.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    return answer


@csrf_exempt
@login_not_required
@_alone
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is asked; a POST from this page decides it."""
    if request.method not in METHODS:
        # The decorator for this logs the address.
        return HttpResponseNotAllowed(METHODS)
    try:
        link = find_link(token)
    except NotVisible:
        # Only guesses are counted by where they come from: behind a proxy that is one place
        # for all, and nobody's good link is to suffer from them.
        if _is_too_often(f"from:{request.META.get('REMOTE_ADDR', '')}"):
            return _too_often(request)
        return render(request, "workflows/link/unknown.html", status=404)
    if _is_too_often(f"link:{link.pk}"):
        return _too_often(request)
    if request.method != "POST":
        return _page(request, token)
    return _decide(request, token)


def _decide(request: HttpRequest, token: str) -> HttpResponse:
    kind = request.POST.get("kind", "")
    text = request.POST.get(f"{kind}_text", "") if kind in KINDS else ""
    problem, status = "", 400
    if not is_proof(token, request.POST.get("proof", "")) or _is_foreign(request):
        problem, status = "The form is not from this page. Try it again from here.", 403
    elif kind not in KINDS:
        problem = "Choose a decision."
    elif len(text) > LONGEST_TEXT:
        problem = f"At most {LONGEST_TEXT} characters."
    elif strict_json.text_fault(text):
        problem = f"Your text {strict_json.text_fault(text)}. Remove it."
    if problem:
        return _page(request, token, problem, status)
    try:
        made = DecideByLink(token, kind, text).execute()
    except LinkSpent:
        return _page(request, token, status=409)
    except InvalidAnswer as refusal:
        return _page(request, token, _words_of(refusal), 400)
    except Refused as refusal:
        return _page(request, token, str(refusal), status_of(refusal) or 400)
    query = "?vote=1" if isinstance(made, Vote) else ""
    here = reverse("workflows:approval_link", args=[token])
    return HttpResponseRedirect(here + query, status=303)


def _page(
    request: HttpRequest, token: str, problem: str = "", status: int = 200
) -> HttpResponse:
    shown = look_at(find_link(token))
    context = {
        "page": shown,
        "proof": proof_of(token),
        "problem": problem,
        "boxes": _boxes(request, shown),
        "kind": request.POST.get("kind", ""),
        "is_vote": "vote" in request.GET,
        "is_late": status == HTTPStatus.CONFLICT,
    }
    return render(request, "workflows/link/page.html", context, status=status)


def _boxes(request: HttpRequest, shown: LinkPage) -> list[Box]:
    """The boxes of the decisions that the question takes, or that somebody has typed into."""
    found = []
    for box in BOXES:
        typed = request.POST.get(f"{box.kind}_text", "")
        if typed or (shown.outside is not None and box.kind in shown.outside.kinds):
            found.append(replace(box, typed=typed))
    return found


def _words_of(refusal: InvalidAnswer) -> str:
    told = "; ".join(refusal.errors.values())
    return f"The question does not take this answer here: {told}. Log in to decide it with its form."


def _is_foreign(request: HttpRequest) -> bool:
    """Whether the browser says that another site has sent the form."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") not in {
        "same-origin",
        "none",
    }


def _is_too_often(what: str) -> bool:
    """Count one use; the counter is that of this process, or of the shared cache if there is one."""
    key = f"workflows.approval_link:{what}"
    if cache.add(key, 1, WINDOW_SECONDS):
        return False
    try:
        return cache.incr(key) > PER_WINDOW
    except ValueError:  # it ended in between
        return False


def _too_often(request: HttpRequest) -> HttpResponse:
    response = render(
        request, "workflows/link/unknown.html", {"is_often": True}, status=429
    )
    response.headers["Retry-After"] = str(WINDOW_SECONDS)
    return response
