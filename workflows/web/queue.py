"""The queue of open questions."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.review_queue import count, pending

PAGE_SIZE = 50


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Open questions, oldest first; `workflow` narrows, `after` turns the page."""
    rights = Rights(request.user)
    graphs = [item for item in registry.all() if rights.can_see(item.name)]
    wanted = request.GET.get("workflow", "")
    chosen = next((item for item in graphs if item.name == wanted), None)
    graph = chosen.name if chosen else None
    items = pending(
        request.user,
        graph=graph,
        limit=PAGE_SIZE + 1,
        after=request.GET.get("after"),
    )
    next_page = ""
    if len(items) > PAGE_SIZE:
        items = items[:PAGE_SIZE]
        query = {"workflow": graph or "", "after": items[-1].cursor}
        next_page = f"{reverse('queue')}?{urlencode(query)}"
    context = {
        "section": "queue",
        "items": items,
        "total": count(request.user, graph=graph),
        "graphs": graphs,
        "graph": graph,
        "graph_title": chosen.title if chosen else "",
        "next_page": next_page,
    }
    return render(request, "workflows/queue/index.html", context)
