"""Decisions made on a host's own page: the same view, then back to where they were made."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from workflows.web import desk, review
from workflows.web.refusals import local_path


@require_POST
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Decide and go back; what stands in the way is shown on the question's own page."""
    return _back(request, review.decide(request, number))


@require_POST
def undo(request: HttpRequest, decision: int) -> HttpResponse:
    """Take a decision back and go back."""
    return _back(request, desk.undo(request, decision))


def _back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    back = local_path(request.POST.get("back", ""))
    if back and isinstance(response, HttpResponseRedirect):
        return HttpResponseRedirect(back, status=303)
    return response
