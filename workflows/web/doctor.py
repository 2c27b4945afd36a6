"""Why a thread does not go on: the checks, a report to hand on, and what an operator may do about it."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.services import strict_json
from workflows.services.access import find_thread
from workflows.services.action import InvalidAnswer
from workflows.services.checkup.acting import MAX_REASON, Mend
from workflows.services.checkup.checklist import check_up
from workflows.services.checkup.report import report
from workflows.web.asking import rights_of


@dataclass(frozen=True)
class _Typed:
    """What stands in the form of an act that was refused."""

    act: str = ""
    reason: str = ""
    error: str = ""
    choice: str = ""


@require_safe
def detail(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The verdict, each check with its evidence and its acts, and the report."""
    return _page(request, thread_id, _Typed())


@require_safe
def as_text(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The report as a file."""
    rights = rights_of(request)
    thread = find_thread(request.user, thread_id, rights=rights)
    answer = HttpResponse(
        report(check_up(thread, rights)), content_type="text/plain; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="doctor.txt"'
    return answer


@require_POST
def act(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Do one of the acts that the page offers."""
    reason = request.POST.get("reason", "").strip()[:MAX_REASON]
    said = [request.POST.get(name, "") for name in ("act", "choice")]
    mend = Mend(request.user, thread_id, said[0], reason, said[1])
    try:
        mend.check()
        fault = strict_json.text_fault(reason)
        if fault:
            raise InvalidAnswer({"reason": f"The reason {fault}."})
        done = mend.execute()
    except InvalidAnswer as refusal:
        if "reason" not in refusal.errors:
            raise
        typed = _Typed(mend.act, reason, refusal.errors["reason"], mend.choice)
        return _page(request, thread_id, typed, 400)
    messages.success(request, done.said)
    return HttpResponseRedirect(
        reverse("workflows:thread_doctor", args=[thread_id]), status=303
    )


def _page(
    request: HttpRequest, thread_id: str, typed: _Typed, status: int = 200
) -> HttpResponse:
    rights = rights_of(request)
    thread = find_thread(request.user, thread_id, rights=rights)
    found = check_up(thread, rights)
    context = {
        "section": "threads",
        "thread": thread,
        "found": found,
        "report": report(found),
        "typed": typed,
        "limit": MAX_REASON,
    }
    return render(request, "workflows/doctor/detail.html", context, status=status)
