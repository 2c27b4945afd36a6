"""Start a workflow from a form drawn from its input schema."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from workflows.services import registry, strict_json
from workflows.services.access import Rights, require
from workflows.services.action import InvalidAnswer, NotVisible, OtherInput
from workflows.services.conversation import conversations_of
from workflows.services.schema_check import schema_errors
from workflows.services.start_run import StartRun
from workflows.web import message_form
from workflows.web.forms import Form, Reading, attach
from workflows.web.review_form import is_list_button


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The workflows that this person may start."""
    rights = Rights(request.user)
    items = [item for item in registry.offered() if rights.can_start(item.name)]
    context = {"section": "start", "items": items}
    return render(request, "workflows/start/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, graph: str) -> HttpResponse:
    """The form of one workflow's input, and the start itself."""
    item = _find(request, graph)
    schema = item.input_jsonschema()
    talks = conversations_of(item.graph)
    drawn = Form(message_form.begun(schema, talks), prefix="input")
    if request.method != "POST":
        return _page(request, item, drawn)
    reading = drawn.read(request.POST, request.FILES)
    notices = _faults(request)
    if is_list_button(request.POST):
        return _page(request, item, drawn, reading)
    if reading.errors or notices:
        return _page(request, item, drawn, reading, notices, 400)
    given = message_form.as_input(reading.value, talks)
    # What is typed as JSON can be of any type; the other fields have been checked.
    misfits = schema_errors(given, schema or {})
    if misfits:
        notices = attach(reading.root, misfits)
        return _page(request, item, drawn, reading, notices, 400)
    try:
        run = StartRun(
            request.user,
            item.name,
            given,
            title=request.POST.get("title", "").strip(),
            idempotency_key=request.POST.get("key", "")[:200] or None,
        ).execute()
    except InvalidAnswer as refusal:
        notices = attach(reading.root, refusal.errors)
        return _page(request, item, drawn, reading, notices, 400)
    except OtherInput as refusal:
        return _sent_before(request, item, drawn, reading, refusal)
    messages.success(request, f"Started {item.title}: run {run.pk}")
    return HttpResponseRedirect(reverse("workflows:run", args=[run.pk]), status=303)


def _sent_before(
    request: HttpRequest,
    item: registry.Registered,
    drawn: Form,
    reading: Reading,
    refusal: OtherInput,
) -> HttpResponse:
    """The form again, to start another: somebody went back in the browser and changed what was sent."""
    notices = [
        f"This form has started thread {refusal.thread_id} already, with what it said then. "
        "Nothing was started now: send it again to start another."
    ]
    return _page(request, item, drawn, reading, notices, 409, key="")


def _find(request: HttpRequest, graph: str) -> registry.Registered:
    """The workflow, where this person may see and start it."""
    item = registry.find(graph)
    rights = Rights(request.user)
    if item is None or item.hidden or not rights.can_see(graph):
        raise NotVisible("workflow", graph)
    require(rights.can_start(graph), f"You may not start the workflow {item.title}.")
    return item


def _faults(request: HttpRequest) -> list[str]:
    fault = strict_json.text_fault(request.POST.get("title", ""))
    return [f"The name {fault}. Remove it."] if fault else []


def _page(
    request: HttpRequest,
    item: registry.Registered,
    drawn: Form,
    reading: Reading | None = None,
    notices: list[str] | None = None,
    status: int = 200,
    key: str | None = None,
) -> HttpResponse:
    key = request.POST.get("key", "") if key is None else key
    context = {
        "section": "start",
        "workflow": item,
        "root": reading.root if reading else drawn.draw(),
        "faulty": reading.faulty if reading else [],
        "notices": notices or [],
        "takes_files": drawn.takes_files,
        "title": request.POST.get("title", ""),
        "key": key or str(uuid.uuid4()),
    }
    return render(request, "workflows/start/form.html", context, status=status)
