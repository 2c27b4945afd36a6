"""The addresses of the JSON API: `path("api/v1/", include("workflows.api.urls"))`.

They bring their own guard (`door.py`), so they ask for no log-in of the site, no session and
no form token, in this project and inside another one.
"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, re_path
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from workflows.api import (
    deciding,
    decisions,
    desk,
    editing,
    events,
    health,
    me,
    openapi,
    questions,
    runs,
    schedules,
    starting,
    steering,
    steps,
    threads,
    updating,
    workflows,
)
from workflows.api.openapi import api
from workflows.api.refusals import answer_refusals, not_found
from workflows.services.away import answer_away
from workflows.services.problems import problem
from workflows.storage.outage import is_away

answer_refusals(api)
_reads = (workflows, threads, steps, events, runs, questions, decisions)
_acts = (starting, steering, updating, editing, deciding, desk, schedules)
for each in (me, openapi, *_reads, *_acts, health):
    api.add_router("", each.router)


def guarded(*views: Any) -> Any:
    """The views of an address, open to programs: what they ask of them they ask themselves.

    There are several where rooms of their own read and change the same thing.
    """

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = _first(views, request, *args, **kwargs)
        except RequestDataTooBig as error:
            return problem(413, "too_large", str(error))
        except Exception as error:
            if not is_away(error):
                raise
            return answer_away(request, error)
        # Inside another project there is no middleware of ours.
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Authorization"])
        return response

    return csrf_exempt(login_not_required(answer))


def _first(views: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """What the first of the views says that takes the method."""
    methods: list[str] = []
    for view in views:
        response: HttpResponse = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        methods += response.headers["Allow"].split(", ")
    allowed = ", ".join(sorted(set(methods)))
    text = f"{request.method} is not for this address; {allowed} is."
    return problem(405, "wrong_method", text, headers={"Allow": allowed})


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Every other address below the API."""
    return not_found(request, Http404())


def _guarded(pattern: Any) -> URLPattern:
    same = [each for each in _made if str(each.pattern) == str(pattern.pattern)]
    views = guarded(*(each.callback for each in same))
    return URLPattern(pattern.pattern, views, pattern.default_args, pattern.name)


_made: list[Any] = api.urls[0]
app_name = "workflows_api"
urlpatterns = [
    *(_guarded(each) for each in _made if each.name != "api-root"),
    path("", nowhere, name="api-root"),
    re_path(r"^(?P<rest>.*)$", nowhere, name="nowhere"),
]
