"""What was decided: a list with its filters, the same as a file, and each decision by itself."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.models import Decision
from workflows.services import registry, strict_json
from workflows.services.action import InvalidAnswer, NotPending, ThreadBusy
from workflows.services.desk.decision_file import as_csv, as_json_lines
from workflows.services.desk.decision_list import (
    ALL,
    MINE,
    SCOPES,
    TEAM,
    DecisionFilter,
    DecisionLine,
    decision_list,
)
from workflows.services.desk.decision_page import decision_page
from workflows.services.desk.reopen_decision import ReopenDecision
from workflows.services.statuses import status_of
from workflows.web.asking import rights_of
from workflows.web.value_diff import DiffRow, diff

PAGE_SIZE = 50
FEW_CHANGES = 3
FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json_lines, "application/x-ndjson"),
}
WHOSE = ((MINE, "Mine"), (TEAM, "My team"), (ALL, "Everybody"))


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """My own decisions first; `who=team` and `who=all` those of more people."""
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
        "items": [_shown(item) for item in items],
        "pressed": next((i.number for i in items if i.may_undo and i.is_mine), None),
        "scope": wanted.scope,
        "query": query,
        "since": wanted.since,
        "until": wanted.until,
        "export": urlencode(query),
        "graphs": [item for item in registry.offered() if rights.can_see(item.name)],
        "whose": WHOSE,
        "kinds": Decision.Kind.choices,
        "channels": Decision.Channel.choices,
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


@require_safe
def detail(request: HttpRequest, decision: int) -> HttpResponse:
    """One decision; the part that changes alone, where htmx asks for it."""
    is_part = request.headers.get("HX-Request") == "true"
    return _page(request, decision, name="_reopened.html" if is_part else "detail.html")


@require_POST
def reopen(request: HttpRequest, decision: int) -> HttpResponse:
    """Ask the question of a decision again, on a fork of its thread."""
    reason = request.POST.get("reason", "")[:20_000]
    fault = strict_json.text_fault(reason)
    try:
        action = ReopenDecision(request.user, decision, reason)
        if fault:
            action.check()
            raise InvalidAnswer({"reason": f"The reason {fault}."})
        action.execute()
    except InvalidAnswer as refusal:
        text = refusal.errors.get("reason", str(refusal))
        return _page(request, decision, 400, reason=reason, reason_error=text)
    except (NotPending, ThreadBusy) as refusal:
        more = {"reason": reason, "refusal": str(refusal)}
        return _page(request, decision, status_of(refusal) or 409, **more)
    messages.success(request, "The question is asked again, on a fork of its thread.")
    return HttpResponseRedirect(
        reverse("workflows:decision_made", args=[decision]), status=303
    )


def _page(
    request: HttpRequest,
    decision: int,
    status: int = 200,
    name: str = "detail.html",
    **more: Any,
) -> HttpResponse:
    page = decision_page(request.user, decision)
    changes = page.line.changes
    context = {
        "section": "decisions",
        "page": page,
        "item": page.line,
        "rows": diff(changes.before, changes.after),
        **more,
    }
    return render(request, f"workflows/decisions/{name}", context, status=status)


def _shown(line: DecisionLine) -> dict[str, Any]:
    """A row of the list: a few of its changes, and how many there are besides."""
    rows = [_short(row) for row in diff(line.changes.before, line.changes.after)]
    return {
        "line": line,
        "changes": rows[:FEW_CHANGES],
        "more": len(rows) - FEW_CHANGES,
    }


def _short(row: DiffRow) -> DiffRow:
    """A changed text of several lines as one: what left it and what came."""
    if not row.lines:
        return row
    parts = {
        sign: " ".join(line.text.strip() for line in row.lines if line.sign == sign)
        for sign in "-+"
    }
    return DiffRow(row.path, row.kind, parts["-"], parts["+"])


def _wanted(request: HttpRequest) -> tuple[DecisionFilter, dict[str, str]]:
    names = ("who", "workflow", "kind", "channel", "since", "until")
    given = {name: request.GET.get(name, "")[:200] for name in names}
    query = {name: text for name, text in given.items() if text and "\0" not in text}
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    who = query.get("who", MINE)
    return (
        DecisionFilter(
            scope=who if who in SCOPES else MINE,
            graph=query.get("workflow", ""),
            kind=query.get("kind", ""),
            channel=query.get("channel", ""),
            since=_instant(query, "since"),
            until=_instant(query, "until"),
            before=int(before) if is_number else None,
        ),
        query,
    )


def _instant(query: dict[str, str], name: str) -> datetime | None:
    """The instant that the address names; what is none is left out of it."""
    with suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(query.get(name, ""))
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    query.pop(name, None)
    return None
