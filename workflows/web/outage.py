"""What people get when a page broke: another page where it was the database that was away.

The log then has one line a minute with what to do. The traceback, which is the same for each
request and says nothing more, is at DEBUG.
"""

import logging
import sys

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string

from workflows.services.problems import problem, wants_problem
from workflows.services.seldom import Seldom, and_more
from workflows.services.writable import WHAT_TO_DO, last_refusal
from workflows.storage.outage import LOCKED, is_away, why_unwritable

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
AWAY = "The database does not answer."
BROKEN = "Something broke on our side; the server's log has the traceback."

seldom = Seldom()


def broken(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: 503 while the database is away, else 500.

    Neither page asks for a person or for anything else that stands in the database.
    """
    error = sys.exc_info()[1]
    if error is None or not is_away(error):
        if wants_problem(request):
            return problem(500, "broken", BROKEN)
        return HttpResponseServerError(render_to_string("500.html"))
    last_refusal.note(error)
    again = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    why = why_unwritable(error)
    later = {"Retry-After": str(RETRY_SECONDS)}
    response: HttpResponse
    if wants_problem(request):
        response = problem(503, "unavailable", why or AWAY, headers=later)
    else:
        context = {"reason": why or AWAY, "is_short": why in {"", LOCKED}}
        page = render_to_string("503.html", {**context, "again": again})
        response = HttpResponse(page, status=503, headers=later)
    tell(request, response, why, str(error).strip().partition("\n")[0], error)
    return response


def tell(
    request: HttpRequest,
    response: HttpResponse,
    why: str,
    said: str = "",
    error: BaseException | None = None,
) -> None:
    """Log that a request got 503, and what to do; Django then logs nothing more of it."""
    response._has_been_logged = True  # type: ignore[attr-defined] # by Django's log_response
    match = request.resolver_match
    # Not the path: that of an approval link is a secret.
    where = f"{request.method} {match.view_name if match else 'a page'}"
    left_out = seldom.ask(why)
    if left_out is not None:
        logger.error(
            "503 for %s: %s%s To do: %s. Nothing was changed, and the site goes on by itself.%s",
            where,
            why or AWAY,
            f" ({said})" if said else "",
            WHAT_TO_DO[why],
            and_more(left_out),
        )
    logger.debug("503 for %s", where, exc_info=error)
