"""The rules for questions: those in force, what they mean for one, and the next version of one."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from workflows.services import registry, strict_json
from workflows.services.access import Rights
from workflows.services.action import NotPending
from workflows.services.desk.policy_list import (
    PolicyToEdit,
    Simulated,
    policy_list,
    policy_to_edit,
    simulate,
    step_names,
    versions_of,
)
from workflows.services.desk.rules import InvalidPolicy, read_part
from workflows.services.desk.set_policy import SetPolicy
from workflows.services.outbound.choices import address_of
from workflows.services.outbound.endpoints import endpoint_list
from workflows.services.outbound.mailing import last_mail
from workflows.services.strict_json import JsonProblem
from workflows.web.policy_drawing import draw, faults
from workflows.web.policy_form import PolicyForm

LONGEST = 20_000
FORM, JSON = "form", "json"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All policies; `question` asks which rules hold for that one."""
    simulated: Simulated | None = None
    number = request.GET.get("question", "").strip().removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    if is_number:
        simulated = simulate(request.user, int(number))
    rights = Rights(request.user)
    items = policy_list(request.user)
    context = {
        "section": "policies",
        "items": [each for each in items if each.is_active],
        "gone": [each for each in items if not each.is_active],
        "graphs": [each for each in registry.offered() if rights.can_see(each.name)],
        "steps": step_names(request.user) if rights.is_admin else [],
        "may_change": rights.is_admin,
        "question": number[:18],
        "is_no_number": bool(number) and not is_number,
        "simulated": simulated,
        "mail_address": address_of(request.user),
        "last_mail": last_mail(request.user),
        "webhooks": endpoint_list(request.user) if rights.is_admin else [],
    }
    return render(request, "workflows/policies/index.html", context)


@dataclass
class Typed:
    """What stands on the page: the form, or the same as JSON."""

    form: PolicyForm = field(default_factory=PolicyForm)
    mode: str = FORM
    body: str = ""
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, post: QueryDict) -> "Typed":
        """What was sent; with a `body` it is the JSON."""
        mode = JSON if "body" in post else FORM
        return cls(
            PolicyForm.read(post) if mode == FORM else PolicyForm(),
            mode,
            post.get("body", "")[:LONGEST],
            post.get("reason", "")[:2_000],
        )

    def said(self) -> dict[str, Any]:
        """What the policy would say; raises InvalidPolicy or JsonProblem."""
        return _mapping(self.body) if self.mode == JSON else self.form.body()

    def show(self, body: Any, mode: str) -> None:
        """Show a policy that says this, in this mode."""
        self.mode = mode
        self.body = strict_json.dump(body) if mode == JSON else ""
        self.form = PolicyForm.of(body)

    def refuse(self, errors: dict[str, str]) -> None:
        """Put each fault to its field; what has none goes to the top."""
        outer = {"workflow", "node", "reason"}
        for key, text in errors.items():
            if key in outer:
                self.errors[key] = text
            elif self.mode == JSON:
                line = f"{key}: {text}" if key != "JSON" else text
                before = self.errors.get("body")
                self.errors["body"] = f"{before}; {line}" if before else line
            elif key.split(".")[0] in self.form.typed:
                self.form.errors[key] = text
            elif key in self.form.rest:
                self.errors["rest"] = f"{key}: {text}"
            else:
                self.notices.append(f"{key}: {text}")


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """One policy; a POST writes its next version, or changes what the page shows."""
    source: QueryDict = request.POST if request.method == "POST" else request.GET
    graph, node = _text(source, "workflow"), _text(source, "node").strip()
    if request.method != "POST":
        policy = policy_to_edit(
            request.user, graph, node, _number(source.get("from", ""))
        )
        typed = Typed(reason=_text(source, "reason"))
        mode = JSON if source.get("mode") == JSON else FORM
        typed.show(policy.body, mode)
        return _page(request, policy, typed)
    policy = policy_to_edit(request.user, graph, node)
    typed = Typed.read(source)
    seen = _number(source.get("version", ""))
    if typed.mode == FORM and typed.form.press(source):
        return _page(request, policy, typed, seen=seen)
    try:
        said = typed.said()
        mode = source.get("_mode", "")
        if mode in {FORM, JSON}:
            read_part(said)
            typed.show(said, mode)
            return _page(request, policy, typed, seen=seen)
        fault = strict_json.text_fault(typed.reason)
        if fault:
            raise InvalidPolicy({"reason": f"your text {fault}"})
        action = SetPolicy(request.user, graph, node, said, seen, typed.reason)
        action.execute()
    except InvalidPolicy as refusal:
        typed.refuse(refusal.errors)
        return _page(request, policy, typed, 400, seen)
    except JsonProblem as refusal:
        typed.refuse({"JSON": str(refusal)})
        return _page(request, policy, typed, 400, seen)
    except NotPending as refusal:
        typed.notices.append(f"{refusal} What you typed stands below.")
        return _page(request, policy, typed, 409)
    done = "The policy is in force from now on." if said else "It is out of force."
    messages.success(request, done)
    return HttpResponseRedirect(reverse("workflows:policies"), status=303)


def _page(
    request: HttpRequest,
    policy: PolicyToEdit,
    typed: Typed,
    status: int = 200,
    seen: int | None = None,
) -> HttpResponse:
    groups = Group.objects.order_by("name").values_list("name", flat=True)
    sections = draw(typed.form, groups, policy.otherwise)
    context = {
        "section": "policies",
        "policy": policy,
        "typed": typed,
        "sections": sections,
        "faulty": faults(sections, typed.errors),
        "version": policy.version if seen is None else seen,
        "versions": versions_of(request.user, policy.graph, policy.node),
        "may_change": Rights(request.user).is_admin,
    }
    return render(request, "workflows/policies/edit.html", context, status=status)


def _mapping(text: str) -> dict[str, Any]:
    found = strict_json.parse(text.strip() or "{}")
    if not isinstance(found, dict):
        raise InvalidPolicy({"JSON": 'takes an object, such as {"quorum": 2}'})
    return found


def _text(source: QueryDict, name: str) -> str:
    return source.get(name, "")[:200].replace("\0", "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
