"""Webhooks, for admins: the list, one of them, and what is done with it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from workflows.services import registry
from workflows.services.action import InvalidAnswer, StaleQuestion
from workflows.services.outbound.endpoints import (
    EndpointLine,
    RemoveWebhook,
    RenewSecret,
    SendAgain,
    SetWebhook,
    TestWebhook,
    endpoint_list,
    endpoint_of,
)
from workflows.services.outbound.events import EVENTS
from workflows.web.refusals import local_path

LONGEST = 2_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All webhooks with their last results."""
    context = {"section": "webhooks", "items": endpoint_list(request.user)}
    return render(request, "workflows/webhooks/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new webhook; its secret is shown in the answer and never again."""
    endpoint_list(request.user)  # to everybody else there is no such page
    if request.method != "POST":
        return _form(request, {"is_active": True, "events": set(EVENTS), "url": ""})
    try:
        row, secret = _action(request).execute()
    except InvalidAnswer as refusal:
        return _form(request, _typed(request), refusal.errors, status=400)
    return _secret(request, endpoint_of(request.user, row.pk), secret)


@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: HttpRequest, number: int) -> HttpResponse:
    """One webhook with its newest calls; a POST changes it."""
    item = endpoint_of(request.user, number)
    if request.method != "POST":
        return _form(request, item, item=item)
    try:
        _action(request, number).execute()
    except InvalidAnswer as refusal:
        return _form(request, _typed(request), refusal.errors, item=item, status=400)
    except StaleQuestion as refusal:
        errors = {"version": str(refusal)}
        return _form(request, _typed(request), errors, item=item, status=409)
    messages.success(request, "The webhook is saved.")
    return _back(number)


@require_POST
def test(request: HttpRequest, number: int) -> HttpResponse:
    """Call it now."""
    outcome = TestWebhook(request.user, number).execute()
    if outcome.is_good:
        messages.success(request, f"The test arrived: answered {outcome.status}.")
    else:
        messages.error(request, f"The test did not arrive: {outcome.error}.")
    return _back(number, request.POST.get("back", ""))


@require_POST
def renew(request: HttpRequest, number: int) -> HttpResponse:
    """Another secret, shown in the answer and never again."""
    secret = RenewSecret(request.user, number, "at_once" in request.POST).execute()
    return _secret(request, endpoint_of(request.user, number), secret)


@require_POST
def again(request: HttpRequest, number: int) -> HttpResponse:
    """Send what was given up once more."""
    count = SendAgain(request.user, number).execute()
    messages.success(
        request, f"{count} call{'' if count == 1 else 's'} will be sent again."
    )
    return _back(number, request.POST.get("back", ""))


@require_POST
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Take the webhook away."""
    RemoveWebhook(request.user, number).execute()
    messages.success(request, "The webhook is removed.")
    return HttpResponseRedirect(reverse("workflows:webhooks"), status=303)


def _action(request: HttpRequest, number: int | None = None) -> SetWebhook:
    typed = _typed(request)
    version = request.POST.get("version", "")
    is_number = version.isascii() and version.isdigit() and len(version) < 9
    return SetWebhook(
        request.user,
        typed["name"],
        typed["url"],
        frozenset(typed["events"]),
        frozenset(typed["graphs"]),
        typed["is_active"],
        number,
        int(version) if is_number else 0,
    )


def _typed(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", "")[:LONGEST],
        "url": request.POST.get("url", "")[:LONGEST],
        "events": request.POST.getlist("events"),
        "graphs": request.POST.getlist("graphs"),
        "is_active": "is_active" in request.POST,
        "version": request.POST.get("version", ""),
    }


def _form(
    request: HttpRequest,
    values: Any,
    errors: dict[str, str] | None = None,
    *,
    item: Any = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "section": "webhooks",
        "item": item,
        "values": values,
        "events": EVENTS,
        "graphs": registry.all(),
        "errors": errors or {},
    }
    return render(request, "workflows/webhooks/edit.html", context, status=status)


def _secret(request: HttpRequest, item: EndpointLine, secret: str) -> HttpResponse:
    context = {"section": "webhooks", "item": item, "secret": secret}
    response = render(request, "workflows/webhooks/secret.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _back(number: int, path: str = "") -> HttpResponse:
    """To the webhook, or to the page of this site from which somebody came."""
    here = local_path(path) or reverse("workflows:webhook", args=[number])
    return HttpResponseRedirect(here, status=303)
