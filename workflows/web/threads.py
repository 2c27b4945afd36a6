"""One thread: its timeline, its state, what an operator may do about it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.services.access import find_thread
from workflows.services.continue_run import ContinueRun
from workflows.services.state_to_edit import can_open_editor
from workflows.services.thread_history import thread_detail
from workflows.web.asking import decider_of


@require_safe
def detail(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The thread with its runs, questions, decisions, state and events."""
    thread = thread_detail(request.user, thread_id)
    decider = decider_of(request)
    row = find_thread(request.user, thread_id, rights=decider.rights)
    context = {
        "section": "runs",
        "thread": thread,
        "last_run": thread.runs[0] if thread.runs else None,
        "may_edit": can_open_editor(decider, row),
    }
    return render(request, "workflows/threads/detail.html", context)


@require_POST
def go_on(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Continue a thread whose last run failed; finished steps are not repeated."""
    run = ContinueRun(request.user, thread_id).execute()
    messages.success(request, f"Run {run.pk} goes on from the last finished step")
    return HttpResponseRedirect(
        reverse("workflows:thread", args=[thread_id]), status=303
    )
