"""The addresses of the JSON API: `path("api/v1/", include("workflows.api.urls"))`.

They bring their own guard (`door.py`), so they ask for no log-in of the site, no session and
no form token, in this project and inside another one.
"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from workflows.api import (
    decisions,
    events,
    me,
    openapi,
    questions,
    runs,
    steps,
    threads,
    workflows,
)
from workflows.api.door import Described
from workflows.api.refusals import answer_refusals, not_found
from workflows.services.problems import problem

api = Described()
answer_refusals(api)
_reads = (workflows, threads, steps, events, runs, questions, decisions)
for each in (me, openapi, *_reads):
    api.add_router("", each.router)


def guarded(view: Any) -> Any:
    """The view, open to programs: what it asks of them it asks itself."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response.headers["Allow"]
            text = f"{request.method} is not for this address; {allowed} is."
            return problem(405, "wrong_method", text, headers={"Allow": allowed})
        return response

    return csrf_exempt(login_not_required(answer))


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Every other address below the API."""
    return not_found(request, Http404())


def _guarded(pattern: Any) -> URLPattern:
    return URLPattern(
        pattern.pattern, guarded(pattern.callback), pattern.default_args, pattern.name
    )


_made: list[Any] = api.urls[0]
app_name = "workflows_api"
urlpatterns = [
    *(_guarded(each) for each in _made if each.name != "api-root"),
    path("", nowhere, name="api-root"),
    re_path(r"^(?P<rest>.*)$", nowhere, name="nowhere"),
]
