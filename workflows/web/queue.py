"""The queue of open questions, in the view that its address asks for."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer
from workflows.services.desk.queue_view import QueueView, cursor_of, page
from workflows.services.desk.saved_views import (
    DeleteView,
    SaveView,
    ready_views,
    views_of,
)
from workflows.services.records import QueueItem
from workflows.services.review_queue import queue_items

PAGE_SIZE = 50
COUNT_AT_MOST = 10_000
GROUP_OF = {
    "workflow": lambda item: item.graph_title,
    "node": lambda item: f"{item.graph_title}: {item.node}",
    "assignee": lambda item: item.assignee or item.group or "anyone",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Open questions; the address holds filters, order, grouping and page."""
    rights = Rights(request.user)
    graphs = [item for item in registry.offered() if rights.can_see(item.name)]
    view = QueueView.read(request.GET)
    rows = view.rows(request.user, rights)
    found = page(rows, view.sort, request.GET.get("after", ""), PAGE_SIZE + 1)
    next_page = ""
    if len(found) > PAGE_SIZE:
        found = found[:PAGE_SIZE]
        after = cursor_of(found[-1], view.sort)
        next_page = f"{reverse('queue')}?{view.query(after=after)}"
    items = queue_items(found, rights)
    chosen = next((item for item in graphs if item.name == view.graph), None)
    total = rows.order_by()[: COUNT_AT_MOST + 1].count()
    context = {
        "section": "queue",
        "view": view,
        "query": view.query(),
        "groups": _groups(items, view.by),
        "items": items,
        "total": f"{COUNT_AT_MOST}+" if total > COUNT_AT_MOST else str(total),
        "is_one": total == 1,
        "graphs": graphs,
        "graph": view.graph,
        "graph_title": chosen.title if chosen else view.graph,
        "next_page": next_page,
        "ready_views": ready_views(view),
        "saved_views": views_of(request.user, view),
    }
    return render(request, "workflows/queue/index.html", context)


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the present filters under a name."""
    query = request.POST.get("query", "")
    try:
        SaveView(
            request.user,
            request.POST.get("name", ""),
            query,
            "shared" in request.POST,
        ).execute()
    except InvalidAnswer as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(f"{reverse('queue')}?{query}", status=303)


@require_POST
def delete_view(request: HttpRequest, number: int) -> HttpResponse:
    """Forget a saved view of one's own."""
    DeleteView(request.user, number).execute()
    return HttpResponseRedirect(reverse("queue"), status=303)


def _groups(items: list[QueueItem], by: str) -> list[dict[str, Any]]:
    """The rows under their headings; without grouping one group without a heading."""
    if not by:
        return [{"title": "", "items": items}]
    name = GROUP_OF[by]
    ordered = sorted(items, key=name)
    return [{"title": t, "items": list(part)} for t, part in groupby(ordered, name)]
