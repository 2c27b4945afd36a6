"""The pane beside the queue: one question as a part of the page instead of a page of its own.

A request that brings the header `X-Queue-View`, the query string of the view it stands in,
is answered with parts: a question as its fragment, a decision as JSON. A form that was sent
from the pane without scripts brings the same as the field `view`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from workflows.services.desk.next_question import next_question
from workflows.services.desk.queue_view import QueueView
from workflows.web.asking import decider_of

HEADER = "X-Queue-View"
PREFETCH = "X-Prefetch"
NEXT = "X-Next"
LONGEST_VIEW = 2_000


def wants_part(request: HttpRequest) -> bool:
    """Whether a script of the queue asks, which puts the answer into its page."""
    return HEADER in request.headers


def is_prefetch(request: HttpRequest) -> bool:
    """Whether nobody looks at it yet."""
    return PREFETCH in request.headers


def view_of(request: HttpRequest) -> QueueView | None:
    """The view of the queue in whose pane the question stands; None on its own page."""
    query = request.headers.get(HEADER)
    if query is None:
        query = request.POST.get("view")
    return None if query is None else QueueView.read(QueryDict(query[:LONGEST_VIEW]))


def place(request: HttpRequest) -> dict[str, Any]:
    """Context for a question: whether it stands in a pane, and beside which view."""
    view = view_of(request)
    return {
        "in_pane": wants_part(request),
        "is_prefetch": is_prefetch(request),
        "view_query": view.query() if view else "",
    }


def answer(
    request: HttpRequest, context: dict[str, Any], status: int = 200, name: str = ""
) -> HttpResponse:
    """A question as a page, or as a part where a script asked for one.

    `name` is that of another page with a part, which is told by `_pane`.
    """
    page, part = (name, f"{name}_pane") if name else ("detail", "pane")
    response = render(
        request,
        f"workflows/review/{part if wants_part(request) else page}.html",
        context | place(request),
        status=status,
    )
    if wants_part(request):
        response["X-Part"] = "question"
    patch_vary_headers(response, [HEADER])
    return response


def go_on(
    request: HttpRequest, number: int, done: str, sibling: int, *, is_open: bool = False
) -> HttpResponse:
    """After a decision made in a pane: the strip that tells of it, and what comes next.

    `sibling` is the thread's own next question, or 0; `is_open` says that the decided one
    waits for more people. A script gets JSON: `html` of the strips, `done` in words, `open`,
    and the number of the `next` question, 0 for none.
    """
    view = view_of(request) or QueueView.standard()
    known = request.headers.get(NEXT, "")
    if sibling:
        number = sibling
    elif known.isascii() and known.isdigit() and len(known) < 19:
        number = int(
            known
        )  # the script knows its list; what it asks for is checked then
    else:
        number = next_question(request.user, view, number, decider_of(request))
    if not wants_part(request):
        query = view.query(item=number or "")
        return HttpResponseRedirect(f"{reverse('workflows:queue')}?{query}", status=303)
    html = render_to_string("workflows/_strips.html", request=request)
    return JsonResponse(
        {"html": html, "done": done, "next": number, "open": is_open},
        headers={"X-Part": "done"},
    )
