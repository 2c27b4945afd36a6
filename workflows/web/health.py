"""One word for load balancers: the process serves, reaches its database and can write it."""

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows.services.away import tell
from workflows.services.writable import why_not_writable

UNREACHABLE = "database unreachable"
UNWRITABLE = "database cannot be written"


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 "ok", or 503 when the database does not answer or cannot be written."""
    try:
        why = why_not_writable()
    except Error as error:
        return _unwell(request, UNREACHABLE, "", error)
    if why:
        return _unwell(request, f"{UNWRITABLE}: {why}", why)
    return HttpResponse("ok\n", content_type="text/plain")


def _unwell(
    request: HttpRequest, text: str, why: str, error: Error | None = None
) -> HttpResponse:
    answer = HttpResponse(f"{text}\n", status=503, content_type="text/plain")
    said = str(error).strip().partition("\n")[0] if error else ""
    tell(request, answer, why, said, error)
    return answer
