"""The list of runs, and one run."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from workflows.models import Run
from workflows.services import registry, strict_json
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer
from workflows.services.asleep import sleep_of
from workflows.services.cancel_run import (
    FAILED,
    LIVE,
    CancelRun,
    asks,
    may_cancel,
)
from workflows.services.in_line import queues_seen
from workflows.services.records import State
from workflows.services.thread_family import ends_with
from workflows.services.thread_history import (
    ATTENTION,
    DUE,
    LOST,
    MAX_PAGE,
    run_detail,
    run_list,
)
from workflows.services.undoing import has_undo

PAGE_SIZE = 50
MAX_REASON = 1000
# What is shorter, in characters, may stand on a page twice.
LONG_TEXT = 200
STATUSES = [
    (Run.Status.RUNNING.value, "Running"),
    (Run.Status.INTERRUPTED.value, "Waits for a person"),
    (Run.Status.WAITING.value, "Waiting"),
    (Run.Status.PENDING.value, "Waiting to start"),
    (DUE, "Due, not begun"),
    (LOST, "Worker gone"),
    (Run.Status.ERROR.value, "Failed"),
    (ATTENTION, "Needs attention"),
    (Run.Status.SUCCESS.value, "Done"),
    (Run.Status.CANCELLED.value, "Cancelled"),
    (Run.Status.TIMEOUT.value, "Timed out"),
]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Runs, newest first; `before` turns the page.

    `status`, `workflow`, `queue`, `failure` (a kind) and `node` (where it failed) narrow.
    """
    rights = Rights(request.user)
    graphs = [item for item in registry.all() if rights.can_see(item.name)]
    graph = _one_of(request.GET.get("workflow", ""), [item.name for item in graphs])
    status = _one_of(request.GET.get("status", ""), [word for word, _ in STATUSES])
    failure, node = (_word(request, name) for name in ("failure", "node"))
    queues = queues_seen(rights)
    queue = _one_of(request.GET.get("queue", ""), queues)
    runs = run_list(
        request.user,
        graph=graph,
        status=status,
        failure=failure,
        node=node,
        queue=queue,
        limit=PAGE_SIZE + 1,
        before=_whole_number(request.GET.get("before", "")),
    )
    next_page = ""
    if len(runs) > PAGE_SIZE:
        runs = runs[:PAGE_SIZE]
        query = {
            "workflow": graph or "",
            "status": status or "",
            "failure": failure,
            "node": node,
            "queue": queue or "",
            "before": runs[-1].id,
        }
        next_page = f"{reverse('workflows:runs')}?{urlencode(query)}"
    context = {
        "section": "runs",
        "runs": runs,
        "graphs": graphs,
        "graph": graph,
        "status": status,
        "failure": failure,
        "node": node,
        "statuses": STATUSES,
        "queues": queues,
        "queue": queue,
        "next_page": next_page,
        "is_first_page": "before" not in request.GET,
    }
    return render(request, "workflows/runs/index.html", context)


@require_safe
def detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run with the events it caused; what comes after follows live."""
    found = run_detail(request.user, run_id)
    context = {
        "section": "runs",
        "run": found.run,
        "thread": found.thread,
        "events": found.events,
        "has_earlier": len(found.events) >= MAX_PAGE,
        "may_cancel": may_cancel(request.user, run_id),
        "after": found.thread.seq,
        "as_given": as_given(found.run.input, found.thread.state),
        "is_last": bool(found.thread.runs) and found.thread.runs[0].id == found.run.id,
    }
    return render(request, "workflows/runs/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask whether and how to end a run; then end it."""
    if request.method != "POST":
        run = CancelRun(request.user, run_id).check()
        context = {
            "section": "runs",
            "run": run,
            "sleep": sleep_of(run.thread),
            "ends_with": _ends_with(run),
            **_undoing(run),
            "limit": MAX_REASON,
        }
        return render(request, "workflows/runs/cancel.html", context)
    reason = request.POST.get("reason", "").strip()[:MAX_REASON]
    fault = strict_json.text_fault(reason)
    if fault:
        raise InvalidAnswer({"reason": f"The reason {fault}."})
    mode = request.POST.get("mode", Run.CancelMode.STEP)
    run = CancelRun(request.user, run_id, reason, mode).execute()
    is_over = run.status == Run.Status.CANCELLED
    said = "is cancelled" if is_over else "is being cancelled"
    messages.success(request, f"Run {run_id} {said}")
    return HttpResponseRedirect(reverse("workflows:run", args=[run_id]), status=303)


def _undoing(run: Run) -> dict[str, bool]:
    """Whether the run undoes already, and whether cancelling it has something undone."""
    if run.status in LIVE and run.cancel_mode == Run.CancelMode.UNDO:
        return {"is_undoing": True}
    if _is_unbegun(run):
        return {}
    has_failed = run.status in FAILED and not asks(run.thread_id)
    return {"undoes": has_undo(run.thread_id), "has_failed": has_failed}


def _ends_with(run: Run) -> int:
    """How many other threads end with the run; one that has not begun leaves its thread as it is."""
    return 0 if _is_unbegun(run) else ends_with(run.thread_id)


def _is_unbegun(run: Run) -> bool:
    """Whether no worker has begun it; one may have given it back."""
    return run.status == Run.Status.PENDING and not run.fence


def as_given(given: Any, state: State) -> frozenset[str]:
    """The fields of the state that are long, and are still what the run was started with.

    The page shows them once, under the input.
    """
    if not isinstance(given, dict):
        return frozenset()
    return frozenset(
        part.name
        for part in state.fields
        if part.name in given and given[part.name] == part.tree
        if not part.is_cut and not part.is_masked and len(str(part.tree)) > LONG_TEXT
    )


def _word(request: HttpRequest, name: str) -> str:
    """A word of the address; what no column takes is left out of it."""
    text = request.GET.get(name, "")[:200].replace("\0", "")
    return text.encode("utf-8", "ignore").decode()


def _one_of(text: str, allowed: list[str]) -> str | None:
    return text if text in allowed else None


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
