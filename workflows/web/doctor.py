"""Why a thread does not go on: the checks, a report to hand on, and what an operator may do about it."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.models import Run
from workflows.services.access import find_thread
from workflows.services.action import InvalidAnswer
from workflows.services.checkup.acting import MAX_REASON, Mend
from workflows.services.checkup.checklist import check_up
from workflows.services.checkup.report import report
from workflows.web import strict_json
from workflows.web.asking import rights_of


@dataclass(frozen=True)
class _Typed:
    """What stands in the form of an act that was refused."""

    act: str = ""
    reason: str = ""
    error: str = ""


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
    mend = Mend(request.user, thread_id, request.POST.get("act", ""), reason)
    try:
        mend.check()
        fault = strict_json.text_fault(reason)
        if fault:
            raise InvalidAnswer({"reason": f"The reason {fault}."})
        run = mend.execute()
    except InvalidAnswer as refusal:
        if "reason" not in refusal.errors:
            raise
        typed = _Typed(mend.act, reason, refusal.errors["reason"])
        return _page(request, thread_id, typed, 400)
    messages.success(request, _told(mend.act, run))
    return HttpResponseRedirect(
        reverse("workflows:thread_doctor", args=[thread_id]), status=303
    )


def _told(act: str, run: Run) -> str:
    if act == "release":
        is_back = run.status == Run.Status.PENDING
        end = "waits for a worker again" if is_back else f"has ended: {run.status}"
        return f"Run {run.pk} was taken from its worker, and {end}"
    return {
        "continue": f"Run {run.pk} goes on from the last finished step",
        "wake": f"Run {run.pk} ends the wait",
        "nudge": f"The workers were told of run {run.pk} again",
    }[act]


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
