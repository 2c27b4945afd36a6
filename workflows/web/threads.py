"""The list of threads; one thread: its timeline, its state, what an operator may do about it."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.models import Thread
from workflows.services import registry
from workflows.services.access import find_thread
from workflows.services.continue_run import ContinueRun
from workflows.services.sleepers import WakeThread
from workflows.services.state_to_edit import can_open_editor
from workflows.services.thread_history import MAX_PAGE, thread_detail
from workflows.services.thread_list import LATE, thread_list
from workflows.services.thread_updates import offered_on_page
from workflows.services.where import LONGEST, WhereError
from workflows.web.asking import decider_of, rights_of

PAGE_SIZE = 50
STATUSES = [
    (Thread.Status.INTERRUPTED.value, "Waits for a person"),
    (Thread.Status.WAITING.value, "Waiting"),
    (LATE, "Overslept"),
    (Thread.Status.BUSY.value, "Busy"),
    (Thread.Status.ERROR.value, "Failed"),
    (Thread.Status.IDLE.value, "At rest"),
]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Threads, the last changed first; `status`, `workflow` and `where` narrow, `after` turns the page."""
    rights = rights_of(request)
    graphs = [item for item in registry.all() if rights.can_see(item.name)]
    graph = request.GET.get("workflow", "")
    graph = graph if graph in {item.name for item in graphs} else ""
    status = request.GET.get("status", "")
    status = status if status in dict(STATUSES) else ""
    where, problem = request.GET.get("where", "").strip(), ""
    try:
        threads = thread_list(
            request.user,
            graph=graph,
            status=status,
            where=where,
            limit=PAGE_SIZE + 1,
            after=request.GET.get("after", ""),
        )
    except WhereError as error:
        threads, problem = [], f"At character {error.position + 1}: {error.reason}"
    next_page = ""
    if len(threads) > PAGE_SIZE:
        threads = threads[:PAGE_SIZE]
        query = {"workflow": graph, "status": status, "where": where}
        query["after"] = threads[-1].cursor
        next_page = f"{reverse('workflows:threads')}?{urlencode(query)}"
    context = {
        "section": "threads",
        "threads": threads,
        "graphs": graphs,
        "graph": graph,
        "status": status,
        "where": where,
        "problem": problem,
        "longest": LONGEST,
        "statuses": STATUSES,
        "next_page": next_page,
    }
    return render(request, "workflows/threads/index.html", context)


@require_safe
def detail(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The thread with its runs, questions, decisions, state and events."""
    before = _before(request)
    thread = thread_detail(request.user, thread_id, before=before)
    decider = decider_of(request)
    row = find_thread(request.user, thread_id, rights=decider.rights)
    context = {
        "section": "threads",
        "thread": thread,
        "before": before,
        "earlier": thread.events[0].seq if len(thread.events) >= MAX_PAGE else None,
        "last_run": thread.runs[0] if thread.runs else None,
        "may_edit": can_open_editor(decider, row),
        "updates": offered_on_page(decider, row),
    }
    return render(request, "workflows/threads/detail.html", context)


def _before(request: HttpRequest) -> int | None:
    """Before which event the timeline ends, for those who look back; None for the newest."""
    given = request.GET.get("before", "")
    is_number = given.isascii() and given.isdigit() and len(given) < 19
    return (int(given) or None) if is_number else None


@require_POST
def go_on(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Continue a thread whose last run failed; finished steps are not repeated."""
    run = ContinueRun(request.user, thread_id).execute()
    messages.success(request, f"Run {run.pk} goes on from the last finished step")
    return HttpResponseRedirect(
        reverse("workflows:thread", args=[thread_id]), status=303
    )


@require_POST
def wake(request: HttpRequest, thread_id: str) -> HttpResponse:
    """End what sleeps or waits until a time on a thread, also before it."""
    run = WakeThread(request.user, thread_id).execute()
    messages.success(request, f"Run {run.pk} ends the wait")
    return HttpResponseRedirect(
        reverse("workflows:thread", args=[thread_id]), status=303
    )
