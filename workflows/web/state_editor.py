"""The editor of a thread's state: what would change, what would follow, save it or save and resume.

Reached from a thread, or from a question of it; then the question can be answered in the same
step. Nothing that is typed is lost: whatever stands in the way comes back with it.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from workflows.services.access import find_interrupt
from workflows.services.action import NotAllowed, NotPending, Refused
from workflows.services.statuses import status_of
from workflows.web.state_request import Editor

SWITCH = "_mode"
REVIEW = "_review"


@require_http_methods(["GET", "HEAD", "POST"])
def of_thread(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The editor of a thread; a post saves."""
    return _serve(request, thread_id, 0)


@require_http_methods(["GET", "HEAD", "POST"])
def of_question(request: HttpRequest, number: int) -> HttpResponse:
    """The editor of the thread that asks this question; a post saves, or saves and resumes."""
    return _serve(request, find_interrupt(request.user, number).thread_id, number)


@require_POST
def preview_of_thread(request: HttpRequest, thread_id: str) -> HttpResponse:
    """What the edit would change and what would follow; a fragment, without htmx the page."""
    return _preview(request, thread_id, 0)


@require_POST
def preview_of_question(request: HttpRequest, number: int) -> HttpResponse:
    """The same, with the answer to the question in view."""
    thread_id = find_interrupt(request.user, number).thread_id
    return _preview(request, thread_id, number)


def _serve(request: HttpRequest, thread_id: str, question: int) -> HttpResponse:
    try:
        editor = Editor(request, thread_id, question)
    except (NotAllowed, NotPending) as refusal:
        if request.method != "POST":
            raise
        return _turned_away(request, thread_id, question, refusal)
    if request.method != "POST":
        return editor.page()
    mode = request.POST.get(SWITCH, "")
    if mode:
        return editor.switch(mode)
    if REVIEW in request.POST:
        return editor.review()
    if editor.is_list_button:
        editor.preview()
        return editor.page()
    return editor.save()


def _preview(request: HttpRequest, thread_id: str, question: int) -> HttpResponse:
    editor = Editor(request, thread_id, question)
    editor.preview()
    if request.headers.get("HX-Request") == "true":
        return editor.fragment()
    return editor.page()


def _turned_away(
    request: HttpRequest, thread_id: str, question: int, refusal: Refused
) -> HttpResponse:
    """Whoever may not save any more still gets the words they typed."""
    status = status_of(refusal) or 400
    if question and find_interrupt(request.user, question).status != "pending":
        status = 409
    context = {
        "section": "queue" if question else "threads",
        "text": str(refusal),
        "words": [
            (name, text)
            for name, texts in request.POST.lists()
            if name == "values" or name.startswith(("s/", "u/", "reason"))
            for text in texts
            if isinstance(text, str) and text.strip() and "~" not in name
        ],
        "back": reverse("workflows:review", args=[question])
        if question
        else reverse("workflows:thread", args=[thread_id]),
    }
    return render(request, "workflows/state/turned_away.html", context, status=status)
