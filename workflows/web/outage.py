"""What people get when a page broke: another page where it was the database that was away."""

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string

from workflows.services.away import AWAY, LATER, answer_away, tell_of
from workflows.services.problems import problem, wants_problem
from workflows.services.writable import last_refusal
from workflows.storage.outage import LOCKED, is_away, why_unwritable

BROKEN = "Something broke on our side; the server's log has the traceback."


def broken(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: 503 while the database is away, else 500.

    Neither page asks for a person or for anything else that stands in the database.
    """
    error = sys.exc_info()[1]
    if error is None or not is_away(error):
        if wants_problem(request):
            return problem(500, "broken", BROKEN)
        return HttpResponseServerError(render_to_string("500.html"))
    if wants_problem(request):
        return answer_away(request, error)
    last_refusal.note(error)
    again = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    why = why_unwritable(error)
    context = {"reason": why or AWAY, "is_short": why in {"", LOCKED}, "again": again}
    page = render_to_string("503.html", context)
    response = HttpResponse(page, status=503, headers=LATER)
    tell_of(request, response, error)
    return response
