"""One thread: its timeline, its state, what an operator may do about it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.services.action import InvalidAnswer, StaleCheckpoint
from workflows.services.continue_run import ContinueRun
from workflows.services.edit_state import EditState
from workflows.services.records import ThreadRecord
from workflows.services.thread_history import thread_detail
from workflows.web import strict_json
from workflows.web.tagged import restore


@require_safe
def detail(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The thread with its runs, questions, decisions, state and events."""
    return _page(request, thread_detail(request.user, thread_id))


@require_POST
def go_on(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Continue a thread whose last run failed; finished steps are not repeated."""
    run = ContinueRun(request.user, thread_id).execute()
    messages.success(request, f"Run {run.pk} goes on from the last finished step")
    return HttpResponseRedirect(reverse("thread", args=[thread_id]), status=303)


@require_POST
def edit_state(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Change channels of the state, given as a JSON object, with a reason."""
    thread = thread_detail(request.user, thread_id)
    text = request.POST.get("values", "")
    reason = request.POST.get("reason", "")
    checkpoint = request.POST.get("checkpoint", "")[:36]
    draft = {"values": text, "reason": reason, "errors": {}}
    try:
        values = _values(text, thread, checkpoint)
        fault = strict_json.text_fault(reason)
        if fault:
            raise InvalidAnswer({"reason": f"The reason {fault}."})
        EditState(
            request.user,
            thread_id,
            values,
            checkpoint,
            reason,
        ).execute()
    except InvalidAnswer as refusal:
        return _page(request, thread, {**draft, "errors": refusal.errors}, 400)
    except StaleCheckpoint as refusal:
        fresh = thread_detail(request.user, thread_id)
        return _page(request, fresh, {**draft, "conflict": str(refusal)}, 409)
    messages.success(request, "The state was edited")
    return HttpResponseRedirect(reverse("thread", args=[thread_id]), status=303)


def _values(text: str, thread: ThreadRecord, checkpoint: str) -> dict[str, Any]:
    """The channels that differ from what was shown."""
    try:
        values = strict_json.parse(text)
    except strict_json.JsonProblem as problem:
        raise InvalidAnswer(
            {"values": f"Not valid JSON at {problem.place}: {problem.text}."}
        ) from problem
    if not isinstance(values, dict):
        raise InvalidAnswer({"values": "Write a JSON object: one key per field."})
    shown = {part.name: part.tree for part in thread.state.fields if part.is_editable}
    changed = {key: value for key, value in values.items() if value != shown.get(key)}
    if not changed and checkpoint == thread.state.checkpoint:
        raise InvalidAnswer({"values": "Nothing was changed."})
    wanted = changed or values
    return {key: restore(value, shown.get(key)) for key, value in wanted.items()}


def _page(
    request: HttpRequest,
    thread: ThreadRecord,
    draft: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    editable = [part for part in thread.state.fields if part.is_editable]
    whole = [part for part in editable if not (part.is_cut or part.is_masked)]
    context = {
        "section": "runs",
        "thread": thread,
        "last_run": thread.runs[0] if thread.runs else None,
        "may_edit": thread.may_edit and bool(whole),
        "has_cut": len(whole) < len(editable),
        "draft": draft
        or {"values": strict_json.dump({part.name: part.tree for part in whole})},
        "edit_is_open": draft is not None,
    }
    return render(request, "workflows/threads/detail.html", context, status=status)
