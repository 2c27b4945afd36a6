"""The rules for questions: those in force, and the next version of one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.action import NotPending
from workflows.services.desk.policy_list import (
    Simulated,
    policy_list,
    policy_text,
    simulate,
    versions_of,
)
from workflows.services.desk.rules import InvalidPolicy
from workflows.services.desk.set_policy import SetPolicy
from workflows.web import strict_json
from workflows.web.strict_json import JsonProblem

LONGEST = 20_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All policies in force; `question` asks which rules hold for that one."""
    simulated: Simulated | None = None
    number = request.GET.get("question", "").strip().removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 19:
        simulated = simulate(request.user, int(number))
    rights = Rights(request.user)
    context = {
        "section": "policies",
        "items": policy_list(request.user),
        "graphs": [each for each in registry.offered() if rights.can_see(each.name)],
        "may_change": rights.is_admin,
        "question": number,
        "simulated": simulated,
    }
    return render(request, "workflows/policies/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """One policy as JSON; a POST writes its next version."""
    source: Any = request.POST if request.method == "POST" else request.GET
    graph = source.get("workflow", "")[:200].replace("\0", "")
    node = source.get("node", "")[:200].replace("\0", "")
    text, version = policy_text(request.user, graph, node)
    errors: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        text = request.POST.get("body", "")[:LONGEST]
        try:
            SetPolicy(
                request.user,
                graph,
                node,
                _mapping(text),
                _number(request.POST.get("version", "")),
                request.POST.get("reason", ""),
            ).execute()
        except InvalidPolicy as refusal:
            errors, status = refusal.errors, 400
        except JsonProblem as refusal:
            errors, status = {"JSON": str(refusal)}, 400
        except NotPending as refusal:
            errors, status = {"version": str(refusal)}, 409
        else:
            messages.success(request, "The policy is in force from now on.")
            return HttpResponseRedirect(reverse("workflows:policies"), status=303)
    context = {
        "section": "policies",
        "graph": graph,
        "node": node,
        "body": text,
        "reason": source.get("reason", ""),
        "version": version,
        "versions": versions_of(request.user, graph, node),
        "errors": errors,
        "may_change": Rights(request.user).is_admin,
    }
    return render(request, "workflows/policies/edit.html", context, status=status)


def _mapping(text: str) -> dict[str, Any]:
    found = strict_json.parse(text.strip() or "{}")
    if not isinstance(found, dict):
        raise InvalidPolicy({"JSON": 'an object, such as {"quorum": 2}'})
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
