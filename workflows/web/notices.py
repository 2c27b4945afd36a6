"""The notices of whoever is logged in, and how else they want to hear of them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from workflows.services.action import InvalidAnswer
from workflows.services.desk.notices import (
    ReadNotices,
    newer_notices,
    notices_of,
    unread,
)
from workflows.services.outbound.choices import (
    KINDS,
    SetMailChoices,
    address_of,
    choices_of,
)
from workflows.services.outbound.mailing import last_mail, send_test_mail


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The newest ones; a POST with `upto` marks those up to that number as read."""
    if request.method == "POST":
        ReadNotices(request.user, _number(request.POST.get("upto", ""))).execute()
        return _back()
    context = {
        "section": "notices",
        "items": notices_of(request.user),
        "new": unread(request.user),
        "kinds": KINDS,
        "choices": choices_of(request.user),
        "mail_address": address_of(request.user),
        "last_mail": last_mail(request.user),
    }
    return render(request, "workflows/notices/index.html", context)


@require_safe
def fresh(request: HttpRequest) -> JsonResponse:
    """Unread notices after number `after`, for the browser's own notifications.

    Without `after` it only tells the newest number: nothing old is shown anew.
    """
    after = _number(request.GET.get("after", ""))
    last, found = newer_notices(request.user, after)
    items = [
        {"number": each.number, "text": each.text, "url": each.url} for each in found
    ]
    return JsonResponse({"last": last, "items": items})


@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Keep which notices come by mail."""
    kinds = frozenset(request.POST.getlist("kinds"))
    SetMailChoices(request.user, kinds, "links" in request.POST).execute()
    messages.success(request, "Your choice of mails is kept.")
    return _back()


@require_POST
def test_mail(request: HttpRequest) -> HttpResponse:
    """Send a mail to oneself."""
    try:
        send_test_mail(request.user)
    except InvalidAnswer as refusal:
        messages.error(request, "; ".join(refusal.errors.values()).capitalize() + ".")
    else:
        messages.success(request, "A test mail is on its way; look here how it went.")
    return _back()


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number else None


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("workflows:notices"), status=303)
