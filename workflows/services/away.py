"""What is told while the database is away: to the log, and to programs.

The log has one line a minute with what to do. The traceback, which is the same for each request
and says nothing more, is at DEBUG.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse

from workflows.services.problems import problem
from workflows.services.seldom import Seldom, and_more
from workflows.services.writable import WHAT_TO_DO, last_refusal
from workflows.storage.outage import why_unwritable

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
AWAY = "The database does not answer."
LATER = {"Retry-After": str(RETRY_SECONDS)}

seldom = Seldom()


def answer_away(request: HttpRequest, error: BaseException) -> HttpResponse:
    """What a program is told of an error that `is_away` knows; it is noted and logged."""
    last_refusal.note(error)
    why = why_unwritable(error)
    response = problem(503, "unavailable", why or AWAY, headers=LATER)
    tell_of(request, response, error)
    return response


def tell_of(request: HttpRequest, response: HttpResponse, error: BaseException) -> None:
    """Log the request that met this error."""
    said = str(error).strip().partition("\n")[0]
    tell(request, response, why_unwritable(error), said, error)


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
