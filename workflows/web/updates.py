"""Send an update to a thread by hand: a form drawn from what its handler takes, and the answer."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workflows.engine.update_errors import UpdateFailed, UpdateRefused, UpdateTimeout
from workflows.services.access import find_thread
from workflows.services.action import NotVisible, ThreadBusy
from workflows.services.keys import MAX_KEY_LENGTH
from workflows.services.schema_check import schema_errors
from workflows.services.send_update import SendUpdate
from workflows.services.thread_updates import OfferedUpdate, offered, shown_result
from workflows.web.asking import rights_of
from workflows.web.forms import Form, Reading, attach
from workflows.web.review_form import is_list_button

PATIENCE = 5.0
"""Seconds that a page waits for the end of a step that is at work."""
LONGEST_ANSWER = 300
"""Characters of a result that the page says."""
STEP_IS_LONG = (
    "A step of this thread is at work and did not end in time, so the update was taken back: nothing has changed. "
    "Try again when the step has ended."
)


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The updates of a thread, the form of one of them, and the sending itself."""
    found = offered(request.user, thread_id)
    name = request.POST.get("update", "") or request.GET.get("update", "")
    if not name and request.method != "POST":
        if len(found) != 1:
            return _choice(request, thread_id, found)
        (name,) = found
    update = found.get(name)
    if update is None:
        raise NotVisible("update", name)
    drawn = Form(update.schema, prefix="args")
    if request.method != "POST":
        return _page(request, thread_id, update, drawn)
    reading = Reading({}, drawn.draw())
    if update.schema["properties"]:  # else there is nothing to fill in
        reading = drawn.read(request.POST, request.FILES)
    if is_list_button(request.POST):
        return _page(request, thread_id, update, drawn, reading)
    if reading.errors:
        return _page(request, thread_id, update, drawn, reading, [], 400)
    misfits = schema_errors(reading.value, update.schema)
    if misfits:
        notices = attach(reading.root, misfits)
        return _page(request, thread_id, update, drawn, reading, notices, 400)
    return _sent(request, thread_id, update, drawn, reading)


def _sent(
    request: HttpRequest,
    thread_id: str,
    update: OfferedUpdate,
    drawn: Form,
    reading: Reading,
) -> HttpResponse:
    key = request.POST.get("key", "")[:MAX_KEY_LENGTH] or None
    sending = SendUpdate(
        request.user, thread_id, update.name, reading.value, key=key, seconds=PATIENCE
    )
    try:
        result = sending.execute()
    except UpdateRefused as refusal:
        wrong = refusal.errors or {"": refusal.reason}
        notices = attach(reading.root, wrong)
    except UpdateFailed as failure:
        notices = [f"{failure.error}. Nothing has changed."]
    except UpdateTimeout:
        notices = [STEP_IS_LONG]
    except ThreadBusy as busy:
        notices = [str(busy)]
    else:
        messages.success(request, _said(request, thread_id, update, result))
        return HttpResponseRedirect(
            reverse("workflows:thread", args=[thread_id]), status=303
        )
    return _page(request, thread_id, update, drawn, reading, notices, 409)


def _said(
    request: HttpRequest, thread_id: str, update: OfferedUpdate, result: object
) -> str:
    """That it is done, and its result in a line."""
    done = f"“{update.title}” was carried out"
    graph = find_thread(request.user, thread_id).graph
    shown = shown_result(graph, result, rights_of(request))
    if shown.tree is None:
        return f"{done}."
    text = _bare(shown.tree)
    if isinstance(text, dict):
        text = ", ".join(f"{name}: {_plain(part)}" for name, part in text.items())
    text = _plain(text)
    cut = f"{text[:LONGEST_ANSWER]}…" if len(text) > LONGEST_ANSWER else text
    return f"{done}: {cut}"


def _bare(tree: Any) -> Any:
    """A tree without the tags of what JSON lacks: an instant is its text, an object its fields."""
    if isinstance(tree, list):
        return [_bare(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if "$t" in tree and "v" in tree:
        return _bare(tree["v"])
    return {name: _bare(part) for name, part in tree.items()}


def _plain(part: object) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _choice(
    request: HttpRequest, thread_id: str, found: dict[str, OfferedUpdate]
) -> HttpResponse:
    context = {
        "section": "threads",
        "thread": find_thread(request.user, thread_id),
        "updates": [*found.values()],
    }
    return render(request, "workflows/threads/updates.html", context)


def _page(
    request: HttpRequest,
    thread_id: str,
    update: OfferedUpdate,
    drawn: Form,
    reading: Reading | None = None,
    notices: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    # What was refused may be sent again, and is another update then.
    key = "" if status == 409 else request.POST.get("key", "")
    context = {
        "section": "threads",
        "thread": find_thread(request.user, thread_id),
        "update": update,
        "root": reading.root if reading else drawn.draw(),
        "faulty": reading.faulty if reading else [],
        "notices": notices or [],
        "takes_files": drawn.takes_files,
        "key": key or str(uuid.uuid4()),
    }
    return render(request, "workflows/threads/update.html", context, status=status)
