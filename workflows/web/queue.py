"""The queue of open questions, in the view that its address asks for."""

from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from workflows.services import registry
from workflows.services.action import InvalidAnswer, NotVisible
from workflows.services.desk.notices import ReadNotices
from workflows.services.desk.queue_fields import (
    OPERATOR_WORDS,
    SOURCES,
    FieldFilter,
    names_of,
    read_field,
)
from workflows.services.desk.queue_view import (
    AGES,
    LONGEST,
    QueueView,
    age_words,
    cursor_of,
    page,
)
from workflows.services.desk.saved_views import (
    DeleteView,
    SaveView,
    ready_views,
    views_of,
)
from workflows.services.desk.today import last_decision_of, today
from workflows.services.records import QueueItem
from workflows.services.review_queue import count_of, count_shown, queue_items
from workflows.web.asking import decider_of
from workflows.web.review import opened

PAGE_SIZE = 50
GROUP_OF = {
    "workflow": lambda item: item.graph_title,
    "node": lambda item: f"{item.graph_title}: {item.node}",
    "action": lambda item: item.title,
    "assignee": lambda item: item.assignee or item.group or "anyone",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Open questions; the address holds filters, order, grouping, page and open question.

    A filter that is built of parts (`f_of`, `f_name`, `f_is`, `f_value`) becomes one text `f`.
    """
    if "f_name" in request.GET:
        return _with_built_filter(request)
    decider = decider_of(request)
    rights = decider.rights
    graphs = [item for item in registry.offered() if rights.can_see(item.name)]
    view = QueueView.asked(request.GET)
    rows = view.rows(request.user, rights)
    found = page(rows, view.sort, request.GET.get("after", ""), PAGE_SIZE + 1)
    next_page = ""
    if len(found) > PAGE_SIZE:
        found = found[:PAGE_SIZE]
        after = cursor_of(found[-1], view.sort)
        next_page = f"{reverse('workflows:queue')}?{view.query(after=after)}"
    items = queue_items(found, decider)
    chosen = next((item for item in graphs if item.name == view.graph), None)
    is_whole = not next_page and "after" not in request.GET
    total = len(found) if is_whole else count_of(rows)
    tabs = ready_views(view)
    saved = views_of(request.user, view, rights)
    context = {
        "section": "queue",
        "view": view,
        "query": view.query(),
        "bulk_fields": parse_qsl(view.query()),
        "groups": _groups(items, view.by),
        "items": items,
        "can_bulk": any(item.may_decide for item in items),
        "total": count_shown(total),
        "is_one": total == 1,
        "graphs": graphs,
        "graph": view.graph,
        "graph_title": chosen.title if chosen else view.graph,
        "next_page": next_page,
        "ages": _ages(view.age),
        "sources": SOURCES,
        "operators": OPERATOR_WORDS,
        "field_names": names_of(item.number for item in items),
        "built": _not_understood(request),
        "ready_views": tabs,
        "is_ready_view": any(tab.is_current for tab in tabs),
        "saved_views": saved,
        "today": today(request.user, rights),
        "last": None if items else last_decision_of(request.user, rights),
    }
    context |= _open_question(request, view)
    return render(request, "workflows/queue/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def views(request: HttpRequest) -> HttpResponse:
    """The views by name, as JSON; a POST keeps the present filters under a name."""
    if request.method != "POST":
        tabs = [*ready_views(QueueView()), *views_of(request.user, QueueView())]
        found = [{"name": tab.name, "query": tab.query} for tab in tabs]
        return JsonResponse({"views": found})
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
    return HttpResponseRedirect(f"{reverse('workflows:queue')}?{query}", status=303)


@require_POST
def delete_view(request: HttpRequest, number: int) -> HttpResponse:
    """Forget a saved view of one's own."""
    DeleteView(request.user, number).execute()
    return HttpResponseRedirect(reverse("workflows:queue"), status=303)


def _with_built_filter(request: HttpRequest) -> HttpResponse:
    """The same view with the parts of a new filter as one; without a name there is none."""
    query = request.GET.copy()
    of, name, how, value = (
        query.pop(part, [""])[-1].strip()
        for part in ("f_of", "f_name", "f_is", "f_value")
    )
    if name:
        source = of if of in SOURCES else "payload"
        operator = how if how in OPERATOR_WORDS else "="
        query.appendlist("f", f"{source}.{name} {operator} {value}")
    pairs = [(key, text) for key, texts in query.lists() for text in texts if text]
    return HttpResponseRedirect(f"{reverse('workflows:queue')}?{urlencode(pairs)}")


def _not_understood(request: HttpRequest) -> FieldFilter | None:
    """The last filter of the address that says nothing, to be mended where it was built."""
    filters = [read_field(text[:LONGEST]) for text in request.GET.getlist("f") if text]
    wrong = [each for each in filters if each.problem]
    return wrong[-1] if wrong else None


def _ages(chosen: int) -> list[tuple[int, str]]:
    """The waiting times to choose from, with the present one where it is none of them."""
    seconds = sorted({*AGES, *([chosen] if chosen else [])})
    return [(each, age_words(each)) for each in seconds]


def _open_question(request: HttpRequest, view: QueueView) -> dict[str, Any]:
    """Context of the question that the address names, which stands in the pane."""
    text = request.GET.get("item", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return {"missing": text[:40]}
    try:
        context = opened(request, int(text))
    except NotVisible:
        return {"missing": text}
    ReadNotices(request.user, question=int(text)).execute()
    return context | {"in_pane": True, "view_query": view.query()}


def _groups(items: list[QueueItem], by: str) -> list[dict[str, Any]]:
    """The rows under their headings; without grouping one group without a heading."""
    if not by:
        return [{"title": "", "items": items}]
    name = GROUP_OF[by]
    ordered = sorted(items, key=name)
    return [{"title": t, "items": list(part)} for t, part in groupby(ordered, name)]
