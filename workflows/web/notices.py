"""The notices of whoever is logged in."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workflows.services.desk.notices import ReadNotices, notices_of, unread


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The newest ones; a POST with `upto` marks those up to that number as read."""
    if request.method == "POST":
        text = request.POST.get("upto", "")
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        ReadNotices(request.user, int(text) if is_number else None).execute()
        return HttpResponseRedirect(reverse("notices"), status=303)
    context = {
        "section": "notices",
        "items": notices_of(request.user),
        "new": unread(request.user),
    }
    return render(request, "workflows/notices/index.html", context)
