"""One step of a thread: the state after it, and the names that people give it."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.engine.checkpoint.labels import LONGEST
from workflows.services.action import InvalidAnswer
from workflows.services.desk.label_step import LabelStep, UnlabelStep
from workflows.services.fork_thread import ForkThread
from workflows.services.step import StepGone, step_detail

View = Callable[[HttpRequest, str, str], HttpResponse]


def _told_when_gone(view: View) -> View:
    """Steps are forgotten while the timeline still tells of them: say so, and keep what was typed."""

    @wraps(view)
    def answer(request: HttpRequest, thread_id: str, checkpoint: str) -> HttpResponse:
        try:
            return view(request, thread_id, checkpoint)
        except StepGone as refusal:
            context = {
                "section": "threads",
                "thread": refusal.thread,
                "typed": request.POST.get("text", ""),
            }
            page = "workflows/threads/step_gone.html"
            return render(request, page, context, status=404)

    return answer


@require_safe
@_told_when_gone
def detail(request: HttpRequest, thread_id: str, checkpoint: str) -> HttpResponse:
    """The step with its state and its labels."""
    return _page(request, thread_id, checkpoint)


@require_POST
@_told_when_gone
def label(request: HttpRequest, thread_id: str, checkpoint: str) -> HttpResponse:
    """Give the step a name."""
    typed = request.POST.get("text", "")
    try:
        made = LabelStep(request.user, thread_id, checkpoint, typed).execute()
    except InvalidAnswer as refusal:
        error = refusal.errors["text"]
        return _page(request, thread_id, checkpoint, typed, error)
    messages.success(request, f"The step is labelled “{made.text}” and is kept.")
    return _back(thread_id, checkpoint)


@require_POST
@_told_when_gone
def unlabel(request: HttpRequest, thread_id: str, checkpoint: str) -> HttpResponse:
    """Take a name off the step."""
    text = request.POST.get("text", "")
    if UnlabelStep(request.user, thread_id, checkpoint, text).execute():
        messages.success(request, f"The label “{text}” is taken off.")
    else:
        messages.info(request, f"The label “{text}” was gone already.")
    return _back(thread_id, checkpoint)


@require_POST
@_told_when_gone
def fork(request: HttpRequest, thread_id: str, checkpoint: str) -> HttpResponse:
    """Begin a new thread with the history up to the step."""
    made = ForkThread(request.user, thread_id, checkpoint).execute()
    messages.success(
        request, "This thread shares the other one's history, and goes on from there."
    )
    address = reverse("workflows:thread", args=[made.thread_id])
    return HttpResponseRedirect(address, status=303)


def _page(
    request: HttpRequest,
    thread_id: str,
    checkpoint: str,
    typed: str = "",
    error: str = "",
) -> HttpResponse:
    context = {
        "section": "threads",
        "step": step_detail(request.user, thread_id, checkpoint),
        "typed": typed,
        "error": error,
        "longest": LONGEST,
    }
    status = 400 if error else 200
    return render(request, "workflows/threads/step.html", context, status=status)


def _back(thread_id: str, checkpoint: str) -> HttpResponse:
    address = reverse("workflows:step", args=[thread_id, checkpoint])
    return HttpResponseRedirect(address, status=303)
