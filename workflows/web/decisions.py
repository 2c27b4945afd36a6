"""What was decided: a list with its filters, and the same as a file."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from workflows.models import Decision
from workflows.services import registry
from workflows.services.desk.decision_list import (
    DecisionFilter,
    as_csv,
    as_json_lines,
    decision_list,
)
from workflows.web.asking import rights_of

PAGE_SIZE = 50
FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json_lines, "application/x-ndjson"),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """My own decisions first; `who=all` those of everybody."""
    wanted, query = _wanted(request)
    rights = rights_of(request)
    items = decision_list(request.user, wanted, PAGE_SIZE + 1, rights)
    next_page = ""
    if len(items) > PAGE_SIZE:
        items = items[:PAGE_SIZE]
        more = urlencode(query | {"before": items[-1].number})
        next_page = f"{reverse('workflows:decisions')}?{more}"
    context = {
        "section": "decisions",
        "items": items,
        "query": query,
        "export": urlencode(query),
        "graphs": [item for item in registry.offered() if rights.can_see(item.name)],
        "kinds": Decision.Kind.choices,
        "next_page": next_page,
    }
    return render(request, "workflows/decisions/index.html", context)


@require_safe
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The decisions of the same filters as a file: `csv`, or `json` with one object a line."""
    write, content_type = FORMATS[form]
    wanted, _ = _wanted(request)
    answer = StreamingHttpResponse(
        write(request.user, wanted), content_type=content_type
    )
    answer["Content-Disposition"] = f'attachment; filename="decisions.{form}"'
    return answer


def _wanted(request: HttpRequest) -> tuple[DecisionFilter, dict[str, str]]:
    given = {n: request.GET.get(n, "")[:200] for n in ("who", "workflow", "kind")}
    query = {name: text for name, text in given.items() if text and "\0" not in text}
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    return (
        DecisionFilter(
            mine=query.get("who") != "all",
            graph=query.get("workflow", ""),
            kind=query.get("kind", ""),
            before=int(before) if is_number else None,
        ),
        query,
    )
